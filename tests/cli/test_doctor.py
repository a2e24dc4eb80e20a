# SPDX-License-Identifier: Apache-2.0
"""`tickmlp doctor` on made-up machines: every row in every grade that it can have."""
import json

import pytest

from boxes import ARM, CGROUP, CPU2, CPUS, PARTITION, SERVER, THROTTLED, VIRTUAL, write

THP = "/sys/kernel/mm/transparent_hugepage/"
KERNEL = "/proc/sys/kernel/"
DMI = "/sys/class/dmi/id/"


@pytest.fixture
def doctor(tickmlp, tmp_path):
    """The audit of a made-up machine, rows by name."""
    def run(changes=None):
        folder = write(tmp_path / "box", changes or {})
        done = tickmlp("doctor", "--root", folder, "--core", 2, "--json")
        assert done.returncode == 0, done.stderr
        return {row["name"]: row for row in json.loads(done.stdout)["rows"]}
    return run


def grades(rows):
    return {name: row["grade"] for name, row in rows.items() if row["grade"] != "pass"}


def forcing(rows):
    return {name for name, row in rows.items() if row["forcing"] and row["grade"] != "pass"}


def test_a_bare_isolated_server_passes_everywhere(doctor):
    assert grades(doctor()) == {}


def test_a_virtual_machine(doctor):
    rows = doctor(VIRTUAL)
    assert forcing(rows) == {"isolated core", "virtualised", "steal"}
    assert grades(rows) == {"isolated core": "fail", "virtualised": "fail", "steal": "fail", "nohz_full": "warn",
                            "rcu_nocbs": "warn", "turbo": "unknown", "frequency governor": "unknown",
                            "C-states": "unknown", "statistics worker": "warn"}
    assert "qemu" in rows["virtualised"]["seen"] and "2.50 s" in rows["steal"]["seen"]
    assert "built without" in rows["nohz_full"]["seen"]


def test_a_container_in_an_isolated_partition_counts_as_isolated(doctor):
    rows = doctor(PARTITION)
    assert grades(rows) == {"container": "warn"} and forcing(rows) == set()
    assert "cpuset partition: isolated, cores 2-3" in rows["isolated core"]["seen"]
    assert "podman" in rows["container"]["seen"]


@pytest.mark.parametrize("changes, grade, words", [
    ({CGROUP + "cpuset.cpus.partition": "isolated invalid (Cpu list empty)\n"}, "fail", "invalid"),
    ({CGROUP + "cpuset.cpus.partition": "root\n"}, "fail", "partition: root"),
    ({CGROUP + "cpuset.cpus.partition": "member\n"}, "fail", "isolcpus: none"),
    ({CGROUP + "cpuset.cpus.effective": "3\n"}, "fail", "cores 3"),
    ({CPUS + "isolated": None}, "pass", "unreadable"),
    ({CPUS + "isolated": None, CGROUP + "cpuset.cpus.partition": "member\n"}, "unknown", "unreadable"),
    # a member of a partition lies in its parent's
    ({"/proc/self/cgroup": "0::/a/b\n", CGROUP + "a/b/cpuset.cpus.partition": "member\n"}, "pass", "isolated"),
    # the mount shows a group further down, as version 2 without a namespace does in a container
    ({"/proc/self/cgroup": "0::/pod/c\n", CGROUP + "cpuset.cpus.partition": None,
      "/proc/self/mountinfo": "1 2 0:1 /pod /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
      CGROUP + "c/cpuset.cpus.partition": "isolated\n", CGROUP + "c/cpuset.cpus.effective": "2\n"}, "pass", "isolated"),
    # the process's group lies outside its namespace
    ({"/proc/self/cgroup": "0::/../other\n"}, "pass", "isolated"),
    # the top of all groups lists what any partition has isolated
    ({CGROUP + "cpuset.cpus.partition": None, CGROUP + "cpuset.cpus.isolated": "2\n"}, "pass", "partitions: 2"),
    ({CGROUP + "cpuset.cpus.partition": None, CGROUP + "cpuset.cpus.isolated": "\n"}, "fail", "partitions: none"),
    # version 1 promises nothing of the kind
    ({"/proc/self/cgroup": "3:cpuset:/\n0::/\n"}, "fail", "isolcpus: none"),
])
def test_partitions(doctor, changes, grade, words):
    row = doctor({**PARTITION, **changes})["isolated core"]
    assert row["grade"] == grade and words in row["seen"], row


