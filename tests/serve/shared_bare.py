# SPDX-License-Identifier: Apache-2.0
"""The protocol of shared memory by hand, for clients that do not behave."""
import mmap
import os
import pathlib
import socket
import struct

MAGIC, HELLO, WELCOME, REFUSED, RESOLVE, RESOLVED, LIST, LISTED, WAKE = 0x324d4854, 1, 2, 3, 4, 5, 6, 7, 8
MESSAGE = struct.Struct("<2I3I4I5IQ192s")  # shared/layout.h


class Bare:
    """The protocol by hand: sends what it is told to, and has the ring's memory."""

    def __init__(self, path: pathlib.Path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.ring = self.descriptor = None

    def say(self, kind: int, geometry=(0, 0, 0), handle=0, inputs=0, generation=0, text=b"", magic=MAGIC) -> None:
        self.socket.send(MESSAGE.pack(magic, kind, *geometry, handle, 0, inputs, 0, 0, 0, 0, 0, 0, generation, text))

    def hear(self):
        """The message's fields, None where the server has closed."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.socket, MESSAGE.size, 1)
        except ConnectionResetError:
            return None
        if descriptors:
            self.descriptor = descriptors[0]
        return MESSAGE.unpack(data) if data else None

    def attach(self, slots=4, input_floats=1024, output_floats=64):
        self.say(HELLO, (slots, input_floats, output_floats))
        assert self.hear()[1] == WELCOME
        self.ring = mmap.mmap(self.descriptor, os.fstat(self.descriptor).st_size)
        return self

    def resolve(self, name: bytes, handle: int = 0):
        self.say(RESOLVE, handle=handle, text=name)
        return self.hear()

    def close(self) -> None:
        self.socket.close()
        if self.ring is not None:
            self.ring.close()
            os.close(self.descriptor)
