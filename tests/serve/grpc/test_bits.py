# SPDX-License-Identifier: Apache-2.0
"""Whichever form a state comes in over gRPC, the answer is that of `tickmlp run`, to the bit."""
import numpy
import pytest

from asked import outputs_of
from served import same_bits


@pytest.mark.parametrize("typed", [False, True], ids=["raw", "typed"])
@pytest.mark.parametrize("count", [1, 2, 17])
def test_infer(asked, scored, typed, count):
    name, states, expected = scored
    answer = asked.stub.ModelInfer(asked.request(name, states[:count], typed, id="seven"))
    assert (answer.model_name, answer.model_version, answer.id) == (name, "1", "seven")
    assert bool(answer.raw_output_contents) == (not typed)  # raw is answered raw, typed typed
    assert same_bits(outputs_of(answer), expected[:count])


def test_named_outputs_in_their_order(asked, scored):
    name, states, expected = scored
    heads = [tensor.name for tensor in asked.stub.ModelInfer(asked.request(name, states)).outputs]
    widths = [tensor.shape[1] for tensor in asked.stub.ModelInfer(asked.request(name, states)).outputs]
    begins = numpy.cumsum([0, *widths])
    for typed in (False, True):
        request = asked.request(name, states, typed)
        for head in (heads[-1], heads[0]):
            request.outputs.add(name=head)
        answer = asked.stub.ModelInfer(request)
        assert [tensor.name for tensor in answer.outputs] == [heads[-1], heads[0]]
        both = numpy.concatenate([expected[:, begins[-2]:], expected[:, :widths[0]]], axis=1)
        assert same_bits(outputs_of(answer), both)


def test_stream(asked, scored):
    name, states, expected = scored
    requests = [asked.request(name, states[i:i + 1], typed=i % 2 == 1, id=str(i)) for i in range(len(states))]
    requests.insert(5, asked.request(name, states[:, 1:], id="narrow"))
    answers = list(asked.stub.ModelStreamInfer(iter(requests), timeout=30))
    assert [answer.infer_response.id for answer in answers] == [request.id for request in requests]
    refused = answers.pop(5)
    assert "shape" in refused.error_message and not refused.infer_response.outputs
    for i, answer in enumerate(answers):
        assert answer.error_message == "" and same_bits(outputs_of(answer.infer_response), expected[i:i + 1])


def test_every_thread_answers_the_same(ask, scored):
    name, states, expected = scored
    asked = ask("--grpc-threads", "3")
    for _ in range(12):  # connections are spread over the threads
        with asked.connect() as channel:
            answer = asked.stubs.GRPCInferenceServiceStub(channel).ModelInfer(asked.request(name, states))
            assert same_bits(outputs_of(answer), expected)
