# SPDX-License-Identifier: Apache-2.0
"""A call is seen as a request over HTTP is: in the metrics, the statistics and the access log; traceparent comes back;
a thread that is stuck is named."""
import json

import grpc
import numpy
import pytest

from asked import code_of
from stopped_thread import stopped, thread_id
from test_guard import wait_until
from test_log import TRACE, requests_in
from test_metrics import STAGES, figures, histogram, statistics
from test_traceparent import BAD

NAME = "strategic-int8"
STATES = numpy.zeros((3, 13), numpy.float32)
LABELS = f'{{model="{NAME}",protocol="grpc"}}'


def count_mixed(asked, more=()):
    """5 unary calls, 4 streamed; of each one is refused, and one unary call names no model. Their number of bytes."""
    good = [asked.request(NAME, STATES[:rows], id=f"good {rows}") for rows in (1, 3, 3)]
    bad, lost = asked.request(NAME, STATES[:, :5], id='"bad"'), asked.request("none", STATES, id="lost")
    for request in good:
        asked.stub.ModelInfer(request, metadata=more)
    assert code_of(asked.stub.ModelInfer, bad, metadata=more)[0] == grpc.StatusCode.INVALID_ARGUMENT
    assert code_of(asked.stub.ModelInfer, lost, metadata=more)[0] == grpc.StatusCode.NOT_FOUND
    answers = list(asked.stub.ModelStreamInfer(iter([*good, bad]), metadata=more))
    assert [bool(answer.error_message) for answer in answers] == [False] * 3 + [True]
    return sum(message.ByteSize() for message in [*good, bad, lost, *good, bad])


def test_every_inference_is_counted_once(ask):
    asked = ask("--triton-metrics")
    received = count_mixed(asked)
    seen = figures(asked.server)
    for name, count in (("inferences", 6), ("failed_inferences", 2), ("states", 14), ("cache_hits", 0)):
        assert seen[f"tickmlp_serve_{name}_total{LABELS}"] == count
        assert seen[f"tickmlp_serve_{name}_total{LABELS.replace('grpc', 'http')}"] == 0
    assert [seen[f'tickmlp_serve_requests_total{{protocol="grpc",code="{code}"}}'] for code in (200, 400, 404)] == [
        6, 2, 1]
    assert seen['tickmlp_serve_received_bytes_total{thread="grpc-0"}'] == received
    assert 'tickmlp_serve_connections{thread="grpc-0"}' not in seen  # gRPC keeps them to itself
    sums = {}
    for stage in STAGES:
        buckets, sums[stage], count = histogram(seen, NAME, stage, "grpc")
        assert count == 6 == buckets[-1][1] and sums[stage] > 0
    assert sum(sums[stage] for stage in STAGES[:-1]) <= sums["total"]
    triton = f'{{model="{NAME}",version="1"}}'
    assert seen[f"nv_inference_request_success{triton}"] == 6 and seen[f"nv_inference_request_failure{triton}"] == 2
    assert seen[f"nv_inference_count{triton}"] == 14


def test_calls_are_in_the_access_log(ask):
    asked = ask("--access-log", "all")
    count_mixed(asked, [("traceparent", TRACE)])
    asked.ready()
    assert code_of(asked.load, "none")[0] == grpc.StatusCode.UNAUTHENTICATED
    found = requests_in(asked.server, 11)
    assert {one["protocol"] for one in found} == {"grpc"} and {one["thread"] for one in found} == {"grpc-0"}
    unary, streamed, others = found[:5], found[5:9], found[9:]
    for part, call in ((unary, "ModelInfer"), (streamed, "ModelStreamInfer")):
        assert {one["path"] for one in part} == {f"/inference.GRPCInferenceService/{call}"}
        assert [one["status"] for one in part[:4]] == [200, 200, 200, 400]
        assert [one["id"] for one in part[:4]] == ["good 1", "good 3", "good 3", '"bad"']
        assert [one["states"] for one in part[:3]] == [1, 3, 3] and {one["traceparent"] for one in part} == {TRACE}
        assert ["reason" in one for one in part[:4]] == [False, False, False, True] and "input" in part[3]["reason"]
        for one in part[:4]:
            assert one["model"] == NAME and one["version"] == "1" and one["received_bytes"] > 0
            times = [one[f"{stage}_us"] for stage in STAGES]
            assert times[-1] > 0 and sum(times[:-1]) <= times[-1] + 0.01
    assert unary[4]["status"] == 404 and unary[4]["id"] == "lost" and "model" not in unary[4]
    assert [(one["path"].split("/")[-1], one["status"]) for one in others] == [
        ("ServerReady", 200), ("RepositoryModelLoad", 401)]
    assert "traceparent" not in others[0] and "reason" not in others[0] and "token" in others[1]["reason"]


def test_which_calls_are_in_it(ask):
    asked = ask("--access-log", "errors")
    count_mixed(asked)
    assert [one["status"] for one in requests_in(asked.server, 3)] == [400, 404, 400]


