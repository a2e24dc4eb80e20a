# SPDX-License-Identifier: Apache-2.0
"""Test results: one line a case in a tab-separated file (status, suite, case, why), counted from what really ran.

usage: results.py add FILE SUITE STATUS CASE [WHY...]   one result that a shell suite found by itself
       results.py junit FILE SUITE JUNIT.xml         every case of a JUnit file
       results.py count FILE SUITE                   how many cases of that suite are in the file
       results.py close FILE                         reasons, failures and the total; exit 1 if any failed
"""
import re
import sys
import xml.etree.ElementTree as xml
from collections import Counter, namedtuple
from pathlib import Path

STATUSES = ("passed", "failed", "skipped")
Case = namedtuple("Case", "status name why")


def one_line(text):
    return " ".join((text or "").split())


def read_junit(path):
    """The cases of a JUnit file (pytest's or doctest's), each counted once whatever it reports."""
    cases = []
    for case in xml.parse(path).getroot().iter("testcase"):
        name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        skipped = case.find("skipped")
        if bad is not None:
            # pytest puts the assertion in `message`; doctest says only CHECK there and the rest in the text.
            message = bad.get("message") or ""
            text = bad.text if message in ("", "exception", "collection failure") or bad.get("type") else message
            cases.append(Case("failed", name, one_line(text or message)[:600]))
        elif skipped is not None:
            # For a module that is skipped as a whole the reason is at the end of a tuple in the text.
            message = skipped.get("message") or ""
            why = re.sub(r".*Skipped: |['\"]\)$", "", skipped.text) if message == "collection skipped" else message
            cases.append(Case("skipped", name, one_line(why) or "no reason given"))
        else:
            cases.append(Case("passed", name, ""))
    return cases


def add(path, suite, cases):
    with open(path, "a", encoding="utf-8") as file:
        for case in cases:
            assert case.status in STATUSES, case
            file.write("\t".join((case.status, suite, one_line(case.name), one_line(case.why))) + "\n")


def read(path):
    text = Path(path).read_text(encoding="utf-8") if Path(path).exists() else ""
    return [line.split("\t") for line in text.splitlines()]


def close(path):
    rows = read(path)
    for status, title in (("skipped", "SKIP"), ("failed", "FAIL")):
        for _, suite, name, why in (row for row in rows if row[0] == status):
            print(f"{title} {suite}: {name}: {why}")
    total = Counter(row[0] for row in rows)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] else 0


def main(arguments):
    command, path, rest = arguments[0], arguments[1], arguments[2:]
    if command == "add":
        add(path, rest[0], [Case(rest[1], rest[2], " ".join(rest[3:]))])
    elif command == "junit":
        add(path, rest[0], read_junit(rest[1]))
    elif command == "count":
        print(sum(row[1] == rest[0] for row in read(path)))
    elif command == "close":
        return close(path)
    else:
        raise SystemExit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
