"""One operation of the document: what its view says, and what every route of its API has in common."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from config.openapi import security
from config.openapi.shapes import schema_of
from registry import permissions
from registry.permissions import Need

Schema = dict[str, Any]

# By the beginning of the path, the longest first.
TAGS = {
    "/api/v1/audit/": "Audit log",
    "/api/": "Own API",
    "/backstage/v1/": "Catalog feed",
    "/": "Registry",
}
_WITH_BODY = {"POST", "PUT", "PATCH"}
_MEANINGS = {
    400: "The request can't be read",
    401: "Nobody that we know",
    403: "Not for this caller",
    404: "There is no such thing, or none that the caller may see",
    405: "Not by this method",
    406: "None of our media types is accepted",
    409: "It does not go with what is there",
    413: "The body is too large",
    414: "The path or the query is too long",
    415: "The media type of the body is not one of ours",
    422: "The request can be read and not be granted",
    429: "Too many requests",
    500: "The database timed out; nothing was changed",
    503: "The database is unavailable; try again in a moment",
    504: "It took too long; nothing was changed",
}
# Every path of the registry stands under that of a context too.
_CONTEXTS = [
    {"url": "/", "description": "Names without a context are meant in the default one"},
    {
        "url": "/contexts/{context}",
        "description": "Names without a context are meant in this one",
        "variables": {"context": {"default": ".", "description": "Name of the context, with its leading dot."}},
    },
]
_INTEGER = {"type": "integer", "format": "int32"}
_SEGMENT = {"type": "string", "pattern": "^[^/]+$"}
_PATH: dict[str, tuple[Schema, str]] = {
    "subject": (
        {"type": "string", "minLength": 1},
        "Name of the subject, percent-encoded, a slash as `%2F`; in another context `:.context:name`.",
    ),
    "version": (_SEGMENT, "Number of the version, or `latest`."),
    "schema_id": (_INTEGER, "Id of the schema."),
    "guid": (_SEGMENT, "Guid of the content."),
    "context": (_SEGMENT, "Name of the context, with its leading dot or without."),
}


class Operation(AutoSchema):
    """The default schema class of the project's views."""

    method: str
    path: str
    view: Any
    registry: Any

    @property
    def is_for_people(self) -> bool:
        return bool(getattr(self._rule, "people_only", False) or getattr(self.view, "people_only", False))

    @property
    def is_registry(self) -> bool:
        return (getattr(self.view, "route", ""), self.method) in permissions.TABLE

    @property
    def _rule(self) -> permissions.Rule | permissions.OwnRule | None:
        key = (getattr(self.view, "route", ""), self.method)
        return permissions.TABLE.get(key) or permissions.OWN_TABLE.get(key)

    def get_tags(self) -> list[str]:
        return [next(tag for beginning, tag in TAGS.items() if self.path.startswith(beginning))]

    def get_operation_id(self) -> str:
        if self.is_registry:
            return f"{self.method.lower()}_{self.view.route}"
        words = self.path.strip("/").replace("{", "by_").replace("}", "").replace("-", "_").replace(".", "_")
        return f"{self.method.lower()}_{words.replace('/', '_')}"

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it
        """Who may ask, from the same tables by which it is decided."""
        rule = self._rule
        told = []
        if rule is not None and rule.scope is not None:
            told.append(f"Scope of a key: `{rule.scope}`.")
        if isinstance(rule, permissions.Rule) and rule.need != Need.AUTHENTICATED:
            told.append(f"Right: {rule.need}.")
        return " ".join(["For people, not for keys."] if self.is_for_people else told)

    def get_operation(self, *arguments: Any, **more: Any) -> Schema | None:
        operation: Schema | None = super().get_operation(*arguments, **more)
        return {**operation, "servers": _CONTEXTS} if operation and self.is_registry else operation

    @property
    def is_open(self) -> bool:
        """Whoever calls proves who they are by what they send, or does not have to."""
        return not self.view.authentication_classes

    def get_auth(self) -> list[security.Way]:
        if self.is_open:
            return []
        if self.is_for_people:
            return security.by_session(self.method)
        if self.path.startswith("/api/"):
            return [*security.BY_KEY, *security.by_session(self.method)]
        takes_token = getattr(self.view, "takes_feed_token", False)
        return [*security.BY_KEY, *(security.BY_FEED_TOKEN if takes_token else [])]

    def _resolve_path_parameters(self, variables: list[str]) -> list[Schema]:
        if not self.is_registry:
            return list(super()._resolve_path_parameters(variables))  # type: ignore[no-untyped-call]
        return [
            {"in": "path", "name": name, "required": True, "schema": _PATH[name][0], "description": _PATH[name][1]}
            for name in variables
        ]

    def map_parsers(self) -> list[str]:
        return list(getattr(self.view, "consumed", ["application/json"]))

    def map_renderers(self, attribute: str) -> list[str]:
        return list(getattr(self.view, "produced", ["application/json"]))

    def _get_request_for_media_type(self, serializer: Any, direction: str = "request") -> tuple[Schema | None, bool]:
        """An own shape refuses members that it does not know; the protocol wants them ignored."""
        if self.is_registry:
            return schema_of(serializer, self.registry), True
        schema, required = super()._get_request_for_media_type(serializer, direction)  # type: ignore[no-untyped-call]
        if schema and "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[-1]
            self.registry[name, ResolvedComponent.SCHEMA].schema["additionalProperties"] = False
        return schema, required

    def _get_response_bodies(self, direction: str = "response") -> Schema:
        answers: dict[int, Schema] = {}
        codes = self._common_codes()
        described: Any = self.get_response_serializers() or {}
        for status, answer in described.items():
            if isinstance(answer, list):
                codes |= {_code(error) for error in answer}
            else:
                status, *media_types = status if isinstance(status, tuple) else (status, *self.map_renderers(""))
                answers[status] = self._answer(answer, media_types)
        for status in {_status(code) for code in codes}:
            answers.setdefault(status, self._error(status, sorted(code for code in codes if _status(code) == status)))
        return {str(status): answers[status] for status in sorted(answers)}

    def _answer(self, hint: Any, media_types: Iterable[str]) -> Schema:
        if hint is None:
            return {"description": "Done; no body"}
        content = {media_type: {"schema": schema_of(hint, self.registry)} for media_type in media_types}
        return {"description": "As asked", "content": content}

    def _error(self, status: int, codes: list[int]) -> Schema:
        """Under one name for all operations that answer so."""
        name = "_".join(["Error", *map(str, codes)])
        schema = self._component(name, ResolvedComponent.SCHEMA, _error_schema(codes))
        media_types = self.map_renderers("")
        response = {
            "description": _MEANINGS[status],
            "content": {media_type: {"schema": schema} for media_type in media_types},
        }
        prefix = "Registry" if len(media_types) > 1 else ""
        return self._component(prefix + name, ResolvedComponent.RESPONSE, response)

    def _component(self, name: str, kind: str, content: Schema) -> Schema:
        component = ResolvedComponent(name=name, type=kind, object=name, schema=content)  # type: ignore[no-untyped-call]
        self.registry.register_on_missing(component)
        return dict(component.ref)

    def _common_codes(self) -> set[int]:
        codes = {400, 401, 429, 503, 504, *getattr(self.view, "also_answers", (406,))}
        if self.method in _WITH_BODY:
            codes |= {413, 415, 422}
        if self.path.startswith("/api/"):
            codes.add(422)
        if self.is_registry:
            return codes | ({40301} if self._rule is not None and self._rule.scope is not None else set())
        if self.is_open:
            return codes - {401}
        is_for_all = self._rule is not None and self._rule.scope is None and not self.is_for_people
        return codes | (set() if is_for_all else {403})


def _code(error: type[Exception] | int) -> int:
    if isinstance(error, int):
        return error
    return int(getattr(error, "error_code", None) or error.status_code)  # type: ignore[attr-defined]  # one of DRF's


def _status(code: int) -> int:
    return code if code < 1000 else code // 100


def _error_schema(codes: list[int]) -> Schema:
    """A request that does not fit its form has `errors` too, by member."""
    members: Schema = {"error_code": {"type": "integer", "enum": codes}, "message": {"type": "string"}}
    if 422 in codes:
        members["errors"] = {"type": "object", "additionalProperties": True}
    return {"type": "object", "properties": members, "required": ["error_code", "message"]}
