# SPDX-License-Identifier: Apache-2.0
"""Requests that must be refused: with a status of 4xx, whatever is wrong with them."""
import json
import random

from raw import HEAD, STATE

INFER = b"/v2/models/strategic-int8/infer"


def with_length(body: bytes, fields: bytes = b"") -> bytes:
    return HEAD + fields + b"Content-Length: %d\r\n\r\n" % len(body) + body


def good_json(seed: random.Random) -> dict:
    return {"id": str(seed.random()), "inputs": [{"name": "input", "shape": [1, 13], "datatype": "FP32",
                                                  "data": [seed.uniform(-1, 1) for _ in range(13)]}]}


def bad_body(seed: random.Random) -> bytes:
    """A well-framed request whose body is refused; the connection goes on."""
    request = good_json(seed)
    text = json.dumps(request).encode()
    tensor = request["inputs"][0]
    kind = seed.randrange(10)
    if kind == 0:
        return with_length(text[:seed.randrange(len(text))])
    if kind == 1:
        tensor["data"][seed.randrange(13)] = seed.choice([float("nan"), float("inf"), 1e39, "1", None, [1], {}])
    elif kind == 2:
        depth = seed.randrange(20, 2000)
        return with_length(b'{"inputs":' + seed.choice([b"[", b'{"a":']) * depth)
    elif kind == 3:
        tensor["shape"] = seed.choice([[13], [2, 13], [1, 12], [-1, 13], [0, 13], [1, 13, 1], [2 ** 63, 13], [1.5, 13],
                                       [4097, 13], [], "13", None])
    elif kind == 4:
        tensor["data"] = tensor["data"][:seed.randrange(13)] + [0.0] * seed.choice([0, 14])
    elif kind == 5:
        tensor.pop(seed.choice(["name", "shape", "datatype", "data"]))
    elif kind == 6:
        tensor["datatype"] = seed.choice(["FP64", "INT8", "fp32", 32])
    elif kind == 7:
        return with_length(seed.randbytes(seed.randrange(1, 300)))
    elif kind == 8:
        size = seed.choice([0, 1, 51, 53, 104 * 1024])
        return with_length(bytes(size), b"Inference-Header-Content-Length: 0\r\n")
    else:
        size = seed.choice([b"1", b"99999", b"18446744073709551615"])
        return with_length(text, b"Inference-Header-Content-Length: " + size + b"\r\n")
    return with_length(json.dumps(request).encode())


def bad_frame(seed: random.Random) -> bytes:
    """A request after which nothing can be told from the stream; the connection ends."""
    chunked = HEAD + b"Inference-Header-Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
    line = b"POST " + INFER + b" HTTP/1.1\r\n"
    length = b"Content-Length: 52\r\n"
    kind = seed.randrange(8)
    if kind == 0:
        lengths = [b"Content-Length: %s\r\n" % value for value in
                   (b"52", b"53", b"+52", b"0x34", b"52, 52", b"-1", b"", b"99999999999999999999", b"5 2")]
        first, second = seed.choice(lengths[2:]), seed.choice(lengths)
        return HEAD + seed.choice([first, length + second, first + second]) + b"\r\n" + STATE
    if kind == 1:
        return HEAD.replace(b"\r\n", b"\n") + length.replace(b"\r\n", b"\n") + b"\n" + STATE
    if kind == 2:
        return chunked + seed.choice([b"1\r\nx\r\n" * 4000, b"1;" + b"e" * 17000, b"0\r\n" + b"T: t\r\n" * 3000,
                                      b"g\r\n", b"-1\r\n", b"0x1\r\nx\r\n", b"1\nx\n", b"ffffffffffffffff\r\n",
                                      b"1 \r\nx\r\n", b"11111111111111111\r\n", b"1\r\nxy\r\n"])
    if kind == 3:
        return line + b"Host: h\r\n" + seed.choice([b"X: " + b"x" * 17000, b"X: y\r\n" * 3000]) + b"\r\n"
    if kind == 4:
        return HEAD + length + seed.choice([b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding : chunked\r\n",
                                            b"Transfer-Encoding: gzip, chunked\r\n", b"X: a\r\n b\r\n", b"Host: i\r\n",
                                            b"X y: z\r\n", b"X: \x00\r\n", b": x\r\n"]) + b"\r\n" + STATE
    if kind == 5:
        return seed.choice([line + length + b"\r\n", line.replace(b"/v2", b"http://h/v2") + b"Host: h\r\n\r\n",
                            b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
                            line.replace(b"1.1", b"2.0") + b"Host: h\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"])
    if kind == 6:
        return HEAD + b"Content-Length: %d\r\n\r\n" % seed.choice([8388609, 2 ** 40, 2 ** 64 - 1])
    good = bytearray(HEAD + length + b"\r\n")
    at = seed.randrange(len(good) - 2)
    good[at] = seed.choice([byte for byte in (0, 1, 0x0b, 0x7f, 0x0a) if byte != good[at]])
    return bytes(good) + STATE
