# SPDX-License-Identifier: Apache-2.0
"""What the server counts: every request once, under the model, version and stage that it belongs to."""
import concurrent.futures
import json
import re
import socket

import numpy

RAW = {"Inference-Header-Content-Length": "0"}
STAGES = ("network", "parse", "kernel", "encode", "total")


def figures(server, path="/metrics"):
    """{line without its value: the value}"""
    status, _, body = server.ask("GET", path)
    assert status == 200
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in body.decode().splitlines() if not line.startswith("#")}


def statistics(server, path):
    status, _, body = server.ask("GET", path)
    assert status == 200, body
    return json.loads(body)["model_stats"]


def histogram(seen, model, stage, protocol="http"):
    """[(bound, count)], sum, count"""
    labels = f'{{model="{model}",protocol="{protocol}",stage="{stage}"'
    name = "tickmlp_serve_duration_seconds"
    buckets = [(float(re.search('le="(.*)"', line)[1]), value) for line, value in seen.items()
               if line.startswith(f"{name}_bucket{labels},")]
    return buckets, seen[f"{name}_sum{labels}}}"], seen[f"{name}_count{labels}}}"]


def test_every_request_is_counted_once(start):
    server = start("--threads", "2")
    state = numpy.zeros(420, numpy.float32).tobytes()

    def ask(index):
        body = state if index % 4 else state[:-1]
        return server.ask("POST", "/v2/models/tactical-int8/infer", body, RAW)[0]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(ask, range(80)))
    assert statuses.count(200) == 60 and statuses.count(400) == 20
    assert server.ask("GET", "/nothing")[0] == 404
    seen = figures(server)
    assert seen['tickmlp_serve_requests_total{protocol="http",code="200"}'] == 60
    assert seen['tickmlp_serve_requests_total{protocol="http",code="400"}'] == 20
    assert seen['tickmlp_serve_requests_total{protocol="http",code="404"}'] == 1
    for name, count in (("inferences", 60), ("failed_inferences", 20), ("states", 60), ("cache_hits", 0)):
        assert seen[f'tickmlp_serve_{name}_total{{model="tactical-int8",protocol="http"}}'] == count
        assert seen[f'tickmlp_serve_{name}_total{{model="strategic-int8",protocol="http"}}'] == 0
    threads = [f'{{thread="http-{i}"}}' for i in (0, 1)]
    assert sum(seen["tickmlp_serve_connections_total" + thread] for thread in threads) == 82
    assert sum(seen["tickmlp_serve_received_bytes_total" + thread] for thread in threads) == 60 * 1680 + 20 * 1679
    sums = {}
    for stage in STAGES:
        buckets, sums[stage], count = histogram(seen, "tactical-int8", stage)
        assert count == 60 == buckets[-1][1] and buckets[-1][0] == float("inf")
        assert buckets[0][0] == 250e-9 and buckets[2][0] == 1e-6
        assert [bound for bound, _ in buckets] == sorted(bound for bound, _ in buckets)
        assert [value for _, value in buckets] == sorted(value for _, value in buckets)
        assert sums[stage] > 0
    assert sum(sums[stage] for stage in STAGES[:-1]) <= sums["total"]
    for thread in threads:
        assert 0 <= seen["tickmlp_serve_thread_idle_seconds" + thread] < 5


def test_pipelined_requests_are_counted_each(start):
    server = start()
    head = b"POST /v2/models/strategic-int8/infer HTTP/1.1\r\nHost: x\r\nInference-Header-Content-Length: 0\r\n"
    request = head + b"Content-Length: 52\r\n\r\n" + bytes(52)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request * 7)
        answer = b""
        while answer.count(b"HTTP/1.1 200 OK") < 7:
            answer += connection.recv(65536)
    seen = figures(server)
    assert seen['tickmlp_serve_inferences_total{model="strategic-int8",protocol="http"}'] == 7
    assert histogram(seen, "strategic-int8", "network")[2] == 7


def test_statistics_have_tritons_fields(start):
    server = start()
    states = numpy.zeros((3, 13), numpy.float32)
    for rows in (1, 3, 3):
        assert server.infer("strategic-float32", states[:rows])[0] == 200
    assert server.infer("strategic-float32", states[:, :5])[0] == 400
    everything = statistics(server, "/v2/models/stats")
    assert sorted(one["name"] for one in everything) == sorted(
        f"{name}-{kind}" for name in ("tactical", "strategic") for kind in ("int8", "float32"))
    for path in ("/v2/models/strategic-float32/stats", "/v2/models/strategic-float32/versions/1/stats"):
        entry, = statistics(server, path)
        assert entry in everything
        assert entry["name"] == "strategic-float32" and entry["version"] == "1"
        assert entry["inference_count"] == 7 and entry["execution_count"] == 3
        assert entry["last_inference"] > 1_600_000_000_000
        stats = entry["inference_stats"]
        assert stats["success"]["count"] == 3 and stats["fail"]["count"] == 1
        for name in ("success", "fail", "compute_input", "compute_infer", "compute_output"):
            assert stats[name]["count"] == (1 if name == "fail" else 3) and stats[name]["ns"] > 0
        assert stats["queue"]["count"] == 3
        assert [(batch["batch_size"], batch["compute_infer"]["count"]) for batch in entry["batch_stats"]] == [
            (1, 1), (3, 2)]
    assert server.ask("GET", "/v2/models/strategic-float32/versions/2/stats")[0] == 404
    assert server.ask("GET", "/v2/models/none/stats")[0] == 404
    assert server.ask("POST", "/v2/models/stats")[0] == 405
    assert server.ask("POST", "/metrics")[0] == 405


def test_tritons_names_are_an_option(start):
    assert not any("nv_" in line for line in figures(start()))
    server = start("--triton-metrics")
    assert server.infer("strategic-int8", numpy.zeros((2, 13), numpy.float32))[0] == 200
    seen = figures(server)
    labels = '{model="strategic-int8",version="1"}'
    for name, value in (("request_success", 1), ("request_failure", 0), ("count", 2), ("exec_count", 1)):
        assert seen[f"nv_inference_{name}{labels}"] == value
    for name in ("request", "queue", "compute_input", "compute_infer", "compute_output"):
        assert f"nv_inference_{name}_duration_us{labels}" in seen


def test_changes_of_a_model_are_counted(start, repository):
    server = start()
    token = {"Authorization": "Bearer 0123456789abcdef0123456789abcdef"}
    good = (repository / "strategic-int8.blob").read_bytes()
    (repository / "strategic-int8.blob").write_bytes(good[:-1])
    assert server.ask("POST", "/v2/repository/models/strategic-int8/load", b"", token)[0] == 409
    seen = figures(server)
    assert seen['tickmlp_serve_model_changes_total{model="strategic-int8",result="taken"}'] == 1
    assert seen['tickmlp_serve_model_changes_total{model="strategic-int8",result="refused"}'] == 1
    assert seen['tickmlp_serve_model_generation{model="strategic-int8"}'] == 1
    assert server.ask("POST", "/v2/repository/models/strategic-int8/unload", b"", token)[0] == 200
    seen = figures(server)
    assert seen['tickmlp_serve_model_ready{model="strategic-int8"}'] == 0
    assert 'tickmlp_serve_model_generation{model="strategic-int8"}' not in seen
