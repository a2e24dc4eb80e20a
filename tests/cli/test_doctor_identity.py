# SPDX-License-Identifier: Apache-2.0
"""What `tickmlp doctor` says of this machine and of itself; it changes nothing; docs/AUDIT.md has every row."""
import hashlib
import json
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from boxes import ARM, CPU2, PARTITION, THROTTLED, VIRTUAL, write
from small_models import ROOT

INFORMATION = {"cpu", "vendor", "family", "model", "stepping", "microcode", "cores_online", "caches", "numa_nodes",
               "numa_node", "smt", "base_khz", "turbo_khz", "memory_bytes", "kernel", "kernel_version", "command_line",
               "operating_system", "architecture", "virtualised", "hypervisor", "container"}


@pytest.fixture
def machine(tickmlp, tmp_path):
    def run(changes):
        done = tickmlp("doctor", "--root", write(tmp_path / "box", changes), "--core", 2, "--json")
        return json.loads(done.stdout)["machine"]
    return run


def test_the_machine(machine):
    known = machine({"/proc/cmdline": "root=/dev/sda isolcpus=2,3"})
    assert known.keys() == INFORMATION
    assert known == {**known, "cpu": "Fast CPU", "vendor": "GenuineIntel", "family": 6, "model": 106, "stepping": 6,
                     "microcode": "0xd000389", "cores_online": "0-3", "numa_nodes": "0-1", "numa_node": 1, "smt": "off",
                     "base_khz": 2900000, "turbo_khz": 3500000, "memory_bytes": 1024000, "kernel": "6.1.0-18-amd64",
                     "command_line": "root=/dev/sda isolcpus=2,3", "virtualised": "no", "hypervisor": None,
                     "operating_system": "Debian GNU/Linux 12 (bookworm)", "container": "none"}
    assert known["caches"] == [{"level": 1, "kind": "Data", "bytes": 49152, "shared_with": "2"}]


@pytest.mark.parametrize("changes, expected", [
    (VIRTUAL, {"virtualised": "yes", "hypervisor": "qemu"}),
    (PARTITION, {"virtualised": "no", "container": "podman"}),
    (THROTTLED, {"container": "kubernetes"}),
    ({CPU2 + "cpufreq/scaling_driver": "amd-pstate-epp\n", CPU2 + "cpufreq/base_frequency": None,
      CPU2 + "acpi_cppc/nominal_freq": "2600\n"}, {"base_khz": 2600000, "turbo_khz": 3500000}),
    ({CPU2 + "cpufreq/scaling_driver": "acpi-cpufreq\n"}, {"turbo_khz": None}),  # says its nominal clock there
    (ARM, {"cpu": "Arm implementer 0x41 part 0xd0c", "vendor": "0x41", "stepping": "1", "virtualised": None,
           "microcode": None}),
])
def test_other_machines(machine, changes, expected):
    known = machine(changes)
    assert {key: known[key] for key in expected} == expected


def test_integers_text_and_null_only(tickmlp):
    def check(value):
        if isinstance(value, (dict, list)):
            for each in value.values() if isinstance(value, dict) else value:
                check(each)
        else:
            assert value is None or type(value) in (int, str), value
    report = json.loads(tickmlp("doctor", "--json").stdout)
    check([report["machine"], report["tool"]])


def test_the_tool(tickmlp, binary):
    report = json.loads(tickmlp("doctor", "--json").stdout)
    tool = report["tool"]
    assert tool["binary_sha256"] == hashlib.sha256(pathlib.Path(binary).read_bytes()).hexdigest()
    assert tickmlp("--version").stdout.strip() == "tickmlp " + tool["version"]
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|unknown", tool["commit"])
    assert re.fullmatch(r"(gcc|clang) \d+\.\d+.*", tool["compiler"]) and "-ffp-contract=off" in tool["flags"]
    assert report["host"] == hashlib.sha256(socket.gethostname().encode()).hexdigest()[:16]


def test_the_commit_survives_an_archive(tmp_path):
    """`git archive` fills in what a checkout asks git for."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("no git checkout")
    header = "bench/audit/commit.h.in"
    archive = subprocess.run(["git", "-C", ROOT, "archive", "HEAD", header], stdout=subprocess.PIPE, check=True)
    text = subprocess.run(["tar", "-xO", header], input=archive.stdout, stdout=subprocess.PIPE, check=True).stdout
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], stdout=subprocess.PIPE, check=True).stdout
    assert f'TICKMLP_ARCHIVE_COMMIT "{head.decode().strip()}"' in text.decode()


def test_this_machine_in_words(tickmlp):
    done = tickmlp("doctor")
    assert done.returncode == 0 and "changes nothing" in done.stdout and "why:" in done.stdout
    assert re.search(r"\d+ pass, \d+ warn, \d+ fail, \d+ unknown", done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= 120


def test_the_last_words_say_what_it_means_for_a_certificate(tickmlp, tmp_path):
    def last_words(name, changes):
        done = tickmlp("doctor", "--root", write(tmp_path / name, changes), "--core", 2)
        return " ".join(done.stdout.split("unknown.\n")[1].split())
    assert "can say PASS" in last_words("server", {})
    assert last_words("virtual", VIRTUAL).endswith("these do not: isolated core, virtualised, steal.")


WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
CHANGING = ("sched_setaffinity,sched_setscheduler,sched_setattr,setpriority,setrlimit,mount,umount2,chmod,fchmodat,"
            "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,truncate,ftruncate,ioctl,bpf,perf_event_open,"
            "init_module,kill,ptrace,swapon,swapoff,sethostname,sysinfo")


def test_it_opens_nothing_for_writing_and_calls_nothing_that_changes_the_box(binary, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("no strace (scripts/bootstrap --for test)")
    log = tmp_path / "calls"
    traced = subprocess.run(["strace", "-f", "-o", log, "-e", "trace=open,openat,creat," + CHANGING, binary, "doctor"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if traced.returncode != 0 and b"ptrace" in traced.stderr:
        pytest.skip("no right to trace: " + traced.stderr.decode(errors="replace"))
    assert traced.returncode == 0
    calls = log.read_text().splitlines()
    opened = [line for line in calls if re.search(r"\bopen(at)?\(", line)]
    assert len(opened) > 40 and not [line for line in opened if WRITING.search(line)]
    harmless = re.compile(r"\bopen(at)?\(|\+\+\+|TCGETS|\bsysinfo\(")  # is it a terminal; glibc's own count of memory
    assert [line for line in calls if not harmless.search(line)] == []


def rows_in_the_page():
    lines = (ROOT / "docs" / "AUDIT.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| **")]
    return {row[0].strip("* "): row for row in cells}


def test_the_page_has_every_row(tickmlp, binary, blob, tmp_path):
    report = tmp_path / "report.json"
    tickmlp("certify", blob, "--samples", 400, "--scenario", "hot", "--budget", "p50=1s", "--json", report)
    rows = json.loads(tickmlp("doctor", "--json").stdout)["rows"] + json.loads(report.read_text())["audit"]
    page = rows_in_the_page()
    assert {row["name"] for row in rows} == page.keys()
    for row in rows:
        assert len(page[row["name"]]) == 5, page[row["name"]]
        word = page[row["name"]][4]
        excused = row["grade"] == "unknown" and word.startswith("yes, unless unknown")
        assert excused or word.startswith("yes" if row["forcing"] else "no"), row["name"]
