# SPDX-License-Identifier: Apache-2.0
"""What waited for longer than --queue-limit is refused, within the ration; what waited for less never is."""
import contextlib
import time

import grpc
import numpy
import pytest

from asked import outputs_of
from stopped_thread import stopped, thread_id
from test_log import requests_in
from test_metrics import figures

NAME = "strategic-int8"
STATE = numpy.zeros((1, 13), numpy.float32)
CONNECTIONS = 64
SHED = "tickmlp_serve_shed_requests_total"


@pytest.fixture
def connect_many():
    """connect_many(asked, host) -> stubs, each with a connection of its own that is up."""
    with contextlib.ExitStack() as stack:
        def begin(asked, host="127.0.0.1"):
            channels = [stack.enter_context(asked.connect(host)) for _ in range(CONNECTIONS)]
            stubs = [asked.stubs.GRPCInferenceServiceStub(channel) for channel in channels]
            for stub in stubs:
                stub.ServerLive(asked.messages.ServerLiveRequest(), timeout=30)
            return stubs
        yield begin


def ask_while_stopped(asked, stubs, seconds, ask):
    """The answers of `ask(stub, request)` of all, or their errors, where the server stands still meanwhile."""
    with stopped(thread_id(asked.server.process.pid, "tickmlp-grpc-0")):
        futures = [ask(stub, asked.request(NAME, STATE, id=str(i))) for i, stub in enumerate(stubs)]
        time.sleep(seconds)
    return futures


# Also where gRPC tells the address otherwise than the kernel does: IPv4 over an IPv6 socket, and IPv6.
@pytest.mark.parametrize(("bound", "host"), [("127.0.0.1", "127.0.0.1"), ("::", "127.0.0.1"), ("::", "[::1]")])
def test_calls_that_waited_too_long_are_refused(ask, connect_many, bound, host):
    asked = ask("--access-log", "errors", "--queue-limit", "500", "--host", bound)
    stubs = connect_many(asked, host)
    futures = ask_while_stopped(asked, stubs, 1.2, lambda stub, request: stub.ModelInfer.future(request, timeout=30))
    refused = [future.exception(timeout=30) for future in futures if future.exception(timeout=30) is not None]
    assert 5 <= len(refused) <= CONNECTIONS - 15  # one of 16 is asked, and ten of 100 ms at least may be refused
    for error in refused:
        assert error.code() == grpc.StatusCode.UNAVAILABLE and error.details().startswith("overload: ")
        assert dict(error.trailing_metadata())["grpc-retry-pushback-ms"] == "1000"
    seen = figures(asked.server)
    assert seen[SHED] == len(refused)
    assert seen['tickmlp_serve_requests_total{protocol="grpc",code="503"}'] == len(refused)
    assert {one["status"] for one in requests_in(asked.server, len(refused))} == {503}
    # All is well afterwards.
    assert outputs_of(asked.stub.ModelInfer(asked.request(NAME, STATE))).shape == (1, 10)


def test_messages_that_waited_too_long_are_refused_and_the_stream_goes_on(ask, connect_many):
    asked = ask("--queue-limit", "500")
    stubs = connect_many(asked)

    def stream(stub, request):
        def requests():
            yield request
            time.sleep(2.4)
            yield request
        return stub.ModelStreamInfer(requests(), timeout=30)
    streams = [list(one) for one in ask_while_stopped(asked, stubs, 1.2, stream)]
    assert all(len(answers) == 2 and not answers[1].error_message for answers in streams)
    refused = [i for i, answers in enumerate(streams) if answers[0].error_message]
    assert 5 <= len(refused) <= CONNECTIONS - 15 and figures(asked.server)[SHED] == len(refused)
    for i in refused:
        assert streams[i][0].error_message.startswith("overload: ") and streams[i][0].infer_response.id == str(i)


@pytest.mark.parametrize("options", [("--queue-limit", "0"), ("--queue-limit", "20000")])
def test_who_waited_for_less_is_answered(ask, connect_many, options):
    asked = ask(*options)
    futures = ask_while_stopped(asked, connect_many(asked), 0.4,
                                lambda stub, request: stub.ModelInfer.future(request, timeout=30))
    assert all(outputs_of(future.result(timeout=30)).shape == (1, 10) for future in futures)
    assert figures(asked.server)[SHED] == 0
