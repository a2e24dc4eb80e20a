# SPDX-License-Identifier: Apache-2.0
"""usage: python3 tests/serve/grpc/measure.py [--rounds N] [--seconds S] [--connections N] [--cores SERVER,CLIENT]

One state of the tactical model, asked for over HTTP with a raw body (wrk) and over gRPC (build/tests/grpc_load), of one
server whose threads share one core; the client has another. The three take turns. Prints, of the rounds' medians,
requests a second and the server's CPU time a request, all its threads together."""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "serve"), str(ROOT / "tests" / "serve" / "grpc")]

from asked import port_of  # noqa: E402
from served import Server  # noqa: E402

BUILD = pathlib.Path(os.environ.get("TICKMLP_BUILD", ROOT / "build"))
STATE = numpy.random.default_rng(1).uniform(-1, 1, (1, 420)).astype(numpy.float32)
WAYS = ["HTTP, raw body", "gRPC, a call each", "gRPC, streams"]


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def message() -> bytes:
    """A ModelInferRequest, by hand: nothing need be generated to measure."""
    tensor = field(1, b"input") + field(2, b"FP32") + field(3, varint(1) + varint(420))
    return field(1, b"tactical-int8") + field(5, tensor) + field(7, STATE.tobytes())


def cpu_ns(pid: int) -> int:
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def ask_http(server, folder: pathlib.Path, given) -> dict:
    (folder / "state").write_bytes(STATE.tobytes())
    (folder / "post.lua").write_text(
        f'wrk.method = "POST"\nwrk.body = io.open("{folder / "state"}", "rb"):read("*a")\n'
        'wrk.headers["Inference-Header-Content-Length"] = "0"\n')
    done = subprocess.run(
        ["taskset", "-c", given.client, "wrk", "-t1", f"-c{given.connections}", f"-d{given.seconds}s", "--latency",
         "-s", str(folder / "post.lua"), f"http://127.0.0.1:{server.port}/v2/models/tactical-int8/infer"],
        stdout=subprocess.PIPE, text=True, check=True)
    assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, done.stdout
    requests, seconds = re.search(r"(\d+) requests in ([\d.]+)s", done.stdout).groups()
    scale = {"us": 1, "ms": 1000, "s": 1e6}
    part = {name: float(number) * scale[unit]
            for name, number, unit in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)", done.stdout)}
    return {"requests": int(requests), "seconds": float(seconds), "p50_us": part["50"], "p99_us": part["99"]}


def ask_grpc(server, folder: pathlib.Path, given, how: str) -> dict:
    (folder / "message").write_bytes(message())
    done = subprocess.run(
        ["taskset", "-c", given.client, str(BUILD / "tests" / "grpc_load"), f"127.0.0.1:{port_of(server)}",
         str(folder / "message"), str(given.connections), str(given.seconds), how],
        stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--cores", default="0,1")
    given = parser.parse_args()
    core, given.client = given.cores.split(",")
    server = Server(str(BUILD / "tickmlp"), ROOT / "weights",
                    ["--cores", core, "--grpc-cores", core, "--grpc-port", "0"])
    seen = {way: [] for way in WAYS}
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for _ in range(given.rounds):
                for way in WAYS:
                    before = cpu_ns(server.process.pid)
                    run = (ask_http(server, folder, given) if way == WAYS[0] else
                           ask_grpc(server, folder, given, "unary" if way == WAYS[1] else "stream"))
                    run["cpu_us"] = (cpu_ns(server.process.pid) - before) / 1e3 / run["requests"]
                    run["rate"] = run["requests"] / run["seconds"]
                    seen[way].append(run)
    finally:
        server.process.terminate()
        server.process.wait(30)
    print("| way | requests/s | CPU time a request | p50 | p99 |\n| --- | --- | --- | --- | --- |")
    for way, runs in seen.items():
        rate, cpu, p50, p99 = (statistics.median(run[name] for run in runs)
                               for name in ("rate", "cpu_us", "p50_us", "p99_us"))
        print(f"| {way} | {rate:,.0f} | {cpu:.1f} us | {p50:.0f} us | {p99:.0f} us |")
    http = seen[WAYS[0]]
    for way in WAYS[1:]:
        ratio = statistics.median(one["cpu_us"] / other["cpu_us"] for one, other in zip(seen[way], http))
        print(f"{way}: {ratio:.2f} x the CPU time of {WAYS[0]}")


if __name__ == "__main__":
    main()
