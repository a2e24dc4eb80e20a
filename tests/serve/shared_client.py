# SPDX-License-Identifier: Apache-2.0
"""libtickmlp-client by ctypes."""
import ctypes
import os
import pathlib
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
    library.tickmlp_client_arm.argtypes = [pointer, number, number, long, pointer, pointer]
    library.tickmlp_client_key.argtypes, library.tickmlp_client_key.restype = [ctypes.c_char_p], long
    library.tickmlp_client_infer_keyed.argtypes = [pointer, number, long, pointer, ctypes.c_size_t, pointer, long,
                                                   pointer]
    library.tickmlp_client_window_open.argtypes = [pointer, number, long, pointer, pointer]
    library.tickmlp_client_window_close.argtypes, library.tickmlp_client_window_close.restype = [pointer, number], None
    library.tickmlp_client_window_reset.argtypes = [pointer, number, pointer, long, pointer]
    library.tickmlp_client_window_tick.argtypes = [pointer, number, pointer, pointer, long, pointer]
    library.tickmlp_client_window_send.argtypes = [pointer, number, pointer, pointer]
    library.tickmlp_client_window_advance.argtypes = [pointer, number, long, pointer]
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

    def arms(self, model: Model) -> list[str]:
        name, names = ctypes.create_string_buffer(64), []
        for arm in range(max(model.arms, 1)):
            self._check(self.library.tickmlp_client_arm(self.handle, model.handle, arm, SECOND, name,
                                                        ctypes.byref(self.error)), True)
            names.append(name.value.decode())
        return names

    def key(self, text: str) -> int:
        return self.library.tickmlp_client_key(text.encode())

    def _answered(self, status: int, outputs: numpy.ndarray, answer: Answer) -> tuple[numpy.ndarray, int]:
        assert status == 0 or (outputs == 77).all(), "outputs were touched by a call that failed"
        self.failed_state, self.arm = answer.failed_state, answer.arm
        self._check(status)
        return outputs, answer.generation

    def infer(self, model: Model, states: numpy.ndarray, deadline_ns: int = SECOND,
              key: int | None = None) -> tuple[numpy.ndarray, int]:
        """(outputs [states, outputs], the generation that answered)"""
        outputs, answer = numpy.full((len(states), model.outputs), 77, numpy.float32), Answer()
        rest = (states.ctypes.data, len(states), outputs.ctypes.data, deadline_ns, ctypes.byref(answer))
        if key is None:
            status = self.library.tickmlp_client_infer(self.handle, model.handle, *rest)
        else:
            status = self.library.tickmlp_client_infer_keyed(self.handle, model.handle, key, *rest)
        return self._answered(status, outputs, answer)

    def window(self, model: Model, key: int = 0) -> "Window":
        number = ctypes.c_uint32()
        self._check(self.library.tickmlp_client_window_open(self.handle, model.handle, key, ctypes.byref(number),
                                                            ctypes.byref(self.error)), True)
        return Window(self, model, number.value)

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


class Window:
    """Of a client: rows at the server."""

    def __init__(self, client: Client, model: Model, number: int):
        self.client, self.outputs, self.number = client, model.outputs, number
        self.library, self.generation, self.arm = client.library, 0, 0

    def _done(self, status: int, answer: Answer) -> None:
        self.client._check(status)
        self.generation, self.arm = answer.generation, answer.arm

    def reset(self, state: numpy.ndarray, deadline_ns: int = SECOND) -> None:
        answer = Answer()
        self._done(self.library.tickmlp_client_window_reset(self.client.handle, self.number, state.ctypes.data,
                                                            deadline_ns, ctypes.byref(answer)), answer)

    def tick(self, row: numpy.ndarray, deadline_ns: int = SECOND) -> numpy.ndarray:
        outputs, answer = numpy.full(self.outputs, 77, numpy.float32), Answer()
        status = self.library.tickmlp_client_window_tick(self.client.handle, self.number, row.ctypes.data,
                                                         outputs.ctypes.data, deadline_ns, ctypes.byref(answer))
        assert status == 0 or (outputs == 77).all(), "outputs were touched by a call that failed"
        self._done(status, answer)
        return outputs

    def send(self, row: numpy.ndarray) -> int:
        ticket = ctypes.c_uint64()
        self.client._check(self.library.tickmlp_client_window_send(self.client.handle, self.number, row.ctypes.data,
                                                                   ctypes.byref(ticket)))
        return ticket.value

    def advance(self, deadline_ns: int = SECOND) -> None:
        answer = Answer()
        self._done(self.library.tickmlp_client_window_advance(self.client.handle, self.number, deadline_ns,
                                                              ctypes.byref(answer)), answer)

    def close(self) -> None:
        self.library.tickmlp_client_window_close(self.client.handle, self.number)


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
