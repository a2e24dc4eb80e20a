# SPDX-License-Identifier: Apache-2.0
"""Wrong usage, help, closed outputs and odd paths."""
import json
import os
import shlex
import shutil
import stat
import subprocess

import pytest

COMMANDS = ["certify", "team", "throughput", "run", "kernels", "inspect", "doctor", "profile", "predict", "sweep",
            "sample", "compare", "verify"]


@pytest.mark.parametrize("arguments", [
    [], ["frobnicate"], ["--frobnicate"], ["certify"], ["certify", "BLOB", "--frobnicate"],
    ["certify", "BLOB", "extra"],
    *(["certify", "BLOB", "--samples", value]
      for value in ["-1", "0", "1e30", "1e5", "x", "", "99999999999999999999", "1.5"]),
    ["certify", "BLOB", "--samples"], ["certify", "BLOB", "--epochs", "0"], ["certify", "BLOB", "--warm-up", "-1"],
    ["certify", "BLOB", "--core", "-1"], ["certify", "BLOB", "--core", "one"], ["certify", "BLOB", "--json"],
    *(["certify", "BLOB", "--budget", value]
      for value in ["p99", "p98=1us", "p99=1", "p99=-1us", "p99=1us,p99=2us", ""]),
    ["certify", "BLOB", "--kernel", "abacus"], ["certify", "BLOB", "--kernel", "OTHER"],
    ["team", "BLOB"], *(["team", "BLOB", "--cores", value] for value in ["", "x", "-1", "0,0", "0,1,1"]),
    ["team", "BLOB", "--cores", "0", "--deadline", "0"], ["team", "BLOB", "--cores", "0", "--deadline", "1000000001"],
    ["run", "BLOB"], ["run", "BLOB", "--input", "x"],
    ["run", "BLOB", "--input", "x", "--output", "y", "--path", "short"],
    ["run", "BLOB", "--input", "x", "--output", "y", "--non-finite", "maybe"], ["inspect"], ["kernels", "BLOB"],
    ["doctor", "--core", "1e30"], ["throughput"], ["throughput", "BLOB", "--kernel", "OTHER"],
    *(["throughput", "BLOB", "--states", value] for value in ["0", "-1", "x", "", "1,x", "1000001", "1.5"]),
])
def test_wrong_usage(tickmlp, blob, arguments):
    other = "int8-scalar" if "float32" in blob.stem else "float32-scalar"
    done = tickmlp(*[{"BLOB": blob, "OTHER": other}.get(argument, argument) for argument in arguments])
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("tickmlp: ") and done.stdout == ""


@pytest.mark.parametrize("arguments, option", [
    *((["certify", "BLOB", "--samples", "10000000000", option, ""], option)
      for option in ["--json", "--html", "--input", "--reference", "--kernel"]),
    (["certify", "BLOB", "--json", "c.json", "--sign", ""], "--sign"), (["doctor", "--root", ""], "--root"),
    (["verify", "c.json", "--public-key", ""], "--public-key"), (["verify", "c.json", "--blob", ""], "--blob")])
def test_an_empty_value_is_not_taken_for_no_option(tickmlp, blob, tmp_path, arguments, option):
    """As in `--json "$OUT"` without an OUT: nothing would be written, or no signature checked, and nobody told."""
    done = tickmlp(*[blob if argument == "BLOB" else argument for argument in arguments], cwd=tmp_path)
    assert done.returncode == 2 and f'{option} "": expected a value' in done.stderr and done.stdout == ""


def test_a_report_does_not_go_where_the_program_prints_to(tickmlp, blob, tmp_path):
    for name in ("/dev/stdout", "printed"):
        with open(tmp_path / "printed", "w", encoding="utf-8") as printed:
            done = tickmlp("certify", blob, "--samples", 100, "--json", name, stdout=printed, cwd=tmp_path)
        assert done.returncode == 2 and "is where this program prints to" in done.stderr
        assert os.listdir(tmp_path) == ["printed"] and not os.path.exists("/dev/stdout.hlog")


@pytest.mark.parametrize("name", ["it's", "two words", "$HOME", "a;b", "`x`", "'", "plain"])
def test_the_command_in_a_certificate_is_the_one_that_was_given(tickmlp, blob, tmp_path, name):
    done = tickmlp("certify", blob, "--samples", 100, "--scenario", "hot", "--json", f"{name}.json", cwd=tmp_path)
    assert done.returncode == 3
    words = shlex.split(json.loads((tmp_path / f"{name}.json").read_text())["command"])
    assert words == ["tickmlp", "certify", str(blob), "--samples", "100", "--scenario", "hot", "--json", f"{name}.json"]


def test_wrong_usage_says_what_was_expected(tickmlp, blob):
    assert "--core is given 2 times; expected once" in tickmlp("certify", blob, "--core", 0, "--core", 1).stderr
    assert "expected a whole number from 1" in tickmlp("certify", blob, "--samples", "1e30").stderr
    assert "unknown command frobnicate" in tickmlp("frobnicate").stderr
    listed = tickmlp("run", blob, "--input", "x", "--output", "y", "--kernel", "abacus").stderr
    assert "abacus" in listed and "int8-scalar" in listed and "float32-scalar" in listed


