"""Log lines for people or machines, from structlog and the standard library alike, with secrets masked."""

import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import structlog

Processor = Callable[[Any, str, MutableMapping[str, Any]], Any]

MASK = "[masked]"
SECRET_FIELDS = {"authorization", "cookie", "set-cookie", "set_cookie", "password", "token"}
SECRET_TEXTS = (
    # our keys; JSON web tokens; what follows Basic or Bearer
    (re.compile(r"cbk_[0-9A-Za-z_]+"), f"cbk_{MASK}"),
    (re.compile(r"eyJ[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]*)*"), MASK),
    (re.compile(r"\b(Basic|Bearer)\s+[0-9A-Za-z+/=._~-]{4,}", re.IGNORECASE), rf"\1 {MASK}"),
    # header lines and reprs of headers, up to the end of the line or of the quoted text
    (
        re.compile(r"""\b((?:Proxy-)?Authorization|(?:Set-)?Cookie)(["']?\s*[:=]\s*["']?)[^"'\r\n]+""", re.IGNORECASE),
        rf"\1\2{MASK}",
    ),
)


def masked(text: str) -> str:
    for pattern, replacement in SECRET_TEXTS:
        text = pattern.sub(replacement, text)
    return text


def mask_fields(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """By the name of the field, whatever its value looks like."""
    for name in event:
        if name.lower() in SECRET_FIELDS:
            event[name] = MASK
        elif isinstance(event[name], Mapping):
            event[name] = mask_fields(logger, method, dict(event[name]))
    return event


def configuration(log_format: str, level: str) -> dict[str, Any]:
    """Django's LOGGING. Also points structlog at the standard library, so that both end in the same handler."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        mask_fields,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(log_format)],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers would write each line a second time.
            "django": {"handlers": [], "level": "NOTSET", "propagate": True},
            # Every 4xx of a client as a warning; the request log has them with their status.
            "django.request": {"level": "ERROR"},
            # What leaves the server this way leaves it at every level.
            "audit.event": {"level": "INFO"},
            "audit.checkpoint": {"level": "INFO"},
        },
    }


def _renderer(log_format: str) -> Processor:
    """The last word: the finished line is searched, so that tracebacks and foreign libraries are masked too."""
    render: Processor = structlog.processors.JSONRenderer()
    if log_format == "text":
        plain = structlog.dev.plain_traceback
        render = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain, pad_event_to=0)

    def render_masked(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        return masked(str(render(logger, method, event)))

    return render_masked
