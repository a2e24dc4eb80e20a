# SPDX-License-Identifier: Apache-2.0
"""`tickmlp verify`: it notices every edit that it claims to notice."""
import concurrent.futures
import json
import shutil

import pytest

from certificates import changed, digest, document_of, leaves, other

# What nothing else in the certificate tells: only the digest (and a signature) guards these. All else is derived.
FACTS = {
    "command", "host", "core", "kernel", "tool.*", "machine.*", "model.*", "counters.*", "method.*", "audit.*",
    "clock.invariant", "clock.ns_per_tick", "floors.memory_isa", "floors.fixed_work_ns.*", "counters",
    "comparators_skipped", "correctness.golden_vectors", "correctness.scalar_kernel", "correctness.states",
    "correctness.tick_path", "correctness.reference.*", "correctness.reference", "correctness.why_not_compared",
    "scenarios.#.eviction",
    "scenarios.#.page_faults", "scenarios.#.involuntary_switches", "scenarios.#.worst.*",
    "scenarios.#.achieved_per_s", "scenarios.#.capacity_per_s", "scenarios.#.late_after_ns",
    "scenarios.#.largest_lateness_ns", "scenarios.#.mean_lateness_ns", "scenarios.#.offered_per_s",
    "scenarios.#.planned_misses",
}
# Facts that the log or another fact tells as well.
TOLD = {
    "started", "finished", "clock.step_ns", "floors.timer_step_ns", "floors.memory_bytes", "model.weight_bytes",
    "counters.page_faults", "counters.involuntary_switches", "counters.clock_backwards", "correctness.equal_bits",
    "method.runs", "method.runs_finished", "method.epochs", "method.epochs_finished", "method.samples",
    "scenarios.#.saturated",
}
# Noticed where the edit goes beyond what others allow. The audit's rows become reasons on some boxes.
SOMETIMES = ("audit.", "scenarios.#.page_faults", "scenarios.#.involuntary_switches", "scenarios.#.worst.")


def kind_of(path):
    """The path with one name for all that are alike: entries of lists, and the floors' series."""
    names = ["#" if isinstance(key, int) else key for key in path]
    if names[0] == "floors":
        names = ["floors", *(name for name in names[1:] if name not in ("before", "after"))]
        if len(names) > 2 and names[1] in ("timer", "memory", "jitter"):
            names[1] = "SERIES"
    return ".".join(names)


def is_fact(kind):
    parts = kind.split(".")
    return kind not in TOLD and (
        kind in FACTS or any(".".join(parts[:n]) + ".*" in FACTS for n in range(1, len(parts))))


def test_a_fresh_certificate_is_valid(tickmlp, verify, signed, small, keys):
    code, checks = verify(signed / "c.json", "--blob", small, "--public-key", keys / "ours.public.pem")
    assert code == 0 and all(checks.values())
    assert checks.keys() >= {"digest", "c.hlog", "c.full-hot.hgrm", "scenarios", "figures", "facts", "signature",
                             "model file"}
    done = tickmlp("verify", signed / "c.json")
    assert done.returncode == 0 and "not checked: no --public-key" in done.stdout
    # Which program made it, to which schema.
    tool = document_of(signed)["tool"]
    assert f"made by  tickmlp {tool['version']}, commit {tool['commit'][:12]}" in done.stdout
    assert "its schema is tickmlp-certificate/1" in done.stdout and "This is tickmlp" not in done.stdout


def edits(document, paths):
    """{kind: (path, edited document)}: the last leaf of each kind, which is seldom the one a program looks at first."""
    return {kind_of(path): (path, changed(document, path, other(value))) for path, value in paths}


def judged(tickmlp, signed, folder, documents):
    """{kind: exit code} of many certificates, two at a time."""
    for file in signed.iterdir():
        if file.suffix in (".hlog", ".hgrm"):
            shutil.copy(file, folder)

    def one(entry):
        number, (kind, (_, document)) = entry
        (folder / f"{number}.json").write_text(json.dumps(document))
        return kind, tickmlp("verify", folder / f"{number}.json").returncode
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return dict(pool.map(one, enumerate(documents.items())))


def test_every_edited_leaf_is_noticed(tickmlp, signed, tmp_path):
    document = document_of(signed)
    documents = edits(document, leaves(document))
    assert len(documents) > 250
    codes = judged(tickmlp, signed, tmp_path, documents)
    assert {kind: code for kind, code in codes.items() if code != 1} == {"schema": 4}


def test_every_derived_leaf_is_noticed_when_the_digest_is_made_true_again(tickmlp, signed, tmp_path):
    document = document_of(signed)
    documents = edits(document, [leaf for leaf in leaves(document) if leaf[0][0] not in ("digest", "schema")])
    for _, edited in documents.values():
        edited["digest"] = digest(edited)
    codes = judged(tickmlp, signed, tmp_path, documents)
    unnoticed = {kind for kind, code in codes.items() if code == 0}
    assert {kind for kind in unnoticed if not is_fact(kind)} == set()
    # And what is called a fact is one.
    assert {kind for kind in codes.keys() - unnoticed if is_fact(kind) and not kind.startswith(SOMETIMES)} == set()


def test_a_number_of_every_series_is_noticed(tickmlp, signed, tmp_path):
    """The kinds above are one series each: here p50_ns of every one, each list's every entry of one scenario."""
    document = document_of(signed)
    paths = [(path, value) for path, value in leaves(document)
             if path[-1] == "p50_ns" and path[0] in ("floors", "scenarios") and len(path) in (3, 4)]
    assert len(paths) > 12
    documents = {".".join(map(str, path)): (path, changed(document, path, (value or 0) + 1)) for path, value in paths}
    for _, edited in documents.values():
        edited["digest"] = digest(edited)
    assert set(judged(tickmlp, signed, tmp_path, documents).values()) == {1}


