# SPDX-License-Identifier: Apache-2.0
"""The field of W3C Trace Context: passed back as it came, where it is one. The log has it too: test_log.py."""
import http.client

import pytest

from test_log import TRACE, infer

GOOD = ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", TRACE]
BAD = [TRACE[:-1], TRACE + "0", TRACE + "-x", TRACE.upper(), "ff" + TRACE[2:], "00-" + "0" * 32 + TRACE[35:],
       TRACE[:36] + "0" * 16 + TRACE[52:], TRACE.replace("-", "_"), TRACE.replace("a", "g"), "", "x" * 4000,
       TRACE + "\xff"]


@pytest.mark.parametrize("value", GOOD + BAD + ["01" + TRACE[2:], "01" + TRACE[2:] + "-what will be"])
def test_traceparent_is_passed_back_where_it_is_one(server, value):
    status, fields, _ = infer(server, traceparent=value)
    assert status == 200
    if value in BAD:
        assert "traceparent" not in fields
    else:
        assert fields["traceparent"] == value[:55]


def test_two_traceparents_are_none(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("GET", "/v2/health/live")
    for value in GOOD:
        connection.putheader("traceparent", value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 200 and answer.getheader("traceparent") is None
