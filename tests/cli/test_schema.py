# SPDX-License-Identifier: Apache-2.0
"""Certificates of every kind against the published schema, and what the schema refuses."""
import copy
import json
import re
import shutil
import signal
import subprocess

import pytest

from certificates import canonical, digest, document_of, leaves
from small_models import ROOT

jsonschema = pytest.importorskip("jsonschema", reason="Debian package python3-jsonschema")


@pytest.fixture(scope="session")
def schema():
    return json.loads((ROOT / "docs" / "certificate.schema.json").read_text())


@pytest.fixture(scope="session")
def complaints(schema):
    """(document) -> what the schema has against it"""
    errors = jsonschema.Draft202012Validator(schema).iter_errors
    return lambda document: [f"{list(error.absolute_path)}: {error.message}" for error in errors(document)]


def parts(value):
    """Every object of a schema that describes a value."""
    if isinstance(value, dict):
        if "type" in value or "enum" in value or "$ref" in value or "const" in value or "anyOf" in value:
            yield value
        for key, entry in value.items():
            yield from parts(entry if key != "properties" else list(entry.values()))
    elif isinstance(value, list):
        for entry in value:
            yield from parts(entry)


def test_the_schema_is_one_and_explains_every_property(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "urn:tickmlp:certificate:1" and "://" not in schema["$id"]
    for part in parts(schema):
        for name, entry in part.get("properties", {}).items():
            assert len(entry.get("description", "")) >= 5, name
        if part.get("type") == "object" and "properties" in part:
            assert part["additionalProperties"] is False
            assert set(part["required"]) <= set(part["properties"])


def test_what_other_programs_rely_on_is_required(schema):
    assert set(schema["required"]) >= {"schema", "verdict", "model", "kernel", "floors", "scenarios"}
    assert set(schema["$defs"]["scenario"]["required"]) >= {
        "name", "kind", "path", "cache", "gap_ns", "rate_per_s", "count", "central_ns", "min_ns", "p50_ns", "p90_ns",
        "p99_ns", "p99_9_ns", "p99_99_ns", "max_ns"}
    assert set(schema["properties"]["floors"]["required"]) >= {"timer_ns", "timer_step_ns", "memory_ns"}


FEW = ["--samples", 20, "--runs", 5, "--epochs", 2, "--warm-up", 50]
QUICK = ["--samples", 500, *FEW[2:]]


@pytest.mark.parametrize("options", [
    [*QUICK, "--scenario", "hot"],
    [*FEW, "--scenario", "spaced-1us,touched-1ms,evicted,evicted-walk"],
    [*FEW, "--scenario", "response-constant-1k,response-poisson-10k"],
    [*QUICK, "--scenario", "hot", "--budget", "p99=1us,p99.999=1ns,central=0.07ns", "--path", "full"],
    ["--samples", 1], ["--samples", 1, "--runs", 1000, "--epochs", 100000, "--scenario", "hot", "--warm-up", 0],
], ids=["hot", "cold", "response", "budgets", "one sample", "most runs"])
def test_certificates_of_many_kinds(tickmlp, complaints, blob, tmp_path, options):
    done = tickmlp("certify", blob, *options, "--json", tmp_path / "c.json")
    assert done.returncode in (1, 3), done.stderr
    assert complaints(document_of(tmp_path)) == []
    assert tickmlp("verify", tmp_path / "c.json").returncode == 0


def test_without_a_window(tickmlp, complaints, flat_blob, tmp_path):
    assert tickmlp("certify", flat_blob, *QUICK, "--json", tmp_path / "c.json", "--scenario", "hot").returncode == 3
    assert complaints(document_of(tmp_path)) == [] and document_of(tmp_path)["model"]["window"] is None


def test_a_saturated_one(tickmlp, complaints, tmp_path):
    done = tickmlp("certify", ROOT / "weights" / "tactical-int8.blob", "--kernel", "int8-scalar", "--samples", 100,
                   "--scenario", "response-constant-1m", "--budget", "full-response-constant-1m:p99=1s", "--warm-up",
                   10, "--json", tmp_path / "c.json")
    document = document_of(tmp_path)
    row = next(row for row in document["scenarios"] if row["id"] == "full-response-constant-1m")
    assert row["saturated"] is True and row["count"] == 0 and row["p50_ns"] is None and row["max_ns"] is None
    assert "saturated" in document["budgets"][0]["why"] and done.returncode == 3
    assert complaints(document) == [] and tickmlp("verify", tmp_path / "c.json").returncode == 0


def test_an_interrupted_one(binary, complaints, tickmlp, blob, tmp_path):
    process = subprocess.Popen([binary, "certify", blob, "--samples", "100000000", "--json", tmp_path / "c.json"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 128 + signal.SIGINT
    document = document_of(tmp_path)
    assert document["complete"] is False and complaints(document) == []
    assert tickmlp("verify", tmp_path / "c.json").returncode == 0


def test_a_signed_one_with_budgets(signed, complaints):
    assert complaints(document_of(signed)) == []


def test_what_the_schema_refuses(signed, complaints):
    document = document_of(signed)
    missed = []
    for path, value in {kind(path): (path, value) for path, value in leaves(document)}.values():
        # Another type, null where a value has to be, a property too few, one too many.
        wrong = {"text": 5, "number": "5"}["text" if isinstance(value, str) or value is None else "number"]
        if value is not None and not isinstance(path[-1], int):
            missed += [path for edit in ("replace", "remove", "add")
                       if not complaints(edited(document, path, edit, wrong))]
    assert set(map(kind, missed)) <= {"machine.stepping"}  # x86 has a number, Arm a text
    for path, value in {("verdict",): "MAYBE", ("digest",): "0" * 63, ("started",): "yesterday", ("core",): 1.5,
                        ("scenarios", 0, "count"): -1, ("scenarios", 0, "p50_ns"): 10.5, ("reasons",): [],
                        ("evidence", "hlog", "file"): "../c.hlog", ("scenarios", 0, "id"): "hot",
                        ("schema",): "tickmlp-certificate/2"}.items():
        assert complaints(edited(document, path, "replace", value)), path


def kind(path):
    return ".".join("#" if isinstance(key, int) else key for key in path)


def edited(document, path, edit, value):
    """A copy of the branch that leads to the leaf, with the leaf replaced or removed or a stranger beside it."""
    whole = place = dict(document)
    for key in path[:-1]:
        place[key] = copy.copy(place[key])
        place = place[key]
    if edit == "replace":
        place[path[-1]] = value
    elif edit == "remove":
        del place[path[-1]]
    else:
        place["stranger"] = value
    return whole


def test_numbers_are_integers_or_short_decimals(signed):
    text = (signed / "c.json").read_text()
    numbers = re.findall(r'(?<=[ \[])-?[0-9][^,\s\]]*(?=[,\n])', re.sub(r'"(\\.|[^"\\])*"', '""', text))
    assert len(numbers) > 1000
    assert [number for number in numbers if not re.fullmatch(r"-?(0|[1-9]\d{0,15})(\.\d{0,3}[1-9])?", number)] == []


def test_python_computes_the_same_digest(signed):
    document = document_of(signed)
    assert document["digest"] == digest(document)


def test_javascript_computes_the_same_digest(signed, tmp_path):
    """JSON.stringify is what RFC 8785 defines numbers and strings by."""
    if shutil.which("node") is None:
        pytest.skip("no node (Debian package nodejs)")
    script = """const fs = require("fs"), {digest, ...rest} = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
        const sorted = (value) => value === null || typeof value !== "object" ? JSON.stringify(value)
          : Array.isArray(value) ? "[" + value.map(sorted).join(",") + "]"
          : "{" + Object.keys(value).sort().map((k) => JSON.stringify(k) + ":" + sorted(value[k])).join(",") + "}";
        process.stdout.write(sorted(rest));"""
    (tmp_path / "canonical.cjs").write_text(script)
    done = subprocess.run(["node", tmp_path / "canonical.cjs", signed / "c.json"], capture_output=True, check=True)
    document = document_of(signed)
    assert done.stdout == canonical({key: document[key] for key in document if key != "digest"})
