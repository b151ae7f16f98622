"""How the tests read the feed."""

import json
from typing import Any

from tests.cast import Api, Member

PATHS = [
    "/backstage/v1/catalog.yaml",
    "/backstage/v1/shards/00.yaml",
    "/backstage/v1/entities",
    "/backstage/v1/entities/default/orders",
]


def configure(settings: Any, **own: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, **own}


def page(api: Api, as_: Member, **query: Any) -> Any:
    answer = api.get("/backstage/v1/entities?" + "&".join(f"{k}={v}" for k, v in query.items()), as_=as_)
    assert answer.status_code == 200, answer.content
    return answer.json()


def titles(api: Api, as_: Member) -> list[str]:
    return [item["metadata"].get("title", "") for item in page(api, as_)["items"]]


def documents(api: Api, as_: Member, number: int = 0) -> list[Any]:
    answer = api.get(f"/backstage/v1/shards/{number:02}.yaml", as_=as_)
    assert answer.status_code == 200, answer.content
    return [json.loads(line) for line in answer.content.decode().split("\n") if line not in {"---", ""}]


def entity(api: Api, as_: Member, name: str = "orders") -> Any:
    return api.get(f"/backstage/v1/entities/default/{name}", as_=as_).json()
