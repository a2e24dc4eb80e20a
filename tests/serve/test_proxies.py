# SPDX-License-Identifier: Apache-2.0
"""Streams that two readers could cut into requests differently, read by HAProxy, nginx and us. Where we answer, they
understood the same; where they differ, we refuse."""
import contextlib
import os
import random
import shutil

import pytest

from proxies import proxy
from raw import STATE, ask, connect, read_answer

COUNT = 40_000 if "TICKMLP_SLOW" in os.environ else 150
LIVE = b"GET /v2/health/live HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
LINE = b"POST /v2/models/strategic-int8/infer HTTP/1.1\r\n"

LENGTHS = [b"Content-Length: 52", b"Content-Length: 052", b"Content-Length: +52", b"Content-Length: 52 ",
           b"Content-Length:\t52", b"Content-Length: 52, 52", b"Content-Length: 5", b"Content-Length: 0",
           b"Content-Length : 52", b"Content-Length: 0x34", b"Content-Length: 52;a", b"Content-length: 52",
           b"Content-Length:52", b"Content_Length: 52", b"Content-Length: 18446744073709551668", b"Content-Length: ",
           b"X: y\rContent-Length: 52", b"X: y\nContent-Length: 52", b"X: y\r\n Content-Length: 52"]
CODINGS = [b"Transfer-Encoding: chunked", b"transfer-encoding:chunked", b"Transfer-Encoding: Chunked",
           b"Transfer-Encoding : chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, identity",
           b"Transfer-Encoding: identity, chunked", b"Transfer-Encoding: gzip", b"Transfer-Encoding:\x0bchunked",
           b"Transfer-Encoding: \"chunked\"", b"X: y\nTransfer-Encoding: chunked", b"Transfer-Encoding:\r\n chunked",
           b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b" Transfer-Encoding: chunked",
           b"Transfer_Encoding: chunked", b"Transfer-Encoding: chunked;a=b", b"TE: chunked"]
HOSTS = [b"Host: h"] * 8 + [b"Host: h:80", b"Host: [::1]", b"Host:h", b"Host: h\r\nHost: h", b"Host: h\r\nHost: i", b"",
                            b"Host:", b"Host: h/x", b"Host: a@h", b"Host: h h", b"Host : h", b"Host: h:x", b"Host: h,i",
                            b"Host: ..", b"Host: \x80", b"host: H-1.example.", b"Host: a_b", b"Host: %41"]
LINES = [LINE] * 8 + [LINE.replace(b"1.1", b"1.0"), LINE.replace(b"POST", b"post"), LINE.replace(b" /", b"  /"),
                      LINE.replace(b" HTTP", b"  HTTP"), LINE.replace(b" HTTP", b"\tHTTP"),
                      LINE.replace(b"1.1", b"1.2"),
                      LINE.replace(b"/v2", b"http://h/v2", 1), LINE.replace(b"infer", b"infer#x"), b"\r\n" + LINE,
                      LINE.replace(b"infer", b"infer?a=b"), LINE.replace(b"\r\n", b"\n"), b"\r\n\r\n" + LINE,
                      LINE.replace(b"infer", b"inf\xc3\xa4r"), LINE.replace(b"HTTP/1.1", b"HTTP/1.10"), b"\n" + LINE]
RAW = b"Inference-Header-Content-Length: 0"


def mostly_first(seed: random.Random, choices: list[bytes]) -> bytes:
    return choices[0] if seed.random() < 0.6 else seed.choice(choices)


