# SPDX-License-Identifier: Apache-2.0
"""Runs the tests that a build folder declares to meson and appends one result a case.

usage: executables.py BUILD FILE SUITE [--wrapper COMMAND] [--leave-out SUITES] [--only SUITES] [--slower N] [--label L]

An executable named test_* is a doctest program: its cases are counted from its own JUnit report, and a crash or an
exit before the report is a failure of its own. Any other test is one case: exit code 0 passes, 77 skips.
A doctest case that cannot run prints the line "SKIP <case>: <reason>" and returns: it counts as skipped.
--wrapper runs the programs of the build under an emulator; tests that are scripts are left out, they ran natively.
--only and --leave-out name meson suites. --slower multiplies the declared timeouts.
"""
import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from results import Case, add, read_junit

# Emulating an x86 processor QEMU warns about features that it leaves out, once a run.
EMULATOR_NOISE = re.compile(r"^qemu-\S+: warning: TCG doesn't support.*\n", re.MULTILINE)
TELLING = re.compile(r"runtime error:|(ERROR|WARNING): \w+Sanitizer|^SUMMARY: |terminate called|uncaught target")
SKIP_LINE = re.compile(r"^SKIP ([^:]+): (.+)$", re.MULTILINE)


def declared(build, only, leave_out):
    tests = json.loads(subprocess.check_output(["meson", "introspect", "--tests", build]))
    for test in tests:
        suites = {name.split(":")[-1] for name in test["suite"]}
        if suites & leave_out or (only and not suites & only):
            continue
        yield test


def is_program(test):
    program = Path(test["cmd"][0])
    if not program.is_file():
        return False
    with program.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def is_doctest(test):
    return is_program(test) and Path(test["cmd"][0]).name.startswith("test_")


def execute(command, test, build, slower):
    """(exit code, output); the code is None when the time was up."""
    environment = dict(os.environ, TICKMLP_BUILD=str(build), **test["env"])
    process = subprocess.Popen(command, cwd=test["workdir"] or build, env=environment, start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output = process.communicate(timeout=max(1, test["timeout"] * slower))[0]
        return process.returncode, EMULATOR_NOISE.sub("", output.decode(errors="replace"))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return None, process.communicate()[0].decode(errors="replace")


def ended(code):
    if code is None:
        return "ran out of time"
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def gist(output):
    """What a sanitizer or a crash says in one line; without such lines, the end of the output."""
    lines = output.strip().splitlines()
    return "; ".join([line for line in lines if TELLING.search(line)][:6] or lines[-8:])[:1500]


def keep(build, test, output):
    """The whole output of a program in which something failed, beside the build's own logs."""
    folder = build / "failures"
    folder.mkdir(exist_ok=True)
    log = folder / (re.sub(r"\W+", "-", test["name"]) + ".log")
    log.write_text(output, encoding="utf-8")
    print(f"-- {test['name']} failed, its whole output: {log}")


def run_doctest(test, build, wrapper, slower):
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        code, output = execute(wrapper + test["cmd"] + ["--reporters=junit", f"--out={report}"], test, build, slower)
        try:
            cases = read_junit(report)
        except (OSError, xml.ParseError) as why:
            keep(build, test, output)
            what = f"{ended(code)} without a readable report ({why}): {gist(output)}"
            return [Case("failed", "whole program", what)]
    cases = apply_skips(cases, SKIP_LINE.findall(output))
    if code != 0 and not any(case.status == "failed" for case in cases):
        cases.append(Case("failed", "whole program", f"{ended(code)}, no case failed: {gist(output)}"))
    if not cases:
        cases.append(Case("failed", "whole program", "no case ran"))
    if output and any(case.status == "failed" for case in cases):
        # A sanitizer's report is only in the output.
        keep(build, test, output)
        cases = [case._replace(why=f"{case.why} | {gist(output)}") if case.status == "failed" else case
                 for case in cases]
    return cases


def apply_skips(cases, skips):
    """doctest has no run-time skip: the case passed, and said that it checked nothing. A case with a colon or a
    subcase in its name is named by what stands before."""
    reasons, used, found = dict(skips), set(), []
    for case in cases:
        full = case.name.split("::", 1)[-1]
        names = [name for name in (full, full.split("/")[0], full.split(":")[0]) if name in reasons]
        used.update(names)
        skipped = names and case.status == "passed"
        found.append(Case("skipped", case.name, reasons[names[0]]) if skipped else case)
    return found + [Case("skipped", name, why) for name, why in skips if name not in used]


def run_plain(test, build, wrapper, slower):
    code, output = execute(wrapper + test["cmd"], test, build, slower)
    if code == 0:
        return [Case("passed", "exit code", "")]
    if code == 77:
        return [Case("skipped", "exit code", gist(output) or "no reason given")]
    keep(build, test, output)
    return [Case("failed", "exit code", f"{ended(code)}: {gist(output)}")]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("file")
    parser.add_argument("suite")
    parser.add_argument("--wrapper", type=shlex.split, default=[])
    parser.add_argument("--leave-out", type=lambda names: set(names.split(",")), default=set())
    parser.add_argument("--only", type=lambda names: set(names.split(",")), default=set())
    parser.add_argument("--slower", type=float, default=1)
    parser.add_argument("--label", default="")
    options = parser.parse_args()
    build = options.build.resolve()

    def run(test):
        if is_doctest(test):
            cases = run_doctest(test, build, options.wrapper, options.slower)
        else:
            cases = run_plain(test, build, options.wrapper, options.slower)
        label = f"{options.label} {test['name']}".strip()
        return [case._replace(name=f"{label}: {case.name}") for case in cases]

    tests = [test for test in declared(build, options.only, options.leave_out)
             if not options.wrapper or (is_program(test) and build in Path(test["cmd"][0]).parents)]
    # What measures time or pins itself to a core is declared is_parallel: false, and has the machine to itself.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for cases in pool.map(run, (test for test in tests if test["is_parallel"])):
            add(options.file, options.suite, cases)
    for test in tests:
        if not test["is_parallel"]:
            add(options.file, options.suite, run(test))


if __name__ == "__main__":
    sys.exit(main())
