# SPDX-License-Identifier: Apache-2.0
"""What the compilers made of it: symbols and instructions of the native release build."""
import os
import pathlib
import platform
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TICKMLP_BUILD", ROOT / "build"))
LIBRARY = BUILD / "runtime" / "libtickmlp.a"

pytestmark = [
    pytest.mark.skipif(not LIBRARY.is_file(), reason=f"no library at {LIBRARY}: build it, or set TICKMLP_BUILD"),
    pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump (Debian package binutils)"),
]
x86_only = pytest.mark.skipif(platform.machine() != "x86_64", reason="x86-64 instructions")

KERNEL_OBJECT = re.compile(r"(int8|float32_\w+|scalar(_heads)?|table)\.cc\.o$")
# The library never prints, ends the process, throws, or allocates behind the allocator's back.
FORBIDDEN = {"printf", "fprintf", "vprintf", "puts", "fputs", "fwrite", "perror", "exit", "_exit", "abort",
             "__assert_fail", "__cxa_throw", "__cxa_begin_catch", "_Znwm", "_Znam", "_ZdlPv", "fopen", "dlopen",
             "signal", "sigaction", "mallopt", "pthread_mutex_lock", "getenv", "system", "fork"}
# The slot's lock: publishers and readers that come and go take it, the readers' hot path never does.
LOAD_TIME_LOCKS = {(f"swap_{name}.cc.o", "pthread_mutex_lock") for name in ("publish", "readers", "status", "swap")}


def symbols(path: pathlib.Path) -> list[tuple[str, str, str]]:
    """(object, kind letter, name) of every symbol of an archive."""
    text = subprocess.run(["nm", "-A", path], check=True, capture_output=True, text=True).stdout
    rows = re.findall(r"^\S*?:?([\w.\-]+\.o):\s*[0-9a-f]*\s+(\w) (\S+)$", text, re.M)
    assert len(rows) > 50, "nm gave next to nothing"
    return rows


def disassembly(path: pathlib.Path) -> dict[str, list[tuple[int, str]]]:
    """Demangled name -> the address and text of its instructions."""
    command = ["objdump", "-dC", "--no-show-raw-insn", path]
    found, name = {}, None
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        if match := re.match(r"^[0-9a-f]+ <(.*)>:$", line):
            name = match.group(1)
            found[name] = []
        elif name and (match := re.match(r"^\s+([0-9a-f]+):\s+(\S.*)$", line)):
            found[name].append((int(match.group(1), 16), match.group(2)))
    return found


@pytest.fixture(scope="module")
def addressed() -> dict[str, list[tuple[int, str]]]:
    return disassembly(LIBRARY)


@pytest.fixture(scope="module")
def code(addressed) -> dict[str, list[str]]:
    return {name: [text for _, text in body] for name, body in addressed.items()}


def test_the_library_asks_for_nothing_it_must_not_use():
    undefined = {name for row, kind, name in symbols(LIBRARY) if kind in "Uw" and (row, name) not in LOAD_TIME_LOCKS}
    assert "SHA256_Update" in undefined  # the list is real
    assert not undefined & FORBIDDEN
    assert not {name for name in undefined if name.startswith(("_ZSt", "_ZNSt", "_ZNKSt", "mi_", "_ZN3hwy"))}


def test_instruction_set_files_share_no_symbol():
    """A weak symbol built with AVX-512 could be the one the linker keeps for a CPU without it."""
    weak = [(row, kind, name) for row, kind, name in symbols(LIBRARY)
            if kind in "WVu" and KERNEL_OBJECT.search(row) and not name.startswith("DW.ref")]
    assert weak == []
    assert any(KERNEL_OBJECT.search(row) for row, _, _ in symbols(LIBRARY))


@x86_only
def test_no_vex_encoded_dot_product(code):
    """AVX-VNNI stands in Highway's target string, and is an illegal instruction on Ice Lake and Zen 4."""
    lines = [line for body in code.values() for line in body]
    assert sum("vpdpbusd" in line for line in lines) > 100
    assert not [line for line in lines if "vpdp" in line and ("{vex}" in line or "%zmm" not in line)]


def inner_loops(body: list[tuple[int, str]], instruction: str) -> list[list[str]]:
    """The innermost loops that hold `instruction`: from the target of a jump backwards to the jump. The compiler may
    make several of one, for the strip that quantises on its way and for those that do not."""
    places = {address: i for i, (address, _) in enumerate(body)}
    spans = []
    for end, (address, text) in enumerate(body):
        jump = re.match(r"j\w+ +([0-9a-f]+) ", text)
        begin = places.get(int(jump.group(1), 16)) if jump else None
        lines = [line for _, line in body[begin:end]] if begin is not None and begin <= end else []
        if any(line.startswith(instruction) for line in lines) and not any(line.startswith("ret") for line in lines):
            spans.append((begin, end))
    innermost = [(b, e) for b, e in spans if not any((b, e) != (c, d) and b <= c and d <= e for c, d in spans)]
    return [[text for _, text in body[begin:end + 1]] for begin, end in innermost]


@x86_only
@pytest.mark.parametrize("function, instruction", [
    ("N_AVX3_DL::(anonymous namespace)::long_part<14u, true>", "vpdpbusd"),
    ("N_AVX3_DL::(anonymous namespace)::long_part<14u, false>", "vpdpbusd"),
    ("N_AVX3_DL::(anonymous namespace)::update_part<14u>", "vpdpbusd"), ("Layer1>::part<14u>", "vfmadd231ps")])
def test_the_hot_loop_is_fourteen_multiply_adds_and_little_else(addressed, function, instruction):
    """Tactical: 14 groups. Besides them a broadcast, two pointer steps, a compare and a jump: no spill, no copy."""
    loops = inner_loops(next(body for name, body in addressed.items() if function in name), instruction)
    loops = [loop for loop in loops if len(loop) <= 30]  # longer ones are layer 2, whose branches go back and forth
    assert loops
    for loop in loops:
        assert sum(line.startswith(instruction) for line in loop) == 14, loop
        assert len(loop) <= 14 + 6, loop
        assert not [line for line in loop if "vmov" in line or "(%rsp)" in line or "(%rbp)" in line], loop


@x86_only
@pytest.mark.parametrize("function, instruction", [
    ("N_AVX3_DL::(anonymous namespace)::batch_block<3u, 8u>", "vpdpbusd"), ("Layer1>::block<3u, 8u>", "vfmadd231ps")])
def test_the_batch_loop_is_24_multiply_adds_and_11_loads(addressed, function, instruction):
    """3 groups x 8 states: 3 loads of weights and 8 broadcasts; no sum is spilled (some are renamed, which is free)."""
    loops = inner_loops(next(body for name, body in addressed.items() if function in name), instruction)
    assert loops
    for loop in loops:
        moves = [line for line in loop if "vmov" in line and "(" in line]
        assert sum(line.startswith(instruction) for line in loop) == 24, loop
        assert sum("broadcast" in line for line in loop) == 8 and len(moves) == 3, loop
        assert not [line for line in loop if "(%rsp" in line or "(%rbp" in line], loop


@x86_only
def test_the_scalar_kernel_is_scalar(code):
    bodies = {name: body for name, body in code.items() if "tickmlp::scalar::" in name}
    assert bodies
    packed = re.compile(r"v?(mul|add|div|max|min|fmadd\w*)ps\b|.*%[yz]mm")
    assert not [line for body in bodies.values() for line in body if packed.match(line)]