def test_a_container_with_a_quota(doctor):
    rows = doctor(THROTTLED)
    assert grades(rows) == {"container": "warn", "CPU quota": "warn"}
    assert rows["CPU quota"]["seen"] == "50000 of every 100000 us"  # the parent's, which is tighter
    assert "kubernetes" in rows["container"]["seen"]


def test_a_quota_of_version_1(doctor):
    changes = {"/proc/self/cgroup": "4:cpu,cpuacct:/docker/abc\n", CGROUP + "cpu/docker/abc/cpu.cfs_quota_us": "-1\n",
               CGROUP + "cpu/docker/abc/cpu.cfs_period_us": "100000\n",
               "/proc/self/mountinfo": "1 2 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpuacct,cpu\n"}
    assert doctor(changes)["CPU quota"]["grade"] == "pass"
    changes[CGROUP + "cpu/docker/abc/cpu.cfs_quota_us"] = "150000\n"
    assert doctor(changes)["CPU quota"]["seen"] == "150000 of every 100000 us"


@pytest.mark.parametrize("changes, grade, words", [
    ({}, "unknown", "without a sign"),
    ({"/dev/kvm": ""}, "pass", "/dev/kvm"),
    ({"/proc/device-tree/hypervisor/compatible": b"linux,kvm\0"}, "fail", "kvm"),
    ({"/sys/firmware/devicetree/base/compatible": b"linux,dummy-virt\0"}, "fail", "virtual board"),
    ({DMI + "sys_vendor": "QEMU\n"}, "fail", "qemu"),
    ({DMI + "sys_vendor": "Amazon EC2\n", DMI + "product_name": "c7g.xlarge\n"}, "fail", "c7g.xlarge"),
    ({DMI + "sys_vendor": "Amazon EC2\n", DMI + "product_name": "c7g.metal\n"}, "pass", "c7g.metal"),
])
def test_arm(doctor, changes, grade, words):
    rows = doctor({**ARM, **changes})
    assert rows["virtualised"]["grade"] == grade and words in rows["virtualised"]["seen"], rows["virtualised"]
    assert rows["invariant TSC"]["grade"] == rows["clock source"]["grade"] == "pass"


STATE = CPU2 + "cpuidle/state{}/{}"
DEEP = {"/proc/cmdline": "quiet", STATE.format(0, "name"): "POLL\n", STATE.format(0, "latency"): "0\n",
        STATE.format(1, "name"): "C6\n", STATE.format(1, "latency"): "133\n", STATE.format(1, "disable"): "0\n"}


@pytest.mark.parametrize("changes, grade, words", [
    ({}, "warn", "C6 133 us"),
    ({STATE.format(1, "disable"): "1\n"}, "pass", "(disabled)"),
    ({"/dev/cpu_dma_latency": bytes([10, 0, 0, 0])}, "pass", "limited to 10 us"),  # 10 reads as a line's end
    ({"/dev/cpu_dma_latency": bytes([0, 0, 0, 0])}, "pass", "limited to 0 us"),
    ({"/dev/cpu_dma_latency": (2_000_000_000).to_bytes(4, "little")}, "warn", "C6 133 us"),  # nobody asks for less
    ({CPU2 + "power/pm_qos_resume_latency_us": "n/a\n"}, "pass", "limited to 0 us"),
    ({CPU2 + "power/pm_qos_resume_latency_us": "0\n"}, "warn", "C6 133 us"),  # 0 means no limit here
    ({"/sys/module/intel_idle/parameters/max_cstate": "9\n"}, "warn", "intel_idle.max_cstate=9"),
    ({"/proc/cmdline": "idle=poll"}, "pass", "idle=poll"),
])
def test_idle_states(doctor, changes, grade, words):
    row = doctor({**DEEP, **changes})["C-states"]
    assert row["grade"] == grade and words in row["seen"], row


