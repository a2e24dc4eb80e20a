# SPDX-License-Identifier: Apache-2.0
"""One npy array from bytes: no pickle, and nothing allocated before the header was held against the data."""

from __future__ import annotations

import io
import math

import numpy as np

from .errors import ExportError


def read_npy(data: bytes, what: str) -> np.ndarray:
    """The array, as a read-only view of `data`. `what` names it in errors: damaged-npy, object-array."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise ValueError(f"npy version {version}")
    except Exception as error:  # numpy's header parser raises ValueError, SyntaxError, TypeError, KeyError, ...
        text = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise ExportError("damaged-npy", f"{what}: {text}, expected an npy array") from None
    if dtype.hasobject:
        raise ExportError("object-array", f"{what} holds Python objects, expected numbers (a pickle is never read)")
    body = memoryview(data)[stream.tell():]
    expected = math.prod(shape) * dtype.itemsize
    if any(n < 0 for n in shape) or len(body) != expected:
        raise ExportError("damaged-npy", f"{what} has {len(body)} bytes of data, expected {expected} for "
                          f"{list(shape)} of {dtype}")
    flat = np.frombuffer(body, dtype=dtype) if expected else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if fortran else "C")
