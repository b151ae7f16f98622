"""Where the document is served."""

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from registry.api.own import NothingShape, OwnView


@cache
def document() -> dict[str, Any]:
    """Of the code alone, so once a process."""
    return dict(SchemaGenerator().get_schema(public=True))  # type: ignore[no-untyped-call]


class DocumentView(OwnView):
    route = "own_document"

    @extend_schema(summary="Get this document", responses={200: dict[str, Any]})
    def get(self, request: Request) -> Response:
        self.given(NothingShape)
        return Response(document())