NO_TURBO = CPUS + "intel_pstate/no_turbo"
ONE_THING = [
    ("isolated core", "fail", {CPUS + "isolated": "3\n"}),
    ("isolated core", "unknown", {CPUS + "isolated": None}),
    ("nohz_full", "warn", {CPUS + "nohz_full": "(null)\n"}),
    ("nohz_full", "unknown", {CPUS + "nohz_full": None, CPUS + "present": None}),
    ("rcu_nocbs", "warn", {"/proc/cmdline": "quiet idle=poll"}),
    ("rcu_nocbs", "pass", {"/proc/cmdline": "rcu_nocbs=all"}),
    ("rcu_nocbs", "pass", {"/proc/cmdline": "rcu_nocbs=1-N"}),
    ("rcu_nocbs", "unknown", {"/proc/cmdline": None}),
    ("SMT sibling", "warn", {CPU2 + "topology/thread_siblings_list": "2,18\n"}),
    ("SMT sibling", "unknown", {CPU2 + "topology/thread_siblings_list": None}),
    ("interrupts sent here", "warn", {"/proc/irq/24/effective_affinity_list": "2-3\n"}),
    ("interrupts sent here", "unknown", {"/proc/irq/24/effective_affinity_list": None}),
    ("affinity", "fail", {"/proc/self/status": "Cpus_allowed_list:\t0-1\n"}),
    ("affinity", "unknown", {"/proc/self/status": None}),
    ("scheduling class", "warn", {"/proc/self/stat": SERVER["/proc/self/stat"].replace(" 50 1 0", " 0 0 0")}),
    ("scheduling class", "unknown", {"/proc/self/stat": "garbage"}),
    ("real-time throttle", "warn", {KERNEL + "sched_rt_runtime_us": "950000\n"}),
    ("real-time throttle", "pass", {KERNEL + "sched_rt_runtime_us": "950000\n",
                                    "/proc/self/stat": SERVER["/proc/self/stat"].replace(" 50 1 0", " 0 0 0")}),
    ("real-time throttle", "unknown", {KERNEL + "sched_rt_runtime_us": None}),
    ("frequency governor", "warn", {CPU2 + "cpufreq/scaling_governor": "powersave\n"}),
    ("frequency governor", "unknown", {CPU2 + "cpufreq/scaling_governor": None}),
    ("turbo", "warn", {NO_TURBO: "0\n"}),
    ("turbo", "warn", {NO_TURBO: None, CPUS + "cpufreq/boost": "1\n"}),
    ("turbo", "pass", {NO_TURBO: None, CPUS + "cpufreq/boost": "0\n"}),
    ("turbo", "pass", {NO_TURBO: None, CPUS + "cpufreq/boost": "1\n", CPU2 + "cpufreq/boost": "0\n"}),
    ("turbo", "warn", {NO_TURBO: None, CPU2 + "cpufreq/cpb": "1\n"}),
    ("turbo", "unknown", {NO_TURBO: None}),
    ("C-states", "unknown", {"/proc/cmdline": "quiet"}),
    ("virtualised", "fail", {DMI + "sys_vendor": "innotek GmbH\n"}),
    ("virtualised", "fail", {DMI + "sys_vendor": "Microsoft Corporation\n", DMI + "product_name": "Virtual Machine\n"}),
    ("virtualised", "fail", {"/sys/hypervisor/type": "xen\n"}),
    ("virtualised", "unknown", {"/proc/cpuinfo": None}),
    ("steal", "fail", {"/proc/stat": "cpu2 1 2 3 4 5 6 7 9 0 0\n"}),
    ("steal", "unknown", {"/proc/stat": "cpu20 1 2 3 4 5 6 7 9 0 0\n"}),
    ("container", "warn", {"/run/.containerenv": ""}),
    ("container", "warn", {"/proc/self/cgroup": "0::/system.slice/docker-1.scope\n"}),
    ("container", "unknown", {"/proc/self/cgroup": None}),
    ("CPU quota", "unknown", {"/proc/self/cgroup": None}),
    ("CPU quota", "warn", {CGROUP + "user.slice/cpu.max": "10000 100000\n"}),
    ("load average", "warn", {"/proc/loadavg": "7.10 1 1 1/2 3\n"}),
    ("load average", "unknown", {"/proc/loadavg": None}),
    ("transparent huge pages", "warn", {THP + "enabled": "always madvise [never]\n"}),
    ("transparent huge pages", "unknown", {THP + "enabled": None}),
    ("huge page upkeep", "warn", {THP + "defrag": "[always] defer defer+madvise madvise never\n"}),
    ("huge page upkeep", "warn", {THP + "enabled": "[always] madvise never\n"}),
    ("huge page upkeep", "pass", {THP + "enabled": "always madvise [never]\n", THP + "defrag": "[always] never\n"}),
    ("huge page upkeep", "unknown", {THP + "defrag": None}),
    ("explicit huge pages", "unknown", {"/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": None}),
    ("swap", "warn", {"/proc/meminfo": "SwapTotal:  2048 kB\n"}),
    ("swap", "unknown", {"/proc/meminfo": None}),
    ("memlock limit", "warn", {"/proc/self/limits": "Max locked memory         65536         65536         bytes\n"}),
    ("memlock limit", "unknown", {"/proc/self/limits": None}),
    ("same-page merging", "warn", {"/sys/kernel/mm/ksm/run": "1\n"}),
    ("same-page merging", "unknown", {"/sys/kernel/mm/ksm/run": None}),
    ("NUMA balancing", "warn", {KERNEL + "numa_balancing": "1\n"}),
    ("NUMA balancing", "pass", {KERNEL + "numa_balancing": None, "/sys/devices/system/node/online": "0\n"}),
    ("NUMA balancing", "unknown", {KERNEL + "numa_balancing": None}),
    ("invariant TSC", "fail", {"/proc/cpuinfo": "flags\t: constant_tsc\n"}),
    ("invariant TSC", "unknown", {"/proc/cpuinfo": None}),
    ("clock source", "warn", {"/sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet\n"}),
    ("clock source", "unknown", {"/sys/devices/system/clocksource/clocksource0/current_clocksource": None}),
    ("mitigations", "unknown", {"/proc/cmdline": None}),
    ("watchdogs", "warn", {KERNEL + "watchdog_cpumask": "0-3\n"}),
    ("watchdogs", "warn", {KERNEL + "nmi_watchdog": "1\n", KERNEL + "watchdog_cpumask": None}),
    ("watchdogs", "unknown", {KERNEL + "nmi_watchdog": None, KERNEL + "soft_watchdog": None}),
    ("timer migration", "warn", {KERNEL + "timer_migration": "0\n"}),
    ("timer migration", "unknown", {KERNEL + "timer_migration": None}),
    ("statistics worker", "warn", {CPUS + "nohz_full": "\n"}),
    ("statistics worker", "pass", {CPUS + "nohz_full": "\n", "/proc/sys/vm/stat_interval": "120\n"}),
    ("statistics worker", "unknown", {"/proc/sys/vm/stat_interval": None}),
    ("kernel's own work", "warn", {"/sys/devices/virtual/workqueue/cpumask": "f\n"}),
    ("kernel's own work", "unknown", {"/sys/devices/virtual/workqueue/cpumask": None}),
]


