# SPDX-License-Identifier: Apache-2.0
"""Stops one thread of another process, as no signal can: SIGSTOP stops them all."""
import contextlib
import ctypes
import os
import pathlib

SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000


def thread_id(process: int, name: str) -> int:
    for task in pathlib.Path(f"/proc/{process}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(task.name)
    raise AssertionError(f"no thread {name}")


@contextlib.contextmanager
def stopped(thread: int):
    """While it lasts, that thread runs no instruction. Needs a kernel that lets a parent trace its children."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long

    def trace(request: int) -> None:
        if libc.ptrace(request, thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    trace(SEIZE)
    trace(INTERRUPT)
    os.waitpid(thread, WALL)
    try:
        yield
    finally:
        trace(DETACH)