def chunks(seed: random.Random) -> bytes:
    size = seed.choice([b"34"] * 8 + [b"034", b"0x34", b"34 ", b" 34", b"34;a", b"34 ;a", b"34;a=\"b\"", b"+34", b"3 4",
                                      b"34\t", b"00000000000000034", b"000000000034", b"100000034", b"34\n;a"])
    end = seed.choice([b"\r\n"] * 8 + [b"\n", b"\r", b"", b"\r\r\n", b"x\r\n"])
    last = seed.choice([b"0\r\n\r\n"] * 6 + [b"0\r\nT: u\r\n\r\n", b"00\r\n\r\n", b"0;a\r\n\r\n", b"0\n\n", b"0\r\n\n",
                                           b"0\r\nContent-Length: 5\r\n\r\n", b"0\r\n T: u\r\n\r\n", b"-0\r\n\r\n",
                                           b"0\r\nT u\r\n\r\n", b"0\r\n"])
    return size + b"\r\n" + STATE + end + last


def stream_of(seed: random.Random) -> bytes:
    fields = [seed.choice(HOSTS), RAW]
    coding = seed.random()
    if coding < 0.6:
        fields.append(mostly_first(seed, LENGTHS))
    if coding > 0.5:
        fields.append(mostly_first(seed, CODINGS))
    if seed.random() < 0.2:
        fields.append(seed.choice([*LENGTHS, *CODINGS, b"X: \x00", b"X: a\x7f", b"X y: z", b": z", b"X", b"X: \x80",
                                   b"Connection: Host", b"Connection: close", b"Expect: 100-continue"]))
    seed.shuffle(fields)
    head = seed.choice(LINES) + b"".join(field + b"\r\n" for field in fields if field) + b"\r\n"
    body = chunks(seed) if coding > 0.55 else STATE
    out = head + body + LIVE
    if seed.random() < 0.2:
        at = seed.randrange(len(head))
        out = out[:at] + bytes([seed.choice([0, 9, 10, 11, 13, 32, 58, 127, 200])]) + out[at + seed.randrange(2):]
    return out


def exchange(port: int, stream: bytes) -> list[tuple[int, bytes]]:
    """Every answer, until a refusal or the end: (status, body)."""
    out, rest = [], b""
    with connect(port, 0.3) as client:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(stream)
        with contextlib.suppress(TimeoutError):
            while True:
                status, _, body, rest = read_answer(client, rest)
                if status == 0:
                    break
                out.append((status, body))
    return out


@pytest.mark.parametrize("kind", ["haproxy", "nginx"])
def test_every_disagreement_is_us_being_stricter(start, kind, tmp_path):
    if shutil.which(kind) is None and shutil.which(kind, path="/usr/sbin") is None:
        pytest.skip(f"no {kind} (scripts/bootstrap --for proxies)")
    server = start("--queue-limit", "0")
    seed = random.Random(6)
    good = {b"GET": ask(server.port, LIVE)[2]}
    both = stricter = 0
    with proxy(kind, tmp_path) as (port, recorder):
        for _ in range(COUNT):
            stream = stream_of(seed)
            ours = exchange(server.port, stream)
            accepted = []
            for status, body in ours:
                if status != 200:
                    break
                accepted.append(body)
            if not accepted:
                stricter += 1
                continue
            recorder.seen.clear()
            theirs = exchange(port, stream)
            seen = list(recorder.seen)
            assert len(seen) >= len(accepted), f"{stream!r} {ours} {theirs} {seen}"
            for body, one in zip(accepted, seen):
                if one.method == "GET":
                    assert one.target == "/v2/health/live" and body == good[b"GET"], f"{stream!r} {seen}"
                else:
                    clean = LINE.replace(b"/v2/models/strategic-int8/infer", one.target.encode())
                    again = ask(server.port, clean + b"Host: h\r\n" + RAW + b"\r\nContent-Length: %d\r\n\r\n"
                                % len(one.body) + one.body)
                    assert (again[0], again[2]) == (200, body), f"{stream!r} {seen}"
            # What we answered to the end is the end for them too.
            if len(accepted) == len(ours):
                assert len(seen) == len(accepted), f"{stream!r} {ours} {theirs} {seen}"
            both += 1
    print(f"{kind}: {both} streams understood alike, {stricter} refused by us")
    assert both > COUNT // 20 and stricter > COUNT // 4