@pytest.mark.parametrize("name, grade, changes", ONE_THING)
def test_one_thing_wrong(doctor, name, grade, changes):
    row = doctor(changes)[name]
    assert row["grade"] == grade, row
    assert row["seen"] and row["why"] and row["mend"]


def test_every_row_is_seen_in_every_grade_that_it_can_have(doctor):
    """Every row passes on the server and is unknown where nothing can be read; what is seen above is the rest."""
    seen = {name: {"pass", "unknown"} for name in doctor()}
    for name, grade, _ in ONE_THING:
        seen[name].add(grade)
    never_bad = {"explicit huge pages", "mitigations"}  # for the record only
    for name in seen.keys() - never_bad - {"C-states"}:
        assert seen[name] & {"warn", "fail"}, name


def test_masked_files_are_unknown_everywhere(tickmlp, tmp_path):
    done = tickmlp("doctor", "--root", tmp_path, "--json")
    report = json.loads(done.stdout)
    assert {row["grade"] for row in report["rows"]} == {"unknown"}
    known = {key: value for key, value in report["machine"].items() if value not in (None, [])}
    assert known == {}


def test_a_core_or_a_folder_that_is_not_there(tickmlp, tmp_path):
    """Rows about nothing would be believed: with a core of another box most of them pass."""
    done = tickmlp("doctor", "--core", 8191)
    assert done.returncode == 4 and "no core 8191 on this box" in done.stderr and done.stdout == ""
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "none", tmp_path / "file"):
        done = tickmlp("doctor", "--root", root)
        assert done.returncode == 4 and "expected a folder with proc and sys" in done.stderr and done.stdout == ""
