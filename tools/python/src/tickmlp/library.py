# SPDX-License-Identifier: Apache-2.0
"""libtickmlp.so and the C interface of tickmlp.h, as ctypes sees them."""
import ctypes
import os
from ctypes import POINTER, Structure, c_char, c_char_p, c_double, c_float, c_int, c_size_t, c_uint8, c_uint32, c_uint64
from ctypes import c_void_p
from pathlib import Path
from typing import Callable, NamedTuple, Optional

ELEMENT_TYPES = {1: "int8", 2: "float32"}
LOCKS = ("unlocked", "locked-pages", "locked-huge-page")


class CError(Structure):
    _fields_ = [("status", c_int), ("message", c_char * 248)]


class CKernelInfo(Structure):
    _fields_ = [("name", c_char_p), ("isa", c_char_p), ("type", c_int), ("available", c_int), ("chosen", c_int)]


class CLoadOptions(Structure):
    _fields_ = [("kernel", c_char_p), ("mode", c_int), ("require_locked", c_int), ("allocator", c_void_p)]


class CHeadInfo(Structure):
    _fields_ = [("name", c_char_p), ("hidden", c_uint32), ("outputs", c_uint32), ("output_begin", c_uint32),
                ("activation", c_int), ("clamp_low", c_float), ("clamp_high", c_float), ("largest_error", c_double),
                ("mean_error", c_double), ("argmax_agreement", c_double), ("argmax_low", c_double),
                ("argmax_high", c_double), ("output_magnitude", c_double)]


class CModelInfo(Structure):
    _fields_ = [("name", c_char_p), ("run_id", c_char_p), ("exporter", c_char_p), ("kernel", c_char_p),
                ("type", c_int), ("inputs", c_uint32), ("outputs", c_uint32), ("heads", c_uint32),
                ("lanes", c_uint32), ("window_rows", c_uint32), ("window_columns", c_uint32),
                ("feature_count", c_uint32), ("generation", c_uint64), ("structure_hash", c_uint64),
                ("blob_bytes", c_uint64), ("weight_bytes", c_uint64), ("accuracy_states", c_uint64),
                ("clipped_inputs", c_uint64), ("blob_sha256", c_uint8 * 32), ("source_sha256", c_uint8 * 32),
                ("calibration_sha256", c_uint8 * 32), ("lock", c_int), ("owned_by_other", c_int),
                ("weights", c_void_p), ("kept_inputs", c_uint32)]


class CSessionOptions(Structure):
    _fields_ = [("non_finite", c_int), ("promise_default_float_environment", c_int)]


class CCounters(Structure):
    _fields_ = [("inferences", c_uint64), ("refused", c_uint64), ("clipped", c_uint64), ("flushed", c_uint64)]


HANDLE, ERROR = c_void_p, POINTER(CError)
# name: result, arguments. Arrays of floats are passed as addresses.
SIGNATURES: dict[str, tuple] = {
    "tickmlp_version": (c_char_p, []),
    "tickmlp_status_name": (c_char_p, [c_int]),
    "tickmlp_kernel_count": (c_size_t, []),
    "tickmlp_kernel_get": (c_int, [c_size_t, POINTER(CKernelInfo)]),
    "tickmlp_model_load": (c_int, [c_char_p, POINTER(CLoadOptions), POINTER(HANDLE), ERROR]),
    "tickmlp_model_load_bytes": (c_int, [c_char_p, c_size_t, POINTER(CLoadOptions), POINTER(HANDLE), ERROR]),
    "tickmlp_model_free": (None, [HANDLE]),
    "tickmlp_model_describe": (POINTER(CModelInfo), [HANDLE]),
    "tickmlp_model_head": (c_int, [HANDLE, c_uint32, POINTER(CHeadInfo)]),
    "tickmlp_model_feature": (c_int, [HANDLE, c_uint32, POINTER(c_char_p), POINTER(c_float), POINTER(c_float)]),
    "tickmlp_session_create": (c_int, [HANDLE, POINTER(CSessionOptions), POINTER(HANDLE), ERROR]),
    "tickmlp_session_free": (None, [HANDLE]),
    "tickmlp_infer_batch": (c_int, [HANDLE, c_void_p, c_size_t, c_void_p, POINTER(c_size_t)]),
    "tickmlp_session_counters": (None, [HANDLE, POINTER(CCounters)]),
    "tickmlp_window_create": (c_int, [HANDLE, POINTER(CSessionOptions), POINTER(HANDLE), ERROR]),
    "tickmlp_window_free": (None, [HANDLE]),
    "tickmlp_window_reset": (c_int, [HANDLE, c_void_p, c_size_t]),
    "tickmlp_window_tick": (c_int, [HANDLE, c_void_p, c_size_t, c_void_p, c_size_t]),
    "tickmlp_window_advance": (c_int, [HANDLE]),
    "tickmlp_window_counters": (None, [HANDLE, POINTER(CCounters)]),
}


def _open() -> ctypes.CDLL:
    """The library inside the wheel; TICKMLP_LIBRARY names another one, for who builds both."""
    library = ctypes.CDLL(os.environ.get("TICKMLP_LIBRARY", str(Path(__file__).with_name("libtickmlp.so"))))
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


C = _open()


class Error(Exception):
    """What the library refused. `status` is its name, "blob-digest"; the text says what was seen and expected;
    `index` is the state or window of a batch that was refused (those before it are done)."""

    def __init__(self, status: str, message: str, index: Optional[int] = None):
        super().__init__(f"{status}: {message}" if message else status)
        self.status = status
        self.message = message
        self.index = index


def status_name(code: int) -> str:
    return C.tickmlp_status_name(code).decode()


def create(call: Callable[..., int], *arguments: object) -> c_void_p:
    """The handle that a load or creation gives, or its error raised."""
    handle, error = c_void_p(), CError()
    code = call(*arguments, ctypes.byref(handle), ctypes.byref(error))
    if code != 0:
        raise Error(status_name(code), error.message.decode(errors="replace"))
    return handle


class Kernel(NamedTuple):
    """An entry of the kernel table."""
    name: str
    isa: str
    dtype: str
    available: bool
    chosen: bool


def kernels() -> list[Kernel]:
    """The kernel table of this build, and what of it this CPU can run."""
    found = []
    for index in range(C.tickmlp_kernel_count()):
        info = CKernelInfo()
        C.tickmlp_kernel_get(index, ctypes.byref(info))
        found.append(Kernel(info.name.decode(), info.isa.decode(), ELEMENT_TYPES[info.type], bool(info.available),
                            bool(info.chosen)))
    return found


def version() -> str:
    return C.tickmlp_version().decode()