@pytest.mark.parametrize("command, option, low, high, bad", [
    (["certify", "x.blob"], "--soak", "10ms", "720h", ["9ms", "721h"]),
    (["monitor", "x.blob", "--textfile", "x.prom"], "--interval", "10ms", "3600s", ["9999us", "3601s"]),
    (["monitor", "x.blob", "--textfile", "x.prom"], "--slow", "0ns", "10s", ["-1ns", "11s"]),
    (["watch", "folder", "--once"], "--period", "1ms", "3600s", ["999us", "2h"])])
def test_times_have_a_unit_and_a_range(tickmlp, command, option, low, high, bad):
    for text in ("5", "x", "ms", "1e400s", "nans", "1 fortnight", *bad):
        done = tickmlp(*command, f"{option}={text}")
        assert done.returncode == 2, (text, done.stderr)
        assert f'{option}: "{text}": expected a time from {low} to {high}, with its unit' in done.stderr, text
    for text in (low, high):
        assert tickmlp(*command, f"{option}={text}").returncode == 4  # understood: there is no such file


@pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS)])
def test_help_teaches(tickmlp, command):
    done = tickmlp(*command, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.count("  tickmlp ") >= 2 and "Exit codes" in done.stdout


def test_version(tickmlp):
    done = tickmlp("--version")
    assert done.returncode == 0 and done.stdout.startswith("tickmlp ")


def test_refused_blobs_and_cores(tickmlp, blob, tmp_path):
    cut = tmp_path / "cut.blob"
    cut.write_bytes(blob.read_bytes()[:-1])
    for arguments, words in ((["certify", tmp_path / "missing.blob"], "file-open"),
                             (["inspect", tmp_path], "file-kind"),
                             (["certify", cut], "blob-truncated"), (["certify", blob, "--core", "8191"], "core 8191")):
        done = tickmlp(*arguments)
        assert done.returncode == 4 and words in done.stderr


@pytest.mark.parametrize("command", [["kernels"], ["kernels", "--json"], ["doctor"], ["inspect", "BLOB"], ["--help"],
                                     ["certify", "BLOB", "--samples", "100"]])
def test_closed_and_full_stdout(binary, blob, command, full_device):
    words = [str(blob) if word == "BLOB" else word for word in command]
    quoted = " ".join(f"'{word}'" for word in [binary, *words])
    assert subprocess.run(f"{quoted} >&-", shell=True, stderr=subprocess.DEVNULL).returncode == 4
    reader, writer = os.pipe()
    os.close(reader)
    for descriptor in (writer, full_device):
        assert subprocess.run([binary, *words], stdout=descriptor, stderr=subprocess.DEVNULL).returncode == 4
    os.close(writer)


@pytest.mark.parametrize("command", [["certify", "BLOB", "--samples", "100", "--json", "PIPE"],
                                     ["run", "BLOB", "--input", "STATES", "--output", "PIPE"]])
def test_a_target_that_is_no_regular_file_stays(tickmlp, blob, states, tmp_path, command):
    """A pipe stands for devices: renaming a file over one would replace it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    places = {"BLOB": blob, "STATES": states, "PIPE": pipe}
    done = tickmlp(*(places.get(word, word) for word in command))
    assert done.returncode == 4 and "not a regular file" in done.stderr
    assert stat.S_ISFIFO(pipe.stat().st_mode) and os.listdir(tmp_path) == ["pipe"]


def test_a_report_survives_a_closed_stdout(binary, blob, tmp_path):
    """The report must not be opened as descriptor 1 and printed over."""
    report = tmp_path / "report.json"
    command = f"'{binary}' certify '{blob}' --samples 100 --json '{report}' <&- >&- 2>&-"
    assert subprocess.run(command, shell=True).returncode == 4
    assert json.loads(report.read_text())["complete"] is True


def test_a_path_that_is_not_utf8(binary, blob, tmp_path):
    odd = os.path.join(os.fsencode(tmp_path), b"caf\xe9 \n.blob")
    shutil.copy(blob, odd)
    os.chmod(odd, 0o644)
    folder = os.path.join(os.fsencode(tmp_path), b"r\xff")
    os.mkdir(folder)
    certify = [binary.encode(), b"certify", odd, b"--samples", b"100", b"--scenario", b"hot", b"--json"]
    report = os.path.join(folder, b"r.json")
    done = subprocess.run([*certify, report], capture_output=True)
    assert done.returncode == 3 and b"r\\xff/r.json" in done.stdout
    with open(report, "rb") as file:
        written = json.loads(file.read().decode("utf-8"))
    assert "caf\\xe9 \\x0a.blob" in written["model"]["blob"] and "caf\\xe9" in written["command"]
    assert subprocess.run([binary.encode(), b"verify", report]).returncode == 0
    # The names of the files beside it stand in the certificate, which is UTF-8.
    done = subprocess.run([*certify, os.path.join(folder, b"r\xff.json")], capture_output=True)
    assert done.returncode == 2 and b"expected a file name in UTF-8" in done.stderr
    assert len(os.listdir(folder)) == 4  # with the log and two tables


def test_the_model_is_not_overwritten(tickmlp, blob, states):
    before = blob.read_bytes()
    assert tickmlp("certify", blob, "--samples", 100, "--json", blob).returncode == 2
    assert tickmlp("run", blob, "--input", states, "--output", blob).returncode == 2
    assert blob.read_bytes() == before