# gRPC itself refuses what is no text.
@pytest.mark.parametrize("value", [TRACE, "01" + TRACE[2:] + "-what will be", *(b for b in BAD if b.isascii() and b)],
                         ids=lambda value: value[:60])
def test_traceparent_is_passed_back_where_it_is_one(asked, value):
    metadata = [("traceparent", value)]
    _, call = asked.stub.ModelInfer.with_call(asked.request(NAME, STATES), metadata=metadata)
    stream = asked.stub.ModelStreamInfer(iter([asked.request(NAME, STATES)]), metadata=metadata)
    assert not next(stream).error_message
    with pytest.raises(grpc.RpcError) as refused:
        asked.stub.ModelInfer(asked.request("none", STATES), metadata=metadata)
    for seen in (call.initial_metadata(), stream.initial_metadata(), refused.value.initial_metadata()):
        assert dict(seen).get("traceparent") == (None if value in BAD else value[:55])


def test_two_traceparents_are_none(asked):
    metadata = [("traceparent", TRACE), ("traceparent", TRACE)]
    _, call = asked.stub.ModelInfer.with_call(asked.request(NAME, STATES), metadata=metadata)
    assert "traceparent" not in dict(call.initial_metadata())


def as_json(model):
    """A ModelStatistics message as HTTP has it."""
    def span(one):
        return {"count": one.count, "ns": one.ns}
    stats = {field: span(getattr(model.inference_stats, field)) for field in (
        "success", "fail", "queue", "compute_input", "compute_infer", "compute_output", "cache_hit", "cache_miss")}
    batches = [{"batch_size": batch.batch_size, **{field: span(getattr(batch, field)) for field in (
        "compute_input", "compute_infer", "compute_output")}} for batch in model.batch_stats]
    return {"name": model.name, "version": model.version, "last_inference": model.last_inference,
            "inference_count": model.inference_count, "execution_count": model.execution_count,
            "inference_stats": stats, "batch_stats": batches}


def test_both_protocols_tell_the_same_statistics(ask):
    asked = ask("--cache", "100")
    count_mixed(asked)
    for _ in range(2):
        assert asked.server.infer(NAME, STATES)[0] == 200  # the second comes out of the cache

    def counted():  # a client may have its answer before the thread that gave it has counted it
        stats = statistics(asked.server, f"/v2/models/{NAME}/stats")[0]["inference_stats"]
        return (stats["success"]["count"], stats["fail"]["count"]) == (8, 2)
    wait_until(counted)
    for question, path in (({}, "stats"), ({"name": NAME}, f"{NAME}/stats"),
                           ({"name": NAME, "version": "1"}, f"{NAME}/versions/1/stats")):
        answer = asked.stub.ModelStatistics(asked.messages.ModelStatisticsRequest(**question))
        told = statistics(asked.server, f"/v2/models/{path}")
        assert [as_json(model) for model in answer.model_stats] == told and told
    entry, = told
    assert entry["inference_stats"]["success"]["count"] == 8 and entry["inference_stats"]["fail"]["count"] == 2
    assert entry["inference_stats"]["cache_hit"]["count"] == 1 and entry["inference_count"] == 17
    assert sorted((batch["batch_size"], batch["compute_infer"]["count"]) for batch in entry["batch_stats"]) == [
        (1, 2), (3, 5)]
    for question in ({"name": "none"}, {"name": NAME, "version": "2"}, {"name": NAME, "version": "x"}):
        code, _ = code_of(asked.stub.ModelStatistics, asked.messages.ModelStatisticsRequest(**question))
        assert code == grpc.StatusCode.NOT_FOUND


def test_a_stuck_thread_makes_the_server_not_ready(ask):
    asked = ask("--grpc-threads", "2", "--stuck-after", "500")
    server = asked.server

    def http_ready():
        status, _, body = server.ask("GET", "/v2/health/ready")
        return status == 200 or json.loads(body)["error"]
    wait_until(lambda: http_ready() is True and asked.ready())
    with stopped(thread_id(server.process.pid, "tickmlp-grpc-1")):
        wait_until(lambda: http_ready() == "a serving thread is stuck")
        wait_until(lambda: "thread grpc-1 is stuck: no sign of life for" in server.log())
        assert figures(server)["tickmlp_serve_stuck_threads"] >= 1
        wait_until(lambda: figures(server)['tickmlp_serve_thread_idle_seconds{thread="grpc-1"}'] > 0.5)
    wait_until(lambda: http_ready() is True and asked.ready())
    wait_until(lambda: "thread grpc-1 came round again" in server.log())


def test_readiness_over_grpc_knows_of_a_stuck_thread(ask):
    asked = ask("--threads", "2", "--stuck-after", "500")
    with stopped(thread_id(asked.server.process.pid, "tickmlp-http-1")):
        wait_until(lambda: not asked.ready())
    wait_until(asked.ready)
