# SPDX-License-Identifier: Apache-2.0
"""`tickmlp compare OLD.json NEW.json`: by ratios to each one's own floor, and careful."""
import copy
import hashlib
import json

import pytest

STEADY = [0, 2, -1, 1, 3]  # ns by which the re-runs differ


def figures(central, spread=STEADY):
    return {"run_figures": [{"count": 1000, "central_ns": central + s} for s in spread]}


def document(full=880, tick=112, memory=845, timer=22.5):
    """What a certificate has of what is read here."""
    return {"schema": "tickmlp-certificate/1", "complete": True, "started": "2026-01-02T03:04:05Z",
            "kernel": "int8-avx512vnni", "tool": {"version": "0.1.0"}, "clock": {"step_ns": 10},
            "machine": {"cpu": "a CPU", "stepping": 1, "microcode": "0x1", "kernel": "Linux 6"},
            "model": {"name": "m", "dtype": "int8", "inputs": 420, "outputs": 10, "lanes": 224, "weight_bytes": 97000,
                      "window": {"rows": 60, "columns": 7}, "blob_sha256": "ab"},
            "floors": {"timer": figures(timer, [0] * 5), "memory": figures(memory)},
            "scenarios": [{"id": "full-hot", **figures(full)}, {"id": "tick-hot", **figures(tick, [0, .1, 0, .2, 0])}]}


def signed(content):
    """With the digest of the rest, as certify writes it."""
    if not isinstance(content, dict) or "digest" in content:
        return content
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {**content, "digest": hashlib.sha256(text.encode()).hexdigest()}


@pytest.fixture
def compare(tickmlp, tmp_path):
    def run(before, after):
        for name, content in (("old", before), ("new", after)):
            text = content if isinstance(content, bytes) else json.dumps(signed(content)).encode()
            (tmp_path / f"{name}.json").write_bytes(text)
        report = tmp_path / "report.json"
        done = tickmlp("compare", tmp_path / "old.json", tmp_path / "new.json", "--json", report)
        return done, json.loads(report.read_text()) if report.exists() else None
    return run


@pytest.mark.parametrize("change, code, verdict", [
    ({}, 0, "same"), ({"full": 895}, 0, "same"), ({"full": 930}, 1, "slower"), ({"tick": 120}, 1, "slower"),
    ({"full": 820}, 0, "faster"),
    # The machine is slower by a fifth, floor and timer as well: no regression.
    ({"full": 1056, "tick": 134.4, "memory": 1014, "timer": 27}, 0, "same"),
    # As fast as before on a machine whose floor is lower: slower.
    ({"memory": 780}, 1, "slower")])
def test_ratios_decide(compare, change, code, verdict):
    done, report = compare(document(), document(**change))
    assert done.returncode == code and report["verdict"] == verdict, done.stdout + done.stderr
    assert report["schema"] == "tickmlp-comparison-stored/1" and verdict.upper() in done.stdout
    assert [scenario["id"] for scenario in report["scenarios"]] == ["full-hot", "tick-hot"]


def test_the_figures(compare):
    _, report = compare(document(), document(full=930))
    full = report["scenarios"][0]
    ratios = [(930 + s - 22.5) / (845 + s - 22.5) for s in STEADY]
    assert full["new_to_memory_floor"] == pytest.approx(sorted(ratios)[2], abs=1e-4)
    assert full["new_range"] == pytest.approx([min(ratios), max(ratios)], abs=1e-4)
    assert full["minimum_effect"] == pytest.approx(0.03 * full["old_to_memory_floor"], abs=1e-4)


def test_inside_a_spread_nothing_is_said(compare):
    noisy = document(full=930)
    noisy["scenarios"][0].update(figures(930, [-60, 0, 5, 40, 90]))
    for before, after in ((document(), noisy), (noisy, document())):
        done, report = compare(before, after)
        assert done.returncode == 3 and "full-hot: the difference is within the spread" in done.stdout
        assert [scenario["verdict"] for scenario in report["scenarios"]] == ["inconclusive", "same"]


def test_a_re_run_that_stood_still_is_no_regression(compare):
    """All slower than before, but by less than they differ among themselves: a shared machine, not another program."""
    stalled = document(full=930)
    stalled["scenarios"][0].update(figures(930, [0, 1, 2, 40_000, 600_000]))
    for before, after in ((document(), stalled), (stalled, document())):
        done, report = compare(before, after)
        assert done.returncode == 3 and "full-hot: the difference is within the spread" in done.stdout
        assert [scenario["verdict"] for scenario in report["scenarios"]] == ["inconclusive", "same"]


