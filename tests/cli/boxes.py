# SPDX-License-Identifier: Apache-2.0
"""Made-up machines: files of /proc and /sys as text, a few as bytes. None takes a file of the server away."""
import pathlib

CPUS = "/sys/devices/system/cpu/"
CPU2 = CPUS + "cpu2/"
CGROUP = "/sys/fs/cgroup/"

# A bare server with four cores, of which 2 and 3 are isolated and tuned.
SERVER = {
    "/proc/cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 106\n"
                     "model name\t: Fast CPU\nstepping\t: 6\nmicrocode\t: 0xd000389\n"
                     "flags\t\t: fpu tsc constant_tsc nonstop_tsc avx2\n",
    "/proc/cmdline": "root=/dev/sda isolcpus=2,3 nohz_full=2-3 rcu_nocbs=2-3 idle=poll mitigations=off",
    "/proc/stat": "cpu  9 9 9 9 9 9 9 9 0 0\ncpu2 1 2 3 4 5 6 7 0 0 0\ncpu20 1 2 3 4 5 6 7 8 0 0\n",
    "/proc/loadavg": "0.42 0.30 0.20 1/200 4242",
    "/proc/meminfo": "MemTotal:  1000 kB\nSwapTotal:       0 kB\n",
    "/proc/self/status": "Name:\ttickmlp\nCpus_allowed:\tf\nCpus_allowed_list:\t0-3\n",
    "/proc/self/stat": "42 (tick (mlp) x) R 1 1 1 0 -1 4194304 1 0 0 0 0 0 0 0 -2 0 1 0 100 "
                       "1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 17 2 50 1 0 0 0",
    "/proc/self/limits": "Limit                     Soft Limit           Hard Limit           Units\n"
                         "Max locked memory         unlimited            unlimited            bytes\n",
    "/proc/self/cgroup": "0::/user.slice/session-1.scope\n",
    "/proc/self/mountinfo": "31 23 0:29 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n",
    "/proc/irq/24/effective_affinity_list": "0\n",
    "/proc/irq/24/eth0-rx-0/x": "",
    "/proc/sys/kernel/sched_rt_runtime_us": "-1\n",
    "/proc/sys/kernel/numa_balancing": "0\n",
    "/proc/sys/kernel/nmi_watchdog": "0\n",
    "/proc/sys/kernel/soft_watchdog": "1\n",
    "/proc/sys/kernel/watchdog_cpumask": "0-1\n",
    "/proc/sys/kernel/timer_migration": "1\n",
    "/proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
    "/proc/sys/vm/stat_interval": "1\n",
    CPUS + "online": "0-3\n",
    CPUS + "present": "0-3\n",
    CPUS + "isolated": "2-3\n",
    CPUS + "nohz_full": "2-3\n",
    CPUS + "smt/active": "0\n",
    CPUS + "intel_pstate/no_turbo": "1\n",
    CPUS + "vulnerabilities/meltdown": "Not affected\n",
    CPU2 + "topology/thread_siblings_list": "2\n",
    CPU2 + "cpufreq/scaling_governor": "performance\n",
    CPU2 + "cpufreq/scaling_driver": "intel_pstate\n",
    CPU2 + "cpufreq/base_frequency": "2900000\n",
    CPU2 + "cpufreq/cpuinfo_max_freq": "3500000\n",
    CPU2 + "cache/index0/level": "1\n",
    CPU2 + "cache/index0/type": "Data\n",
    CPU2 + "cache/index0/size": "48K\n",
    CPU2 + "cache/index0/shared_cpu_list": "2\n",
    CPU2 + "node1/x": "",
    "/sys/class/dmi/id/sys_vendor": "Dell Inc.\n",
    "/sys/class/dmi/id/product_name": "PowerEdge R650\n",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    "/sys/devices/system/node/online": "0-1\n",
    "/sys/devices/virtual/workqueue/cpumask": "00000000,00000003\n",
    "/sys/kernel/mm/ksm/run": "0\n",
    "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "/sys/kernel/mm/transparent_hugepage/defrag": "always defer defer+madvise [madvise] never\n",
    "/sys/kernel/mm/transparent_hugepage/khugepaged/defrag": "1\n",
    "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "0\n",
    CGROUP + "cgroup.controllers": "cpuset cpu memory\n",
    CGROUP + "user.slice/session-1.scope/cpu.stat": "usage_usec 7\n",
    "/etc/os-release": 'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
}

# An ordinary virtual machine: nothing tuned, and time stolen from it.
VIRTUAL = {
    "/proc/cpuinfo": "vendor_id\t: AuthenticAMD\nmodel name\t: EPYC\nflags\t: constant_tsc nonstop_tsc hypervisor\n",
    "/proc/cmdline": "root=/dev/vda quiet",
    "/proc/stat": "cpu2 1 2 3 4 5 6 7 250 0 0\n",
    CPUS + "isolated": "\n",
    CPUS + "nohz_full": None,
    CPUS + "intel_pstate/no_turbo": None,
    CPU2 + "cpufreq/scaling_governor": None,
    "/sys/class/dmi/id/sys_vendor": "QEMU\n",
    "/sys/class/dmi/id/product_name": "Standard PC (Q35 + ICH9, 2009)\n",
}

# A container on that server: no isolcpus, but its pod's cores are an isolated partition. Its cgroup namespace shows its
# own group as the top of the mount.
PARTITION = {
    "/proc/cmdline": "root=/dev/sda nohz_full=2-3 idle=poll",
    "/proc/self/cgroup": "0::/\n",
    "/run/systemd/container": "podman\n",
    CPUS + "isolated": "\n",
    CGROUP + "cpuset.cpus.partition": "isolated\n",
    CGROUP + "cpuset.cpus.effective": "2-3\n",
    CGROUP + "cpu.max": "max 100000\n",
}

# A container with a quota, which its parent group tightens and the one above loosens, to no effect.
THROTTLED = {
    "/.dockerenv": "",
    "/proc/self/cgroup": "0::/kubepods/pod1/c1\n",
    CGROUP + "kubepods/pod1/c1/cpu.max": "200000 100000\n",
    CGROUP + "kubepods/pod1/c1/cpu.stat": "usage_usec 7\nnr_periods 9\nnr_throttled 4\nthrottled_usec 90\n",
    CGROUP + "kubepods/pod1/cpu.max": "50000 100000\n",
    CGROUP + "kubepods/pod1/cpu.stat": "nr_throttled 2\n",
    CGROUP + "kubepods/cpu.max": "400000 100000\n",
}

# 64-bit Arm has no CPU flags.
ARM = {"/proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"
                        "CPU revision\t: 1\n",
       "/sys/class/dmi/id/sys_vendor": "HPE\n", "/sys/class/dmi/id/product_name": "ProLiant RL300\n",
       "/sys/devices/system/clocksource/clocksource0/current_clocksource": "arch_sys_counter\n"}


def write(folder: pathlib.Path, changes: dict) -> pathlib.Path:
    """The server with these changes, below `folder`."""
    for path, content in {**SERVER, **changes}.items():
        if content is None:
            continue
        file = folder / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder
