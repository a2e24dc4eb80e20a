# SPDX-License-Identifier: Apache-2.0
"""`tickmlp kernels`, `inspect` and `doctor`; doctor also on made-up machines."""
import hashlib
import json

import pytest


def test_kernels(tickmlp):
    report = json.loads(tickmlp("kernels", "--json").stdout)
    names = {kernel["name"]: kernel for kernel in report["kernels"]}
    for kernel in report["kernels"]:
        assert kernel.keys() >= {"name", "dtype", "isa", "available"}
    for dtype in ("int8", "float32"):
        assert names[f"{dtype}-scalar"]["available"] is True
        assert names[report["chosen"][dtype]]["available"] is True and names[report["chosen"][dtype]]["dtype"] == dtype
    text = tickmlp("kernels").stdout
    assert all(name in text for name in names) and text.count("chosen") == 3


def test_inspect(tickmlp, blob):
    report = json.loads(tickmlp("inspect", blob, "--json").stdout)
    assert report["name"] == blob.stem and report["dtype"] == blob.stem.split("-")[1]
    assert (report["inputs"], report["outputs"], report["generation"], report["run_id"]) == (12, 4, 7, "run-42")
    assert report["window"] == {"rows": 4, "columns": 3}
    assert report["blob_sha256"] == hashlib.sha256(blob.read_bytes()).hexdigest()
    assert report["source_sha256"] == hashlib.sha256(blob.with_suffix(".npz").read_bytes()).hexdigest()
    side, value = report["heads"]
    assert (side["name"], side["hidden"], side["outputs"], side["activation"]) == ("side", 20, 3, "softmax")
    assert (value["name"], value["hidden"], value["activation"], value["clamp"]) == ("value", 7, "identity", [0, 6])
    assert len(report["features"]) == 3 and len(report["accuracy"]["heads"]) == 2
    text = tickmlp("inspect", blob).stdout
    for words in (blob.stem, "4 rows x 3 columns", "run-42", "side", "softmax", report["blob_sha256"]):
        assert words in text


def test_inspect_without_a_window(tickmlp, flat_blob):
    assert json.loads(tickmlp("inspect", flat_blob, "--json").stdout)["window"] is None
    assert "window: none" in tickmlp("inspect", flat_blob).stdout


GOOD = {
    "/proc/cpuinfo": "processor\t: 0\nmodel name\t: Fast CPU\nflags\t\t: fpu tsc constant_tsc nonstop_tsc avx2\n",
    "/proc/cmdline": "root=/dev/sda isolcpus=2,3 nohz_full=2-3 rcu_nocbs=2-3 idle=poll mitigations=off",
    "/proc/stat": "cpu  9 9 9 9 9 9 9 9 0 0\ncpu2 1 2 3 4 5 6 7 0 0 0\ncpu20 1 2 3 4 5 6 7 8 0 0\n",
    "/proc/loadavg": "0.42 0.30 0.20 1/200 4242",
    "/proc/meminfo": "MemTotal:  1000 kB\nSwapTotal:       0 kB\n",
    "/proc/self/status": "Name:\ttickmlp\nCpus_allowed:\tf\nCpus_allowed_list:\t0-3\n",
    "/proc/self/stat": "42 (tick (mlp) x) R 1 1 1 0 -1 4194304 1 0 0 0 0 0 0 0 -2 0 1 0 100 "
                       "1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 17 2 50 1 0 0 0",
    "/proc/self/limits": "Limit                     Soft Limit           Hard Limit           Units\n"
                         "Max locked memory         unlimited            unlimited            bytes\n",
    "/proc/sys/kernel/sched_rt_runtime_us": "-1\n",
    "/sys/devices/system/cpu/isolated": "2-3\n",
    "/sys/devices/system/cpu/nohz_full": "2-3\n",
    "/sys/devices/system/cpu/intel_pstate/no_turbo": "1\n",
    "/sys/devices/system/cpu/cpu2/topology/thread_siblings_list": "2\n",
    "/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor": "performance\n",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "0\n",
    "/sys/devices/system/cpu/vulnerabilities/meltdown": "Not affected\n",
}


@pytest.fixture
def doctor(tickmlp, tmp_path):
    """The audit of a made-up machine: the good one, changed; None takes a file away."""
    def run(changes=None):
        for path, text in {**GOOD, **(changes or {})}.items():
            if text is not None:
                file = tmp_path / path[1:]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        done = tickmlp("doctor", "--root", tmp_path, "--core", 2, "--json")
        assert done.returncode == 0, done.stderr
        return {row["name"]: row for row in json.loads(done.stdout)["rows"]}
    return run