@pytest.mark.parametrize("words, change", [
    ("machine cpu differs", lambda d: d["machine"].update(cpu="another")),
    ("machine microcode differs", lambda d: d["machine"].update(microcode="0x2")),
    ("model dtype differs", lambda d: d["model"].update(dtype="float32")),
    ("model inputs differs", lambda d: d["model"].update(inputs=441)),
    ("kernel differs", lambda d: d.update(kernel="int8-avx2")),
    ("clock step_ns differs", lambda d: d["clock"].update(step_ns=1)),
    ("new.json is incomplete", lambda d: d.update(complete=False)),
    ("no scenario in common", lambda d: d.update(scenarios=[])),
    ("4 re-runs", lambda d: [s["run_figures"].pop() for s in d["scenarios"]])])
def test_what_cannot_be_compared_is_named(compare, words, change):
    after = document(full=2000)
    change(after)
    done, report = compare(document(), after)
    assert done.returncode == 3 and report["verdict"] == "inconclusive" and words in done.stdout, done.stdout


def caches(*shared_with):
    return [{"level": level, "kind": "data", "bytes": 32768 << 5 * level, "shared_with": cores}
            for level, cores in enumerate(shared_with)]


def test_another_core_of_the_same_box_is_the_same_machine(compare):
    """Its caches are shared with as many cores, not with the same ones."""
    before, after = document(), document(full=2000)
    before["machine"]["caches"], after["machine"]["caches"] = caches("0", "0-3,8"), caches("3", "2,4-6,11")
    done, report = compare(before, after)
    assert done.returncode == 1 and report["verdict"] == "slower", done.stdout
    after["machine"]["caches"] = caches("3", "2,4-7,11")
    done, report = compare(before, after)
    assert done.returncode == 3 and "machine caches differs" in done.stdout


def test_what_does_not_matter_does_not(compare):
    """Trained again, another Linux, another version of tickmlp; and a scenario that only one has is said."""
    before, after = document(), document()
    after["model"].update(blob_sha256="cd", name="n")
    after["machine"]["kernel"], after["tool"]["version"] = "Linux 7", "0.2.0"
    after["scenarios"].append({"id": "full-evicted", **figures(4000)})
    done, report = compare(before, after)
    assert done.returncode == 0 and report["only_new"] == ["full-evicted"]
    assert "only in new: full-evicted" in done.stdout


def test_a_saturated_rate_is_left_out(compare):
    """A standard suite has one on most machines: it must not keep every comparison from an answer."""
    empty = {"id": "full-response-constant-1m", "saturated": True, "run_figures": []}
    before, after = document(), document()
    before["scenarios"].append(empty)
    after["scenarios"].append(empty)
    done, report = compare(before, after)
    assert done.returncode == 0 and report["verdict"] == "same" and report["saturated"] == [empty["id"]]
    assert "saturated in both, left out: full-response-constant-1m" in done.stdout
    after["scenarios"][-1] = {**empty, "saturated": False, **figures(1200)}
    for pair, name in (((before, after), "old"), ((after, before), "new")):
        done, report = compare(*pair)
        assert done.returncode == 3 and f"full-response-constant-1m: saturated in {name}" in done.stdout
        assert report["scenarios"][-1]["old_to_memory_floor"] is None and "0.000" not in done.stdout


def without(*keys):
    content = copy.deepcopy(document())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    del inner[keys[-1]]
    return content


@pytest.mark.parametrize("name, content", [
    ("certificate-json", b""), ("certificate-json", b"{"), ("certificate-json", b"[" * 100000),
    ("certificate-schema", b"[]"), ("certificate-schema", {"schema": "tickmlp-certificate/0"}),
    *(("certificate-field", without(*keys)) for keys in
      (["complete"], ["tool", "version"], ["clock", "step_ns"], ["machine"], ["model"], ["floors"],
       ["floors", "timer"], ["floors", "memory", "run_figures"], ["scenarios"], ["scenarios", 0, "id"],
       ["scenarios", 0, "run_figures"], ["scenarios", 0, "run_figures", 0, "central_ns"])),
    ("certificate-digest", {**signed(document()), "kernel": "int8-scalar"}),
    ("certificate-field", {**document(), "digest": None}),
    ("certificate-field", {**document(), "floors": {"timer": figures(-9), "memory": figures(1)}}),
    ("certificate-field", {**document(), "scenarios": {"id": "full-hot"}}),
    ("certificate-field", {**document(), "clock": {"step_ns": "ten"}})])
def test_what_is_no_certificate_is_refused(compare, name, content):
    for pair, file in (((content, document()), "old.json"), ((document(), content), "new.json")):
        done, report = compare(*pair)
        assert done.returncode == 4 and f"{file}: {name}: " in done.stderr and report is None, done.stderr


def test_a_file_that_is_missing(tickmlp, tmp_path):
    done = tickmlp("compare", tmp_path / "none.json", tmp_path / "none.json")
    assert done.returncode == 4 and "cannot read" in done.stderr
