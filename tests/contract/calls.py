"""Short words for requests, and for the schemas in them."""

import json
from dataclasses import dataclass
from typing import Any

from tests.cast import Api, Member

INT = '"int"'
STRING = '"string"'


def record(name: str, *fields: dict[str, Any], **props: Any) -> str:
    """Canonical as long as the props stand in the order of the canonical text."""
    return dumped({"type": "record", "name": name, **props, "fields": list(fields)})


def field(name: str, of: Any = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": of, **more}


def dumped(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def reference(name: str, subject: str, version: int = 1) -> dict[str, Any]:
    return {"name": name, "subject": subject, "version": version}


@dataclass(frozen=True)
class Registry:
    """The API, to one caller who may do everything; an answer other than expected fails with its body."""

    api: Api
    who: Member

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, body: Any) -> Any:
        return self.call("POST", path, body)

    def put(self, path: str, body: Any) -> Any:
        return self.call("PUT", path, body)

    def delete(self, path: str) -> Any:
        return self.call("DELETE", path)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a 200."""
        response = self.answer(method, path, body)
        assert response.status_code == 200, f"{method} {path}: {response.status_code} {response.content.decode()}"
        return response.json()

    def text(self, path: str) -> str:
        response = self.answer("GET", path)
        assert response.status_code == 200, f"{path}: {response.status_code} {response.content.decode()}"
        return str(response.content.decode())

    def answer(self, method: str, path: str, body: Any = None) -> Any:
        return self.api.send(method, path, body, as_=self.who)

    def error(self, method: str, path: str, body: Any = None) -> int:
        """The error code of a refusal, whose status has to fit it."""
        return int(self.refusal(method, path, body)["error_code"])

    def refusal(self, method: str, path: str, body: Any = None) -> Any:
        response = self.answer(method, path, body)
        assert response.status_code >= 400, f"{method} {path}: {response.status_code} {response.content.decode()}"
        told = response.json()
        code = told["error_code"]
        assert response.status_code == (code // 100 if code > 999 else code), told
        return told

    def register(self, subject: str, text: str, **request: Any) -> int:
        """The id."""
        return int(self.registered(subject, text, **request)["id"])

    def registered(self, subject: str, text: str, **request: Any) -> Any:
        return self.post(f"/subjects/{subject}/versions", {"schema": text, **request})

    def refuse(self, subject: str, text: str, **request: Any) -> int:
        """The error code with which a registration is refused."""
        return self.error("POST", f"/subjects/{subject}/versions", {"schema": text, **request})

    def lookup(self, subject: str, text: str, **request: Any) -> Any:
        return self.post(f"/subjects/{subject}", {"schema": text, **request})

    def missing(self, subject: str, text: str, **request: Any) -> int:
        """The error code with which a lookup ends."""
        return self.error("POST", f"/subjects/{subject}", {"schema": text, **request})

    def fits(self, subject: str, text: str, version: int | str = "latest") -> bool:
        tail = f"/{version}" if version else ""
        return bool(self.post(f"/compatibility/subjects/{subject}/versions{tail}", {"schema": text})["is_compatible"])

    def versions(self, subject: str, query: str = "") -> Any:
        return self.get(f"/subjects/{subject}/versions{query}")

    def level(self, level: str, subject: str = "") -> Any:
        return self.put(f"/config/{subject}" if subject else "/config", {"compatibility": level})

    def mode(self, mode: str | None, subject: str = "", query: str = "") -> Any:
        return self.put((f"/mode/{subject}" if subject else "/mode") + query, {"mode": mode})
