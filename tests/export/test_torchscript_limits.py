# SPDX-License-Identifier: Apache-2.0
"""Archives of a few KB that ask for years of work or terabytes: refused within seconds and within 3 GiB."""

import resource
import subprocess
import sys

import numpy as np
import pytest
from helpers import TOOL, named, pickle_of, random_weights, script_records, text, zip_of

TIMEOUT, MEMORY = 10, 3 << 30
W1 = random_weights(20, 12)
HUGE = "    e = torch.expand(CONSTANTS.c1, [60000000])\n"


def doubled(first, line):
    return f"    n0 = {first}\n" + "".join(f"    n{i + 1} = {line.format(n=f'n{i}')}\n" for i in range(40))


CASES = {
    "list of the same list": (doubled("[x]", "[{n}, {n}]") + "    y = torch.len(n40)\n    return x", "too-many-steps"),
    "the same, returned": (doubled("[x]", "[{n}, {n}]") + "    return n40", "too-many-steps"),
    "integer squared": (doubled("3", "torch.mul({n}, {n})") + "    return x", "wrong-shape"),
    "list doubled": (doubled("[1]", "torch.add({n}, {n})") + "    return x", "too-many-steps"),
    "unbind": (HUGE + "    l = torch.unbind(e)\n    return x", "too-many-steps"),
    "split": (HUGE + "    l = torch.split(e, 1)\n    return x", "too-many-steps"),
    "many large products": (HUGE + "    for i in range(19000):\n      y = torch.mul(e, 2.)\n    return x",
                            "too-many-steps"),
    "range as sizes": ("    y = torch.reshape(x, range(1000000000))\n    return x", "too-many-steps"),
}


def refused(source, name):
    """Run the tool with limits of time and memory of its own."""
    done = subprocess.run([sys.executable, str(TOOL), str(source), "-o", str(source) + ".blob"], capture_output=True,
                          text=True, timeout=TIMEOUT,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)))
    assert done.returncode == 4 and done.stderr.startswith(f"weight_export: error {name}: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("case", CASES)
def test_work_is_bounded(tmp_path, case):
    body, name = CASES[case]
    records = script_records(body, [W1, np.zeros(1, np.float32)])
    refused(zip_of(tmp_path / "m.pt", records), name)


def test_nested_attribute(tmp_path):
    """A pickled list that holds the list before it twice, 40 deep."""
    lists = text("l0") + b"]q\x00"
    for i in range(40):
        lists += text(f"l{i + 1}") + b"](h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1])
    data = pickle_of(named("__torch__", "Net") + b")\x81}(" + lists + b"ub")
    records = script_records("    y = self.l40\n    return x", [W1], data_pickle=data)
    refused(zip_of(tmp_path / "m.pt", records), "too-many-steps")
