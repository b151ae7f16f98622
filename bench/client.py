"""A thin HTTP client: requests made up beforehand, kept-alive connections, no more parsing than the check needs."""

import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
ACCEPT = f"{MEDIA_TYPE}, application/vnd.schemaregistry+json, application/json"
_CHUNK = 262_144


class NoHttp(OSError):
    """The connection was closed, or what came over it can't be read."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


@dataclass(frozen=True)
class Expected:
    """A request and how many bytes of body its answer has."""

    request: bytes
    length: int


@dataclass
class Tally:
    answered: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)


def request(method: str, path: str, *, key: str = "", body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Accept: {ACCEPT}"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if body:
        lines += [f"Content-Type: {MEDIA_TYPE}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection:
    """One request after the other."""

    def __init__(self, port: int) -> None:
        self._socket = _connected(port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def exchange(self, message: bytes) -> Answer:
        self._socket.sendall(message)
        received = b""
        while (answer := _parse(received)) is None:
            received += _receive(self._socket)
        return answer


def drive(port: int, expected: Sequence[Expected], *, connections: int, begin: float, seconds: float) -> Tally:
    """Keeps all connections busy from the moment `begin` of the monotonic clock on, and checks every answer."""
    lanes = [_Lane(_connected(port)) for _ in range(connections)]
    try:
        return _driven(lanes, expected, begin, seconds)
    except OSError as error:
        return Tally(failures=[repr(error)])
    finally:
        for lane in lanes:
            lane.socket.close()


@dataclass
class _Lane:
    """A connection with the answer it waits for."""

    socket: socket.socket
    awaited: int = 0
    received: bytes = b""


def _driven(lanes: list[_Lane], expected: Sequence[Expected], begin: float, seconds: float) -> Tally:
    tally, number = Tally(), 0
    poll, busy = select.epoll(), {lane.socket.fileno(): lane for lane in lanes}
    wait_until(begin)
    for lane in lanes:
        _send(lane, expected[number % len(expected)])
        poll.register(lane.socket.fileno(), select.EPOLLIN)
        number += 1
    while busy:
        for handle, _ in poll.poll():
            lane = busy[handle]
            if not _finish(lane, tally):
                continue
            if time.monotonic() < begin + seconds and not tally.failures:
                _send(lane, expected[number % len(expected)])
                number += 1
            else:
                del busy[handle]
    tally.seconds = time.monotonic() - begin
    return tally


def _send(lane: _Lane, wanted: Expected) -> None:
    lane.awaited, lane.received = wanted.length, b""
    lane.socket.sendall(wanted.request)


def _finish(lane: _Lane, tally: Tally) -> bool:
    """Takes what has come; true when that was the rest of an answer."""
    lane.received += _receive(lane.socket)
    answer = _parse(lane.received)
    if answer is None:
        return False
    tally.answered += 1
    if answer.status != 200 or len(answer.body) != lane.awaited:
        tally.failures.append(f"{answer.status}, {len(answer.body)} bytes: {answer.body[:200]!r}")
    return True


def wait_until(moment: float) -> None:
    """Of the monotonic clock, which all processes of a machine share."""
    time.sleep(max(0.0, moment - time.monotonic()))


def _connected(port: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=30)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _receive(source: socket.socket) -> bytes:
    received = source.recv(_CHUNK)
    if not received:
        raise NoHttp("the server closed the connection")
    return received


def _parse(received: bytes) -> Answer | None:
    """The answer, or None if it is not all there yet."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    headers, body = received[: end + 2].lower(), received[end + 4 :]
    if b"\r\ntransfer-encoding: chunked\r\n" in headers:
        whole = _joined(body)
    else:
        _, found, length = headers.partition(b"\r\ncontent-length: ")
        if not found:
            raise NoHttp(f"an answer of unknown length: {received[:200]!r}")
        whole = body if len(body) == int(length.partition(b"\r\n")[0]) else None
    return None if whole is None else Answer(int(received[9:12]), whole)


def _joined(chunks: bytes) -> bytes | None:
    """The content of a chunked body, or None if its end has not come."""
    if not chunks.endswith(b"0\r\n\r\n"):
        return None
    parts: list[bytes] = []
    at = 0
    while True:
        line = chunks.find(b"\r\n", at)
        size = int(chunks[at:line], 16) if line > 0 else -1
        if size == 0:
            return b"".join(parts)
        at = line + 4 + size
        if size < 0 or at > len(chunks):
            return None
        parts.append(chunks[line + 2 : at - 2])
