# SPDX-License-Identifier: Apache-2.0
"""Models, sessions and windows as Python objects over the C library's handles.

A call gives the GIL back while the library computes. Every object takes its own lock for it, so any thread may call any
object; threads that are to run side by side take a session each."""
import ctypes
import os
import threading
import weakref
from typing import NoReturn, Optional, Union

import numpy as np
import numpy.typing as npt

from .library import (C, CCounters, CHeadInfo, CLoadOptions, CSessionOptions, ELEMENT_TYPES, LOCKS, Error, create,
                      status_name)
from .values import Counters, Floats, Head, Info, c_string, choice, contiguous, floats, results

MODES = {"copy": 0, "mapped": 1}
NON_FINITE = {"strict": 0, "flush": 1}
REPLAY_CHUNK = 1024  # windows that are laid out for one batch: 1.7 MB for 420 inputs
# The calls of the hot path give a status and no sentence.
WINDOW_SENTENCES = {"window-empty": "no rows yet; expected reset() first",
                    "non-finite-input": "NaN or infinity among the inputs; expected finite ones or a \"flush\" window",
                    "non-finite-output": "a logit overflowed float32; expected finite ones"}


class _Handle:
    """A C object, freed once: by close(), by leaving a `with` block, or with the last reference to it."""

    def __init__(self, handle: ctypes.c_void_p, free):
        self._handle = handle
        self._free = free
        self._lock = threading.Lock()

    def _open(self) -> ctypes.c_void_p:
        """Under the lock."""
        if not self._handle:
            raise ValueError(f"this {type(self).__name__.lower()} is closed")
        return self._handle

    def close(self) -> None:
        with self._lock:
            handle, self._handle = self._handle, None
            if handle:
                self._free(handle)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __del__(self):
        if getattr(self, "_handle", None):
            self.close()


class _OfModel(_Handle):
    """A session or window. It keeps its model alive, unless it is the model's own; a model closes it before itself."""

    def __init__(self, model: "Model", make, free, count, non_finite: str, own: bool = False):
        options = CSessionOptions(choice(NON_FINITE, non_finite, "non_finite"), 0)
        with model._lock:
            super().__init__(create(make, model._open(), ctypes.byref(options)), free)
            model._children.add(self)
        self._model = None if own else model
        self._info = model.info
        self._count = count

    @property
    def counters(self) -> Counters:
        """Inferences that gave an output, refused ones, input elements clipped (int8) and flushed."""
        found = CCounters()
        with self._lock:
            self._count(self._open(), ctypes.byref(found))
        return Counters(found.inferences, found.refused, found.clipped, found.flushed)


class Session(_OfModel):
    """The scratch of one thread."""

    def __init__(self, model: "Model", non_finite: str, own: bool = False):
        super().__init__(model, C.tickmlp_session_create, C.tickmlp_session_free, C.tickmlp_session_counters,
                         non_finite, own)

    def infer(self, states: npt.ArrayLike, out: Optional[Floats] = None) -> Floats:
        """States [inputs] or [n, inputs] to outputs [outputs] or [n, outputs] float32, written to `out` where given.
        The same bits as tickmlp_infer() for each alone. Error: the status and the first state that was refused."""
        inputs, single = floats(states, self._info.inputs, "states")
        outputs = results(out, (self._info.outputs,) if single else (len(inputs), self._info.outputs))
        source, target = inputs.ctypes.data, outputs.ctypes.data
        if source < target + outputs.nbytes and target < source + inputs.nbytes:  # the C batch may not overlap
            inputs = inputs.copy()
            source = inputs.ctypes.data
        done = ctypes.c_size_t()
        with self._lock:
            code = C.tickmlp_infer_batch(self._open(), source, len(inputs), target, ctypes.byref(done))
        if code != 0:
            raise Error(status_name(code), f"state {done.value}{_why(inputs[done.value])}; those before it are done",
                        done.value)
        return outputs


def _why(state: Floats) -> str:
    """What a refused state holds that is not finite, if anything."""
    bad = np.flatnonzero(~np.isfinite(state))
    return f" has {state[bad[0]]} as input {bad[0]}, expected finite numbers" if len(bad) else ""


