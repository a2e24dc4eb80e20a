# SPDX-License-Identifier: Apache-2.0
"""Every public function says what it costs, who may call it, what can go wrong and what it takes; docs/API.md is made
from that; and what is said to be on the hot path is called under RealtimeSanitizer."""
import sys

import pytest
from repository import ROOT, complain, text

sys.path.insert(0, str(ROOT / "scripts"))
import api_page  # pylint: disable=wrong-import-position

GOOD = """/* Part of tickmlp.h. */
/* Thread-compatible. */
typedef struct tickmlp_thing tickmlp_thing;
/* Hot path. Reads `input` [count] floats. Errors: INPUT_COUNT. */
TICKMLP_API tickmlp_status tickmlp_thing_do(tickmlp_thing* thing, const float* input, size_t count);
"""


@pytest.fixture(scope="module")
def headers():
    return api_page.public_headers()


def test_every_public_function_says_what_a_caller_has_to_know(headers):
    assert len(api_page.functions(headers)) > 50
    complain(api_page.complaints(headers))


def test_so_does_the_client_of_the_server():
    path, types = ROOT / "tools" / "serve" / "client" / "tickmlp_client.h", {}
    headers = [api_page.read(one, types) for one in (path, path.with_name("tickmlp_client_window.h"))]
    api_page.settle(headers, types)
    assert len(api_page.functions(headers)) == 19
    complain(api_page.complaints(headers, path, "TICKMLP_CLIENT_"))


def test_the_page_is_what_the_headers_say(headers):
    assert text("docs/API.md") == api_page.render(headers), "run scripts/api_docs"


def test_the_page_has_every_exported_function(headers):
    exported = set(text("runtime/exported_symbols.txt").split() + text("runtime/watch/exported_symbols.txt").split())
    named = {one.name for one in api_page.functions(headers)}
    inline = {one.name for one in api_page.functions(headers) if one.declaration.startswith("static inline ")}
    assert len(inline) >= 6 and named - inline == exported, (named - inline) ^ exported


def test_every_call_of_the_hot_path_is_made_under_the_real_time_sanitizer(headers):
    program = text("tests/real_time_test.cc")
    complain([f"{one.name}: hot path, but tests/real_time_test.cc does not call it"
              for one in api_page.functions(headers) if one.cost == "hot path" and f"{one.name}(" not in program])


def found_in(folder, source):
    (folder / "tickmlp_thing.h").write_text(source)
    types = {}
    headers = [api_page.read(folder / "tickmlp_thing.h", types)]
    api_page.settle(headers, types)
    return api_page.complaints(headers)


def test_a_comment_with_everything_passes(tmp_path):
    assert found_in(tmp_path, GOOD) == []


@pytest.mark.parametrize("old, new, lack", [
    ("/* Hot path. Reads `input` [count] floats. Errors: INPUT_COUNT. */\n", "", "no comment"),
    ("INPUT_COUNT. */\n", "INPUT_COUNT. */\n\n", "no comment"),
    ("Hot path. ", "", "no cost class"),
    ("/* Thread-compatible. */\n", "", "no thread rule"),
    (" Errors: INPUT_COUNT.", "", "has no 'Errors"),
    ("INPUT_COUNT", "INPUT_COLOUR", "error INPUT_COLOUR"),
    ("[count] ", "", "its shape is missing")])
def test_what_is_missing_is_named(old, new, lack, tmp_path):
    assert GOOD.count(old) == 1
    found = found_in(tmp_path, GOOD.replace(old, new))
    assert len(found) == 1 and lack in found[0] and found[0].startswith("tickmlp_thing_do: ")
