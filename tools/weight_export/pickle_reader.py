# SPDX-License-Identifier: Apache-2.0
"""Reads the pickles inside torch archives without Python's unpickler: nothing named in the file is ever imported,
looked up or called.

A pickle is a small stack program. The operations torch writes are carried out here on inert values; a callable is
only a name, and `REDUCE` looks that name up in a table of six harmless builders. Everything else is refused by name
before the first operation is carried out.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator

from .errors import ExportError
from .tensors import STORAGE_TYPES, QuantisedTensor, Storage, Tensor

MAX_PICKLE_BYTES = 8 << 20
PUSHED = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"}
SILENT = {"PROTO", "FRAME"}
STRUCTURE = {"STOP", "MARK", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "GLOBAL", "STACK_GLOBAL", "BINPUT",
             "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET", "NEWTRUE", "NEWFALSE", "NONE", "TUPLE", "TUPLE1",
             "TUPLE2", "TUPLE3", "REDUCE", "NEWOBJ", "BUILD", "SETITEM", "SETITEMS", "APPEND", "APPENDS", "BINPERSID"}
ALLOWED_OPERATIONS = PUSHED | SILENT | STRUCTURE
# Names that stand beside quantised tensors; none of them is called.
QUANTISED = {"qint8", "quint8", "qint32", "per_tensor_affine", "per_channel_affine", "per_channel_affine_float_qparams"}
LIST_BUILDERS = {"build_intlist", "build_doublelist", "build_boollist", "build_tensorlist"}


@dataclass(frozen=True)
class Name:
    """A global a pickle refers to: never resolved, only compared."""

    module: str
    name: str

    @property
    def dotted(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass
class Record:
    """An object of a TorchScript class: the class's name and the attributes the file gives it."""

    class_name: str
    attributes: dict[str, Any] = field(default_factory=dict)


def is_allowed(name: Name) -> bool:
    """The allow-list: what rebuilds tensors, ordered dicts, storages, and TorchScript's own classes."""
    if name.module == "torch._utils":
        return name.name in ("_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_qtensor")
    if name.module == "torch.jit._pickle":
        return name.name in LIST_BUILDERS | {"restore_type_tag"}
    if name.module == "torch":
        return name.name in STORAGE_TYPES or name.name in QUANTISED
    if name.module == "collections":
        return name.name == "OrderedDict"
    return name.module == "__torch__" or name.module.startswith("__torch__.")


def read_pickle(data: bytes, what: str, read_storage: Callable[[str], bytes]) -> Any:
    """The value of a pickle, made of None, bool, int, float, str, list, tuple, dict, Tensor and Record.

    Errors: pickle-not-allowed, damaged-pickle, unsupported-tensor."""
    if len(data) > MAX_PICKLE_BYTES:
        raise ExportError("damaged-pickle", f"{what} has {len(data)} bytes, expected at most {MAX_PICKLE_BYTES}")
    try:
        _check_operations(data, what)
    except ExportError:
        raise
    except Exception as error:  # pickletools gives ValueError, UnicodeDecodeError, struct.error, ...
        raise ExportError("damaged-pickle", f"{what}: {error}, expected a complete pickle") from None
    try:
        return _Machine(what, read_storage).run(_operations(data))
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ExportError("damaged-pickle", f"{what}: {type(error).__name__} {error}, expected a pickle as torch "
                          "writes it") from None


def _operations(data: bytes) -> Iterator[tuple[str, Any]]:
    return ((opcode.name, argument) for opcode, argument, _ in pickletools.genops(data))


def _check_operations(data: bytes, what: str) -> None:
    """Look at the whole pickle before any of it is carried out."""
    for operation, argument in _operations(data):
        if operation in ("GLOBAL", "INST"):
            _check_name(Name(*argument.split(" ", 1)), what)
        if operation not in ALLOWED_OPERATIONS:
            raise ExportError("pickle-not-allowed", f"{what} uses the pickle operation {operation}, expected only "
                              "those that torch writes")


def _check_name(name: Name, what: str) -> Name:
    if is_allowed(name):
        return name
    if name.module.startswith("torch") and name.name.endswith(("Storage", "_tensor")):
        raise ExportError("unsupported-tensor", f"{what} holds a {name.dotted}, expected one of "
                          + ", ".join(STORAGE_TYPES))
    raise ExportError("pickle-not-allowed", f"{what} names {name.dotted}, expected only tensors, ordered dicts and "
                      "TorchScript classes (nothing was executed)")