class Window(_OfModel):
    """The tick path of one thread: the rows, and the kept sums of all but the newest."""

    def __init__(self, model: "Model", non_finite: str):
        super().__init__(model, C.tickmlp_window_create, C.tickmlp_window_free, C.tickmlp_window_counters, non_finite)

    def reset(self, state: npt.ArrayLike) -> None:
        """Takes all rows, oldest first: [inputs] or [rows, columns]."""
        values = contiguous(state)
        with self._lock:
            code = C.tickmlp_window_reset(self._open(), values.ctypes.data, values.size)
        if code != 0:
            rows, columns = self._info.window
            self._refused(code, f"state of shape {values.shape}; expected [{rows * columns}] or [{rows}, {columns}]")

    def tick(self, row: npt.ArrayLike, out: Optional[Floats] = None) -> Floats:
        """The newest row [columns] is this now: outputs [outputs]."""
        values = contiguous(row)
        outputs = results(out, (self._info.outputs,))
        with self._lock:
            code = C.tickmlp_window_tick(self._open(), values.ctypes.data, values.size, outputs.ctypes.data,
                                         outputs.size)
        if code != 0:
            self._refused(code, f"row of shape {values.shape}; expected [{self._info.window[1]}]")
        return outputs

    def advance(self) -> None:
        """The bar has closed: the window moves by one row."""
        with self._lock:
            code = C.tickmlp_window_advance(self._open())
        if code != 0:
            self._refused(code, "")

    @staticmethod
    def _refused(code: int, counts: str) -> NoReturn:
        status = status_name(code)
        raise Error(status, counts if status == "input-count" else WINDOW_SENTENCES.get(status, ""))


class Model(_Handle):
    """A verified model, from a path or from the bytes of a blob. `kernel` forces one by name; `mode` is "copy" (to
    private, locked memory) or "mapped" (the file's own pages). Raises Error with the name of what was refused."""

    def __init__(self, blob: Union[str, os.PathLike, bytes], kernel: Optional[str] = None, mode: str = "copy",
                 require_locked: bool = False):
        options = CLoadOptions(c_string(kernel.encode(), "kernel") if kernel else None, choice(MODES, mode, "mode"),
                               require_locked, None)
        self._children: weakref.WeakSet = weakref.WeakSet()
        if isinstance(blob, bytes):
            handle = create(C.tickmlp_model_load_bytes, blob, len(blob), ctypes.byref(options))
        else:
            handle = create(C.tickmlp_model_load, c_string(os.fsencode(blob), "blob"), ctypes.byref(options))
        super().__init__(handle, C.tickmlp_model_free)
        self.info = self._describe()
        self._session = Session(self, "strict", own=True)

    def _describe(self) -> Info:
        c = C.tickmlp_model_describe(self._handle).contents
        heads = []
        for index in range(c.heads):
            head = CHeadInfo()
            C.tickmlp_model_head(self._handle, index, ctypes.byref(head))
            heads.append(Head(head.name.decode(), head.hidden,
                              slice(head.output_begin, head.output_begin + head.outputs),
                              "softmax" if head.activation else "identity", (head.clamp_low, head.clamp_high)))
        window = (c.window_rows, c.window_columns) if c.window_rows else None
        return Info(c.name.decode(), ELEMENT_TYPES[c.type], c.kernel.decode(), c.inputs, c.outputs, window,
                    tuple(heads), c.generation, c.run_id.decode(), bytes(c.blob_sha256).hex(), LOCKS[c.lock])

    def session(self, non_finite: str = "strict") -> Session:
        """A session of its own; "flush" turns NaN to 0 and infinities to the largest float, and counts them."""
        return Session(self, non_finite)

    def window(self, non_finite: str = "strict") -> Window:
        """A window of its own. Error no-window where the model was exported without one."""
        return Window(self, non_finite)

    def infer(self, states: npt.ArrayLike, out: Optional[Floats] = None) -> Floats:
        """Session.infer() of the model's own strict session."""
        return self._session.infer(states, out)

    def replay(self, bars: npt.ArrayLike, out: Optional[Floats] = None) -> Floats:
        """A history [bars, columns], oldest first, to [bars - rows + 1, outputs]: one line for each bar at which a
        window is full, the bits of the tick path. A refusal names the window, whose first bar has that number."""
        if self.info.window is None:
            raise Error("no-window", f"{self.info.name} was exported without a window")
        rows, columns = self.info.window
        history = contiguous(bars)
        if history.ndim != 2 or len(history) < rows or history.shape[1] != columns:
            raise Error("input-count", f"bars of shape {history.shape}; expected [{rows} or more, {columns}]")
        windows = np.lib.stride_tricks.sliding_window_view(history.reshape(-1), self.info.inputs)[::columns]
        outputs = results(out, (len(windows), self.info.outputs))
        for begin in range(0, len(windows), REPLAY_CHUNK):
            end = min(begin + REPLAY_CHUNK, len(windows))
            try:
                self._session.infer(windows[begin:end], outputs[begin:end])
            except Error as error:
                first = begin + error.index
                raise Error(error.status, f"window {first}{_why(windows[first])}; those before it are done",
                            first) from None
        return outputs

    def close(self) -> None:
        """Closes its sessions and windows, then itself."""
        with self._lock:
            handle, self._handle = self._handle, None
        for child in list(self._children):
            child.close()
        if handle:
            self._free(handle)
