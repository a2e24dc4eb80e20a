# SPDX-License-Identifier: Apache-2.0
"""Shared memory: every request is counted, about one in sixteen is timed, a thread that is stuck is named."""
import numpy
import pytest

from shared_client import Client, Refused
from stopped_thread import stopped, thread_id
from test_guard import wait_until
from test_metrics import STAGES, figures, histogram, statistics

NAME = "strategic-int8"
LABELS = f'{{model="{NAME}",protocol="shared_memory"}}'
REQUESTS = 1600


def test_every_request_is_counted_once(start, shared_path):
    server = start("--shared-memory", str(shared_path))
    states = numpy.zeros((3, 13), numpy.float32)
    with Client(shared_path) as client:
        model = client.find(NAME)
        for _ in range(REQUESTS):
            client.infer(model, states[:1])
        client.infer(model, states)
        for _ in range(5):
            with pytest.raises(Refused, match="non-finite-input"):
                client.infer(model, states + numpy.nan)
    seen = figures(server)
    good = REQUESTS + 1
    for name, count in (("inferences", good), ("failed_inferences", 5), ("states", good + 2)):
        assert seen[f"tickmlp_serve_{name}_total{LABELS}"] == count
        assert seen[f"tickmlp_serve_{name}_total{LABELS.replace('shared_memory', 'http')}"] == 0
    assert 'tickmlp_serve_received_bytes_total{thread="shared"}' not in seen
    sums, counts = {}, set()
    for stage in STAGES:
        _, sums[stage], count = histogram(seen, NAME, stage, "shared_memory")
        counts.add(count)
        assert (sums[stage] > 0) == (stage != "network")
    timed = counts.pop()
    # 100.06 of 1,601 on average, with a standard deviation of 9.7: six of them either way.
    assert not counts and 42 < timed < 158
    assert sum(sums[stage] for stage in STAGES[:-1]) <= sums["total"] + 1e-12
    entry, = statistics(server, f"/v2/models/{NAME}/stats")
    stats = entry["inference_stats"]
    assert stats["success"]["count"] == stats["compute_input"]["count"] == stats["compute_infer"]["count"] == good
    assert stats["success"]["ns"] == round(sums["total"] * 1e9) * 16
    assert {batch["batch_size"]: batch["compute_output"]["count"] for batch in entry["batch_stats"]} == {
        1: REQUESTS, 3: 1}


def test_ticks_are_counted_and_what_makes_no_outputs_is_not(start, shared_path):
    server = start("--shared-memory", str(shared_path))
    labels = LABELS.replace(NAME, "tactical-int8")
    with Client(shared_path) as client:
        window = client.window(client.find("tactical-int8"))
        window.reset(numpy.zeros(420, numpy.float32))
        for _ in range(REQUESTS):
            window.tick(numpy.zeros(7, numpy.float32))
        window.advance()
        for _ in range(5):
            with pytest.raises(Refused, match="non-finite-input"):
                window.tick(numpy.full(7, numpy.nan, numpy.float32))
    seen = figures(server)
    for name, count in (("inferences", REQUESTS), ("failed_inferences", 5), ("states", REQUESTS)):
        assert seen[f"tickmlp_serve_{name}_total{labels}"] == count
    _, total, timed = histogram(seen, "tactical-int8", "kernel", "shared_memory")
    assert 42 < timed < 158 and 0 < total < 1


@pytest.mark.parametrize("attached", [False, True])
def test_a_stuck_thread_makes_the_server_not_ready(start, shared_path, attached):
    """Whether it sleeps because nobody is attached, or looks at a ring."""
    server = start("--shared-memory", str(shared_path), "--stuck-after", "500")

    def ready():
        return server.ask("GET", "/v2/health/ready")[0] == 200
    client = Client(shared_path) if attached else None
    wait_until(ready)
    assert figures(server)['tickmlp_serve_thread_idle_seconds{thread="shared"}'] < 5
    with stopped(thread_id(server.process.pid, "tickmlp-shared")):
        wait_until(lambda: not ready())
        wait_until(lambda: "thread shared is stuck: no sign of life for" in server.log())
        assert figures(server)["tickmlp_serve_stuck_threads"] >= 1
    wait_until(ready)
    wait_until(lambda: "thread shared came round again" in server.log())
    if client is not None:
        client.close()
