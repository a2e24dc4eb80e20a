# SPDX-License-Identifier: Apache-2.0
"""A model that is loaded again and again while it answers: each answer is that of the generation that it names."""
import dataclasses
import os
import subprocess
import sys
import threading

import numpy
import pytest

from raw import connect, read_answer
from served import ROOT, TOKEN, Server, binary_outputs, run_model, same_bits
from test_abuse import descriptors, resident_kib, settle

sys.path.insert(0, str(ROOT / "tools"))
from weight_export.blob import to_bytes  # noqa: E402
from weight_export.read_blob import read_blob  # noqa: E402

RELOADS = 1000 if "TICKMLP_SLOW" in os.environ else 60
STATE = numpy.linspace(-1, 1, 12, dtype=numpy.float32).reshape(1, 12)


@pytest.fixture
def models(tmp_path):
    """Two models of one shape with other weights: of even generations, and of odd ones."""
    out = []
    for seed in (0, 1):
        random = numpy.random.default_rng(seed)
        source, blob = tmp_path / f"{seed}.npz", tmp_path / f"{seed}.blob"
        numpy.savez(source, **{"side.w1": random.uniform(-0.5, 0.5, (12, 20)).astype(numpy.float32),
                               "side.w2": random.uniform(-0.5, 0.5, (20, 3)).astype(numpy.float32)})
        subprocess.run([sys.executable, ROOT / "tools" / "weight_export", source, "-o", blob, "--name", "small"],
                       check=True, cwd=ROOT, timeout=60)
        out.append((read_blob(str(blob)), blob))
    return out


class Asker(threading.Thread):
    def __init__(self, server: Server, expected: list[numpy.ndarray]):
        super().__init__()
        self.server, self.expected = server, expected
        self.stop, self.answers, self.versions, self.wrong = threading.Event(), 0, set(), []

    def run(self) -> None:
        request = (b"POST /v2/models/small/infer HTTP/1.1\r\nHost: h\r\nInference-Header-Content-Length: 0\r\n"
                   b"Content-Length: 48\r\n\r\n" + STATE.tobytes())
        with connect(self.server.port) as stream:
            while not self.stop.is_set():
                stream.sendall(request)
                status, fields, body, _ = read_answer(stream)
                if status != 200:
                    self.wrong.append((status, body))
                    return
                head, outputs = binary_outputs(fields, body)
                version = int(head["model_version"])
                self.answers += 1
                self.versions.add(version)
                if not same_bits(outputs, self.expected[version % 2]):
                    self.wrong.append((version, outputs))


def test_reloads_under_load(start, binary, tmp_path, models):
    folder = tmp_path / "small"
    folder.mkdir()
    expected = [run_model(binary, blob, STATE, tmp_path) for _, blob in models]
    assert not same_bits(*expected)

    def write(generation: int) -> None:
        content = to_bytes(dataclasses.replace(models[generation % 2][0], generation=generation))
        (folder / "next").write_bytes(content)
        (folder / "next").rename(folder / "small.blob")
    write(1)
    server = start("--threads", "2", "--queue-limit", "0", folder=folder)
    before, resident, generation = descriptors(server), [], 1
    for _ in range(2):
        askers = [Asker(server, expected) for _ in range(4)]
        for asker in askers:
            asker.start()
        try:
            for _ in range(RELOADS // 2):
                generation += 1
                write(generation)
                status, _, body = server.ask("POST", "/v2/repository/models/small/load", b"",
                                             {"Authorization": f"Bearer {TOKEN}"})
                assert status == 200, body
        finally:
            for asker in askers:
                asker.stop.set()
                asker.join()
        assert not any(asker.wrong for asker in askers), [asker.wrong[:1] for asker in askers]
        assert len(set.union(*(asker.versions for asker in askers))) > RELOADS // 10
        settle(server, before)
        resident.append(resident_kib(server))
    print("answers:", sum(asker.answers for asker in askers), "resident KiB after each half:", resident)
    assert resident[1] <= resident[0] + 4096, resident