def hide(document, scenario):
    document["scenarios"] = [row for row in document["scenarios"] if row["id"] != scenario]
    document["evidence"]["hgrm"] = [row for row in document["evidence"]["hgrm"] if row["scenario"] != scenario]


def test_a_scenario_left_out_or_listed_twice_is_noticed(verify, copy):
    for edit in (lambda document: hide(document, "full-evicted"),
                 lambda document: document["scenarios"].append(document["scenarios"][0]),
                 lambda document: document["evidence"]["hgrm"].pop()):
        document = document_of(copy)
        edit(document)
        document["digest"] = digest(document)
        (copy / "forged.json").write_text(json.dumps(document))
        code, checks = verify(copy / "forged.json")
        assert code == 1 and checks["digest"] and not checks["scenarios"]


def test_edited_missing_and_exchanged_evidence(verify, copy):
    log, table, second = (copy / name for name in ("c.hlog", "c.full-hot.hgrm", "c.tick-hot.hgrm"))
    whole = {path: path.read_bytes() for path in (log, table, second)}
    for path in (log, table):
        for damaged in (whole[path][:-2], whole[path].replace(b"1", b"2", 1), b"", b"\x00\xff"):
            path.write_bytes(damaged)
            code, checks = verify(copy / "c.json")
            assert code == 1 and not checks[path.name]
        path.unlink()
        assert not verify(copy / "c.json")[1][path.name]
        path.write_bytes(whole[path])
    table.write_bytes(whole[second])
    second.write_bytes(whole[table])
    code, checks = verify(copy / "c.json")
    assert code == 1 and not checks[table.name] and not checks[second.name]


def test_a_log_of_another_run_is_noticed_though_all_hashes_are_true(verify, tickmlp, small, copy):
    assert tickmlp("certify", small, "--samples", 3000, "--scenario", "hot", "--json", copy / "d.json").returncode == 3
    document = document_of(copy)
    document["evidence"]["hlog"] = json.loads((copy / "d.json").read_text())["evidence"]["hlog"]
    document["digest"] = digest(document)
    (copy / "c.json").write_text(json.dumps(document))
    code, checks = verify(copy / "c.json")
    assert code == 1 and checks["digest"] and checks["d.hlog"] and not checks["figures"]


@pytest.mark.parametrize("name", ["../c.hlog", "/etc/passwd", "", None, 7, ".", ".."])
def test_a_name_that_leaves_the_folder_is_not_opened(tickmlp, copy, name):
    document = document_of(copy)
    document["evidence"]["hlog"]["file"] = name
    document["digest"] = digest(document)
    (copy / "c.json").write_text(json.dumps(document))
    done = tickmlp("verify", copy / "c.json")
    assert done.returncode == 1 and ("names no file beside it" in done.stdout or "not a regular file" in done.stdout)
    assert "root:" not in done.stdout + done.stderr


@pytest.mark.parametrize("text, words", [
    ('{"schema": "tickmlp-certificate/2"}', 'schema is "tickmlp-certificate/2"; expected "tickmlp-certificate/1"'),
    ("[]", "schema is null"), ("7", "schema is null"), ("", "is no JSON"), ("\xff", "is no JSON"),
    ('{"schema": "tickmlp-certificate/1", "a": ' + "[" * 100_000 + "]" * 100_000 + "}", "nests deeper than 32"),
    ('{"schema": "tickmlp-certificate/1", "verdict": "FAIL", "verdict": "PASS"}', '"verdict" twice')],
    ids=["schema", "list", "number", "empty", "bytes", "deep", "twice"])
def test_what_is_no_certificate_is_refused_by_name(tickmlp, tmp_path, text, words):
    (tmp_path / "c.json").write_text(text, encoding="latin-1")
    done = tickmlp("verify", tmp_path / "c.json")
    assert done.returncode == 4 and words in done.stderr and "c.json" in done.stderr and done.stdout == ""


def test_truncated_and_huge_ones_are_refused(tickmlp, copy):
    whole = (copy / "c.json").read_bytes()
    for size in (0, 1, len(whole) // 3, len(whole) - 3):
        (copy / "c.json").write_bytes(whole[:size])
        assert tickmlp("verify", copy / "c.json").returncode == 4
    with open(copy / "c.json", "wb") as file:
        file.truncate(300 << 20)
    done = tickmlp("verify", copy / "c.json")
    assert done.returncode == 4 and "too large" in done.stderr
    assert tickmlp("verify", copy).returncode == 4 and tickmlp("verify", copy / "none.json").returncode == 4


def test_documents_with_little_in_them_are_invalid_and_harmless(verify, copy):
    document = document_of(copy)
    for key in document:
        for value in (None, 3, "text", [], [1, None], {}, True):
            if key in ("schema", "digest"):
                continue
            edited = {**document, key: value}
            edited["digest"] = digest(edited)
            (copy / "c.json").write_text(json.dumps(edited))
            code, _ = verify(copy / "c.json")
            assert code == 1 or is_fact(key) or is_fact(key + ".x") or value == document[key], (key, value)


def test_another_model_file(verify, signed, blob):
    code, checks = verify(signed / "c.json", "--blob", blob)
    assert code == 1 and not checks["model file"] and checks["figures"]
