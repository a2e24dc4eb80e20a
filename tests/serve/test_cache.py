# SPDX-License-Identifier: Apache-2.0
"""The response cache gives what `tickmlp run` says, and never another model's, generation's or input's answer."""
import json
import shutil
import sys
import threading

import numpy
import pytest

from served import ROOT, binary_outputs, outputs_of, run_model, same_bits
from test_metrics import figures

sys.path.insert(0, str(ROOT / "tests" / "cli"))
from small_models import export, network  # noqa: E402

TOKEN = "0123456789abcdef0123456789abcdef"  # conftest.py's
RAW = {"Inference-Header-Content-Length": "0"}


def ask(server, model, states, path="infer"):
    """(the version that answers, outputs)"""
    status, fields, body = server.ask("POST", f"/v2/models/{model}/{path}", states.tobytes(), RAW)
    assert status == 200, body
    answer, outputs = binary_outputs(fields, body)
    return int(answer["model_version"]), outputs


def test_answers_are_the_same_bits_first_and_again(start, scored):
    name, states, expected = scored
    server = start("--cache", "1000")
    for _ in range(3):
        for i, state in enumerate(states):
            assert same_bits(ask(server, name, state[None])[1], expected[i][None])
        assert same_bits(outputs_of(server.infer(name, states[:1])[1]), expected[:1])  # the same question in JSON
        assert same_bits(ask(server, name, states)[1], expected)
    seen = figures(server)
    hits, misses = (seen[f'tickmlp_serve_cache_{kind}_total{{model="{name}",protocol="http"}}']
                    for kind in ("hits", "misses"))
    fits = states.shape[1] == 13  # 17 states of 420 are more than an entry holds
    assert hits == 17 * 2 + 3 + 2 * fits and misses == 17 + fits
    assert seen['tickmlp_serve_cache_entries{thread="http-0"}'] in (0, 17 + fits)  # brought up to date every 0.1 s


def test_it_is_off_by_default(start):
    server = start()
    for _ in range(3):
        ask(server, "strategic-int8", numpy.zeros((1, 13), numpy.float32))
    seen = figures(server)
    assert seen['tickmlp_serve_cache_hits_total{model="strategic-int8",protocol="http"}'] == 0
    assert seen['tickmlp_serve_states_total{model="strategic-int8",protocol="http"}'] == 3


def test_equal_values_with_other_bits_are_other_questions(start):
    server = start("--cache", "100")
    for zero in (0.0, -0.0):
        ask(server, "strategic-int8", numpy.full((1, 13), zero, numpy.float32))
    assert figures(server)['tickmlp_serve_cache_misses_total{model="strategic-int8",protocol="http"}'] == 2


def test_refused_inputs_are_never_kept(start):
    server = start("--cache", "100")
    state = numpy.zeros((1, 13), numpy.float32)
    state[0, 3] = numpy.nan
    for _ in range(3):
        status, _, _ = server.ask("POST", "/v2/models/strategic-int8/infer", state.tobytes(), RAW)
        assert status == 400
    assert figures(server)['tickmlp_serve_cache_hits_total{model="strategic-int8",protocol="http"}'] == 0


@pytest.fixture
def generations(binary, tmp_path):
    """{generation: (blob, states' scores)} of one model with other weights each time; and the states."""
    states = numpy.random.default_rng(3).uniform(-1, 1, (5, 12)).astype(numpy.float32)
    out = {}
    for generation in range(1, 9):
        blob = export(tmp_path, "small", network(generation), "--dtype", "float32", "--window", "4x3", "--generation",
                      str(generation))
        kept = tmp_path / f"generation-{generation}"
        shutil.move(blob, kept)
        out[generation] = (kept, run_model(binary, kept, states, tmp_path))
    return states, out


def test_swaps_under_load_never_bring_an_old_answer(start, generations, tmp_path):
    states, blobs = generations
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(blobs[1][0], folder / "small.blob")
    server = start("--cache", "50", "--threads", "2", "--queue-limit", "0", folder=folder)
    published, wrong, counts, ended = [1], [], {}, threading.Event()

    def client(seed):
        order = numpy.random.default_rng(seed)
        while not ended.is_set():
            at_least, i = published[0], int(order.integers(len(states)))
            version, outputs = ask(server, "small", states[i:i + 1])
            if version < at_least or not same_bits(outputs, blobs[version][1][i:i + 1]):
                wrong.append((at_least, version, i))
            counts[version] = counts.get(version, 0) + 1
    clients = [threading.Thread(target=client, args=(seed,)) for seed in range(3)]
    for one in clients:
        one.start()
    for generation in range(2, 9):
        shutil.copy(blobs[generation][0], folder / "next")
        (folder / "next").rename(folder / "small.blob")
        status, _, body = server.ask("POST", "/v2/repository/models/small/load", b"",
                                     {"Authorization": f"Bearer {TOKEN}"})
        assert status == 200, body
        published[0] = generation
        ended.wait(0.15)
    ended.set()
    for one in clients:
        one.join()
    assert not wrong and set(counts) >= {2, 7, 8}
    seen = figures(server)
    assert seen['tickmlp_serve_cache_hits_total{model="small",protocol="http"}'] > 100
    # Unloaded and loaded with an old generation's number but other weights.
    assert server.ask("POST", "/v2/repository/models/small/unload", b"",
                      {"Authorization": f"Bearer {TOKEN}"})[0] == 200
    shutil.copy(blobs[3][0], folder / "small.blob")
    assert server.ask("POST", "/v2/repository/models/small/load", b"", {"Authorization": f"Bearer {TOKEN}"})[0] == 200
    for _ in range(3):
        for i in range(len(states)):
            version, outputs = ask(server, "small", states[i:i + 1])
            assert version == 3 and same_bits(outputs, blobs[3][1][i:i + 1])
    entry = json.loads(server.ask("GET", "/v2/models/small/stats")[2])["model_stats"]
    assert [one["version"] for one in entry] == ["3"]
