"""Bytes on a socket: what no client library would send."""

import json
import socket
from collections.abc import Iterable
from typing import Any

from tests.servers import MEDIA_TYPE, Answer, Server

SECONDS = 15


def exchange(server: Server, pieces: Iterable[bytes]) -> Answer:
    """Sends the pieces as they are and reads until the server hangs up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        for piece in pieces:
            try:
                connection.sendall(piece)
            except OSError:
                # It has answered already and does not want the rest.
                break
        return parsed(received(connection))


def received(connection: socket.socket) -> bytes:
    chunks = []
    while chunk := connection.recv(65536):
        chunks.append(chunk)
    return b"".join(chunks)


def parsed(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.title(): value for name, value in (line.split(": ", 1) for line in lines)}
    return Answer(int(status.split()[1]), headers, joined(body) if "Transfer-Encoding" in headers else body)


def joined(chunked: bytes) -> bytes:
    body = b""
    while chunked:
        size, _, rest = chunked.partition(b"\r\n")
        body, chunked = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return body


def head(server: Server, method: str, target: str | bytes, *more: bytes, key: str | None = None) -> bytes:
    """Request line and headers, with the first key unless another is given; an empty one sends no credentials."""
    key = server.key if key is None else key
    credentials = [f"Authorization: Bearer {key}".encode()] if key else []
    line = b" ".join((method.encode(), target.encode() if isinstance(target, str) else target, b"HTTP/1.1"))
    return b"\r\n".join((line, b"Host: localhost", b"Connection: close", *credentials, *more, b"", b""))


def get(server: Server, target: str | bytes, *more: bytes, key: str | None = None) -> Answer:
    return exchange(server, [head(server, "GET", target, *more, key=key)])


def head_with_body(server: Server, target: str, *more: bytes, method: str = "POST") -> bytes:
    return head(server, method, target, f"Content-Type: {MEDIA_TYPE}".encode(), *more)


def chunks(*pieces: bytes) -> list[bytes]:
    """In the transfer coding `chunked`, its end included."""
    return [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]


def schema(text: str) -> bytes:
    return as_json({"schema": text})


def as_json(body: Any) -> bytes:
    return json.dumps(body).encode()
