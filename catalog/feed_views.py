"""The endpoints under /backstage/v1/: read only, for a key with the scope `catalog:read`."""

import hmac
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request

from audit.actors import Actor
from catalog import feed
from registry.api.base import RegistryView
from registry.errors import MalformedRequest, NoSuchResource, RegistryError

SCOPE = "catalog:read"
_YAML = "application/yaml; charset=utf-8"


class ScopeMissing(RegistryError):
    error_code = 403

    def __init__(self) -> None:
        super().__init__(f"The key lacks the scope {SCOPE}")


@dataclass(frozen=True)
class TokenReader:
    """Whoever sends the feed token. It is shown to all of Backstage, so it opens what every key may view, no more."""

    user_id: int = 0
    scopes: frozenset[str] = frozenset({SCOPE})
    prefixes: tuple[str, ...] = ()
    groups: frozenset[int] = frozenset()
    owner_group_id: int | None = None
    rights: frozenset[str] = frozenset()

    def actor(self, request_id: str | None) -> Actor:
        return Actor("service", "feed_token", auth="feed_token", request_id=request_id)


class TokenAuthentication(BaseAuthentication):
    """`?token=`, because a stock Location of Backstage can send no header. Off unless the setting gives a token."""

    def authenticate(self, request: Request) -> tuple[TokenReader, None] | None:
        token = settings.CALLBOARD["BACKSTAGE_FEED_TOKEN"]
        given = request.query_params.get("token")
        if not token or given is None or "HTTP_AUTHORIZATION" in request.META:
            return None
        if not hmac.compare_digest(given.encode(errors="replace"), token.encode()):
            return None
        return TokenReader(), None


class EntityPage(TypedDict):
    """`nextCursor` is the `cursor` of the following page; after the last one, `changesCursor` shows what came after."""

    items: list[dict[str, Any]]
    nextCursor: str | None
    changesCursor: str
    total: int
    scope: str


class FeedView(RegistryView):
    """Answers 304 to whoever has the answer already, before it is built."""

    produced = ("application/json",)
    also_answers = (50002,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.perform_authentication(request)
        if request.method == "OPTIONS":
            return
        if not hasattr(self, (request.method or "").lower()):
            raise MethodNotAllowed(request.method or "")
        if SCOPE not in self.principal.scopes:
            raise ScopeMissing

    def get(self, request: Request, **arguments: str) -> HttpResponseBase:
        # Before the tag is computed, which counts only those that have one.
        feed.decide_names()
        tag = f'"{self.tag(**arguments)}"'
        response = get_conditional_response(request._request, etag=tag) or self.build(**arguments)
        response["ETag"] = tag
        response["Cache-Control"] = "no-cache"
        return response

    def tag(self, **arguments: str) -> str:
        raise NotImplementedError

    def build(self, **arguments: str) -> HttpResponse:
        raise NotImplementedError

    def answer(self, body: Any) -> HttpResponse:
        return HttpResponse(orjson.dumps(body), content_type=self._media_type())

    def _media_type(self) -> str:
        return "application/json"


class LocationView(FeedView):
    """What a stock Location reads; it can send no header."""

    takes_feed_token = True

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [TokenAuthentication(), *super().get_authenticators()]

    def get_authenticate_header(self, request: Request) -> str:
        """DRF asks the first one; a challenge makes sense for a header only."""
        return super().get_authenticators()[0].authenticate_header(request) or ""


@extend_schema(summary="Get the entry of the feed", responses={(200, "application/yaml"): Any, 304: None})
class EntryView(LocationView):
    @cached_property
    def numbers(self) -> list[int]:
        return feed.shards(principal=self.principal)

    def tag(self, **arguments: str) -> str:
        return feed.entry_tag(self.numbers)

    def build(self, **arguments: str) -> HttpResponse:
        is_token = isinstance(self.principal, TokenReader)
        query = "?" + urlencode({"token": settings.CALLBOARD["BACKSTAGE_FEED_TOKEN"]}) if is_token else ""
        return HttpResponse(feed.entry_point(self.numbers, query=query), content_type=_YAML)


@extend_schema(
    summary="Get one file of the feed",
    responses={(200, "application/yaml"): Any, 304: None, 404: [NoSuchResource]},
)
class ShardView(LocationView):
    def tag(self, **arguments: str) -> str:
        return feed.shard_tag(principal=self.principal, number=_shard_number(arguments["number"]))

    def build(self, **arguments: str) -> HttpResponse:
        body = feed.shard(principal=self.principal, number=_shard_number(arguments["number"]))
        return HttpResponse(body, content_type=_YAML)


@extend_schema(
    summary="List entities, or what became of them since",
    parameters=[
        OpenApiParameter("cursor", str, description="`nextCursor` or `changesCursor` of an answer."),
        OpenApiParameter("limit", {"type": "integer", "minimum": 1}, description="Most entities in the answer."),
    ],
    responses={200: EntityPage, 304: None, 400: [feed.InvalidCursor]},
)
class EntitiesView(FeedView):
    def tag(self, **arguments: str) -> str:
        return feed.page_tag(principal=self.principal, cursor=self.cursor, limit=self.limit)

    def build(self, **arguments: str) -> HttpResponse:
        page = feed.page(principal=self.principal, cursor=self.cursor, limit=self.limit)
        body: EntityPage = {
            "items": page.items,
            "nextCursor": page.next_cursor,
            "changesCursor": page.changes_cursor,
            "total": page.total,
            "scope": page.scope,
        }
        return self.answer(body)

    @property
    def cursor(self) -> str:
        return self.query.get("cursor", "")

    @property
    def limit(self) -> int:
        """Asked for too many, we give as many as we give."""
        given = self.query.get("limit") or str(feed.MOST_ENTITIES)
        if not (given.isascii() and given.isdigit()) or len(given) > 9 or int(given) == 0:
            raise MalformedRequest("`limit` must be a whole number from 1")
        return min(int(given), feed.MOST_ENTITIES)


@extend_schema(summary="Get an entity", responses={200: dict[str, Any], 304: None, 404: [feed.EntityNotFound]})
class EntityView(FeedView):
    def tag(self, **arguments: str) -> str:
        return feed.entity_tag(principal=self.principal, **arguments)

    def build(self, **arguments: str) -> HttpResponse:
        return self.answer(feed.entity(principal=self.principal, **arguments))


def _shard_number(text: str) -> int:
    """Under one spelling only: what Backstage reads is known to it by its address."""
    number = int(text)
    if number >= settings.CALLBOARD["BACKSTAGE_SHARDS"] or text != f"{number:02}":
        raise NoSuchResource
    return number
