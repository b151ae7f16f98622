"""How our own API reads a body."""

from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from registry.api import requests
from registry.errors import RequestTooLarge


class StrictJSONParser(BaseParser):
    """Takes what means one thing only and can be stored."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        limit = settings.CALLBOARD["LIMIT_BODY_BYTES"]
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise RequestTooLarge(limit)
        return requests.read_strict_json(body, max_depth=settings.CALLBOARD["LIMIT_BODY_DEPTH"])
