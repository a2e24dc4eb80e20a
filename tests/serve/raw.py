# SPDX-License-Identifier: Apache-2.0
"""Bytes to a server as they are, and what it answers to them."""
import contextlib
import socket
import time

HEAD = b"POST /v2/models/strategic-int8/infer HTTP/1.1\r\nHost: h\r\n"
STATE = bytes(13 * 4)  # of the strategic models: zeros
GOOD = HEAD + b"Inference-Header-Content-Length: 0\r\nContent-Length: 52\r\n\r\n" + STATE


def connect(port: int, timeout: float = 20) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout)


def read_answer(stream: socket.socket, before: bytes = b"") -> tuple[int, dict[str, str], bytes, bytes]:
    """(status, fields, body, what came behind it); status 0 where the connection ended first."""
    data = before
    while b"\r\n\r\n" not in data:
        with contextlib.suppress(ConnectionResetError):
            if part := stream.recv(65536):
                data += part
                continue
        return 0, {}, data, b""
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    status = int(lines[0].split()[1])
    size = int(fields.get("content-length", 0))
    while len(rest) < size:
        part = stream.recv(65536)
        if not part:
            break
        rest += part
    if status == 100:
        return read_answer(stream, rest)
    return status, fields, rest[:size], rest[size:]


def ask(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own."""
    with connect(port) as stream:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            stream.sendall(request)
        return read_answer(stream)[:3]


def is_closed(stream: socket.socket, seconds: float = 5) -> bool:
    """Whether the server closes it within so long."""
    stream.settimeout(0.2)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if not stream.recv(65536):
                return True
        except TimeoutError:
            continue
        except ConnectionResetError:
            return True
    return False
