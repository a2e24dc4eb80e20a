# SPDX-License-Identifier: Apache-2.0
"""libtickmlp-client by ctypes, and the bare protocol for clients that do not behave."""
import ctypes
import mmap
import os
import pathlib
import socket
import struct
import time

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECOND = 10**9
CLIENT = pathlib.Path(os.environ.get("TICKMLP_BUILD", ROOT / "build")) / "tools/serve/client"


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 248)]


class Options(ctypes.Structure):
    _fields_ = [("slots", ctypes.c_uint32), ("input_floats", ctypes.c_uint32), ("output_floats", ctypes.c_uint32),
                ("connect_ns", ctypes.c_uint64)]


class Model(ctypes.Structure):
    _fields_ = [("handle", ctypes.c_uint32), ("inputs", ctypes.c_uint32), ("outputs", ctypes.c_uint32),
                ("generation", ctypes.c_uint64), ("window_rows", ctypes.c_uint32),
                ("window_columns", ctypes.c_uint32), ("arms", ctypes.c_uint32)]


class Answer(ctypes.Structure):
    _fields_ = [("generation", ctypes.c_uint64), ("failed_state", ctypes.c_uint32), ("arm", ctypes.c_uint32)]


class Refused(Exception):
    """Its first argument is the status by name, its second the sentence, "" where the call gives none."""


def load_library():
    library = ctypes.CDLL(str(CLIENT / "libtickmlp-client.so"))
    pointer, number, long = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
    library.tickmlp_client_status_name.restype = ctypes.c_char_p
    library.tickmlp_client_open.argtypes = [ctypes.c_char_p, pointer, pointer, pointer]
    library.tickmlp_client_close.argtypes = [pointer]
    library.tickmlp_client_find.argtypes = [pointer, ctypes.c_char_p, long, long, pointer, pointer]
    library.tickmlp_client_list.argtypes = [pointer, number, long, ctypes.c_char_p, pointer]
    library.tickmlp_client_infer.argtypes = [pointer, number, pointer, ctypes.c_size_t, pointer, long, pointer]
    library.tickmlp_client_send.argtypes = [pointer, number, pointer, ctypes.c_size_t, pointer]
    library.tickmlp_client_receive.argtypes = [pointer, long, pointer, long, pointer]
    library.tickmlp_client_forget.argtypes = [pointer, long]
    return library


class Client:
    library = None

    def __init__(self, path: pathlib.Path, **options: int):
        Client.library = Client.library or load_library()
        self.handle, self.error = ctypes.c_void_p(), Error()
        self._check(self.library.tickmlp_client_open(str(path).encode(), ctypes.byref(Options(**options)),
                                                     ctypes.byref(self.handle), ctypes.byref(self.error)), True)

    def _check(self, status: int, told: bool = False) -> None:
        if status:
            raise Refused(self.library.tickmlp_client_status_name(status).decode(),
                          self.error.message.decode() if told else "")

    def close(self) -> None:
        self.library.tickmlp_client_close(self.handle)
        self.handle = ctypes.c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def find(self, name: str, generation: int = 0, deadline_ns: int = SECOND) -> Model:
        model = Model()
        self._check(self.library.tickmlp_client_find(self.handle, name.encode(), generation, deadline_ns,
                                                     ctypes.byref(model), ctypes.byref(self.error)), True)
        return model

    def names(self) -> list[str]:
        names, name = [], ctypes.create_string_buffer(64)
        while True:
            try:
                self._check(self.library.tickmlp_client_list(self.handle, len(names), SECOND, name,
                                                             ctypes.byref(self.error)), True)
            except Refused as refused:
                assert refused.args[0] == "no-model"
                return names
            names.append(name.value.decode())

    def infer(self, model: Model, states: numpy.ndarray, deadline_ns: int = SECOND) -> tuple[numpy.ndarray, int]:
        """(outputs [states, outputs], the generation that answered)"""
        outputs, answer = numpy.full((len(states), model.outputs), 77, numpy.float32), Answer()
        status = self.library.tickmlp_client_infer(self.handle, model.handle, states.ctypes.data, len(states),
                                                   outputs.ctypes.data, deadline_ns, ctypes.byref(answer))
        assert status == 0 or (outputs == 77).all(), "outputs were touched by a call that failed"
        self.failed_state = answer.failed_state
        self._check(status)
        return outputs, answer.generation

    def send(self, model: Model, states: numpy.ndarray) -> int:
        ticket = ctypes.c_uint64()
        self._check(self.library.tickmlp_client_send(self.handle, model.handle, states.ctypes.data, len(states),
                                                     ctypes.byref(ticket)))
        return ticket.value

    def receive(self, model: Model, ticket: int, states: int, deadline_ns: int = SECOND) -> numpy.ndarray:
        outputs = numpy.empty((states, model.outputs), numpy.float32)
        self._check(self.library.tickmlp_client_receive(self.handle, ticket, outputs.ctypes.data, deadline_ns, None))
        return outputs

    def forget(self, ticket: int) -> None:
        self.library.tickmlp_client_forget(self.handle, ticket)


def connect(path: pathlib.Path) -> Client:
    """As soon as there is a place."""
    end = time.monotonic() + 20
    while True:
        try:
            return Client(path)
        except Refused:
            assert time.monotonic() < end
            time.sleep(0.005)


def figures(server) -> tuple[int, int]:
    """(descriptors, resident KiB) of the server"""
    folder = pathlib.Path(f"/proc/{server.process.pid}")
    resident = next(line for line in (folder / "status").read_text().splitlines() if line.startswith("VmRSS"))
    return len(list((folder / "fd").iterdir())), int(resident.split()[1])


def settle(server, descriptors: int) -> tuple[int, int]:
    """The figures, once the server has noticed who went."""
    end = time.monotonic() + 10
    while figures(server)[0] != descriptors and time.monotonic() < end:
        time.sleep(0.01)
    return figures(server)


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