def test_a_good_machine_passes_everywhere(doctor):
    assert {name: row["seen"] for name, row in doctor().items() if row["grade"] != "pass"} == {}


CPU2 = "/sys/devices/system/cpu/cpu2/"


@pytest.mark.parametrize("name, grade, path, text", [
    ("isolated core", "fail", "/sys/devices/system/cpu/isolated", "3\n"),
    ("isolated core", "fail", "/sys/devices/system/cpu/isolated", "\n"),
    ("isolated core", "unknown", "/sys/devices/system/cpu/isolated", None),
    ("nohz_full", "warn", "/sys/devices/system/cpu/nohz_full", "(null)\n"),
    ("rcu_nocbs", "warn", "/proc/cmdline", "quiet idle=poll"),
    ("rcu_nocbs", "pass", "/proc/cmdline", "rcu_nocbs=all"),
    ("rcu_nocbs", "pass", "/proc/cmdline", "rcu_nocbs=1-N"),
    ("SMT sibling", "warn", CPU2 + "topology/thread_siblings_list", "2,18\n"),
    ("frequency governor", "warn", CPU2 + "cpufreq/scaling_governor", "powersave\n"),
    ("frequency governor", "unknown", CPU2 + "cpufreq/scaling_governor", None),
    ("turbo", "warn", "/sys/devices/system/cpu/intel_pstate/no_turbo", "0\n"),
    ("turbo", "unknown", "/sys/devices/system/cpu/intel_pstate/no_turbo", None),
    ("affinity", "fail", "/proc/self/status", "Cpus_allowed_list:\t0-1\n"),
    ("virtualised", "fail", "/proc/cpuinfo", "flags\t: constant_tsc nonstop_tsc hypervisor\n"),
    ("virtualised", "unknown", "/proc/cpuinfo", None),
    ("invariant TSC", "fail", "/proc/cpuinfo", "flags\t: constant_tsc\n"),
    ("invariant TSC", "pass", "/proc/cpuinfo", "CPU implementer\t: 0x41\nFeatures\t: fp asimd\n"),
    ("clock source", "warn", "/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n"),
    ("steal", "fail", "/proc/stat", "cpu2 1 2 3 4 5 6 7 9 0 0\n"),
    ("steal", "unknown", "/proc/stat", "cpu20 1 2 3 4 5 6 7 9 0 0\n"),
    ("transparent huge pages", "warn", "/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n"),
    ("swap", "warn", "/proc/meminfo", "SwapTotal:  2048 kB\n"),
    ("scheduling class", "warn", "/proc/self/stat", GOOD["/proc/self/stat"].replace(" 50 1 0 0 0", " 0 0 0 0 0")),
    ("scheduling class", "unknown", "/proc/self/stat", "garbage"),
    ("real-time throttle", "warn", "/proc/sys/kernel/sched_rt_runtime_us", "950000\n"),
    ("memlock limit", "warn", "/proc/self/limits", "Max locked memory         65536         65536         bytes\n"),
    ("load average", "warn", "/proc/loadavg", "7.10 1 1 1/2 3\n"),
])
def test_one_thing_wrong(doctor, name, grade, path, text):
    row = doctor({path: text})[name]
    assert row["grade"] == grade, row
    assert row["seen"] and row["why"] and row["mend"]


def test_deep_idle_states(doctor):
    state = CPU2 + "cpuidle/state{}/{}"
    deep = {"/proc/cmdline": "quiet", state.format(0, "name"): "POLL\n", state.format(0, "latency"): "0\n",
            state.format(1, "name"): "C6\n", state.format(1, "latency"): "133\n", state.format(1, "disable"): "0\n"}
    row = doctor(deep)["C-states"]
    assert row["grade"] == "warn" and "C6 133 us" in row["seen"]
    assert doctor({**deep, state.format(1, "disable"): "1\n"})["C-states"]["grade"] == "pass"


def test_an_empty_tree_is_unknown_everywhere(tickmlp, tmp_path):
    done = tickmlp("doctor", "--root", tmp_path, "--json")
    assert {row["grade"] for row in json.loads(done.stdout)["rows"]} == {"unknown"}


def test_this_machine(tickmlp):
    done = tickmlp("doctor")
    assert done.returncode == 0 and "Nothing is changed" in done.stdout and "why:" in done.stdout