class _Machine:
    """The stack, the memo, and one method for each kind of operation."""

    def __init__(self, what: str, read_storage: Callable[[str], bytes]) -> None:
        self.what = what
        self.read_storage = read_storage
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self, operations: Iterable[tuple[str, Any]]) -> Any:
        constants = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
        for operation, argument in operations:
            if operation in PUSHED:
                self.stack.append(argument)
            elif operation in constants:
                self.stack.append(constants[operation])
            elif operation not in SILENT:
                getattr(self, "do_" + operation.lower().removeprefix("long_"))(argument)
        return self.stack[-1]

    def after_mark(self) -> list[Any]:
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def pop(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise IndexError("the stack is empty")
        items = self.stack[len(self.stack) - count:]
        del self.stack[len(self.stack) - count:]
        return items

    def do_stop(self, _: None) -> None:
        pass

    def do_mark(self, _: None) -> None:
        self.marks.append(len(self.stack))

    def do_empty_dict(self, _: None) -> None:
        self.stack.append({})

    def do_empty_list(self, _: None) -> None:
        self.stack.append([])

    def do_empty_tuple(self, _: None) -> None:
        self.stack.append(())

    def do_global(self, argument: str) -> None:
        self.stack.append(Name(*argument.split(" ", 1)))

    def do_stack_global(self, _: None) -> None:
        module, name = self.pop(2)
        self.stack.append(_check_name(Name(str(module), str(name)), self.what))

    def do_binput(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    def do_memoize(self, _: None) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def do_binget(self, index: int) -> None:
        self.stack.append(self.memo[index])

    def do_tuple(self, _: None) -> None:
        self.stack.append(tuple(self.after_mark()))

    def do_tuple1(self, _: None) -> None:
        self.stack.append(tuple(self.pop(1)))

    def do_tuple2(self, _: None) -> None:
        self.stack.append(tuple(self.pop(2)))

    def do_tuple3(self, _: None) -> None:
        self.stack.append(tuple(self.pop(3)))

    def do_append(self, _: None) -> None:
        item = self.pop(1)
        _of_type(self.stack[-1], list).extend(item)

    def do_appends(self, _: None) -> None:
        items = self.after_mark()
        _of_type(self.stack[-1], list).extend(items)

    def do_setitem(self, _: None) -> None:
        self.store(self.pop(2))

    def do_setitems(self, _: None) -> None:
        self.store(self.after_mark())

    def store(self, items: list[Any]) -> None:
        """Only plain keys: hashing a deeply nested tuple would overflow the C stack."""
        target = _of_type(self.stack[-1], dict)
        for key, value in zip(items[0::2], items[1::2], strict=True):
            target[_of_type(key, (str, int))] = value

    def do_newobj(self, _: None) -> None:
        self.do_reduce(None)

    def do_reduce(self, _: None) -> None:
        name, arguments = self.pop(2)
        self.stack.append(_build(_of_type(name, Name), _of_type(arguments, tuple)))

    def do_build(self, _: None) -> None:
        (state,) = self.pop(1)
        target = self.stack[-1]
        if isinstance(target, Record):
            target.attributes = _of_type(state, dict)
        else:
            _of_type(target, dict)  # an ordered dict's own attributes: `_metadata`, of no use here

    def do_binpersid(self, _: None) -> None:
        ((kind, name, key, _location, numel, *_rest),) = self.pop(1)
        known = kind == "storage" and name.module == "torch" and name.name in STORAGE_TYPES
        if not known or not isinstance(numel, int) or numel < 0:
            raise ValueError(f"persistent id {kind!r} {name!r}")
        self.stack.append(Storage(name.name, str(key), numel, self.read_storage))


def _of_type(value: Any, wanted: type | tuple[type, ...]) -> Any:
    if not isinstance(value, wanted):
        raise TypeError(f"a {type(value).__name__} where a {wanted} belongs")
    return value


def _build(name: Name, arguments: tuple[Any, ...]) -> Any:
    """What calling `name` would give. No call takes place."""
    if name.name == "_rebuild_tensor_v2":
        storage, offset, shape, stride = arguments[:4]
        return Tensor(_of_type(storage, Storage), offset, _of_type(shape, tuple), _of_type(stride, tuple))
    if name.name == "_rebuild_qtensor":
        storage, offset, shape, stride, quantiser = arguments[:5]
        codes = Tensor(_of_type(storage, Storage), offset, _of_type(shape, tuple), _of_type(stride, tuple))
        return QuantisedTensor(codes, _of_type(quantiser, tuple))
    if name.name == "OrderedDict":
        pairs = arguments[0] if arguments else ()
        return {_of_type(key, (str, int)): value for key, value in pairs}
    if name.module.startswith("__torch__"):
        return Record(name.dotted)
    if name.name in LIST_BUILDERS | {"restore_type_tag", "_rebuild_parameter"}:
        return arguments[0]
    raise TypeError(f"{name.dotted} is called")
