# SPDX-License-Identifier: Apache-2.0
"""The code of a TorchScript archive: parsed with Python's ast, never compiled or run by Python."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from .errors import ExportError
from .pickle_reader import Record
from .torch_archive import TorchArchive

MAX_CODE_BYTES = 1 << 20


@dataclass
class Function:
    """A function or method, and the record its text stands in."""

    record: str
    node: ast.FunctionDef

    @property
    def parameters(self) -> list[str]:
        return [argument.arg for argument in self.node.args.args]


class Program:
    """Root module, constants and functions by qualified name. Errors: damaged-code, those of TorchArchive."""

    def __init__(self, archive: TorchArchive) -> None:
        self.archive = archive
        constants = archive.unpickle("constants")
        self.constants: tuple[Any, ...] = constants if isinstance(constants, tuple) else ()
        self.root = archive.unpickle("data")
        if not isinstance(self.root, Record):
            raise ExportError("damaged-pickle", f"{archive.archive.path}: data.pkl holds a "
                              f"{type(self.root).__name__}, expected a module")
        self._modules: dict[str, dict[str, ast.stmt]] = {}

    def definition(self, qualified: str) -> tuple[str, ast.stmt]:
        """The class or function `__torch__.a.b.Name` and the record it stands in."""
        module, _, name = qualified.rpartition(".")
        record = "code/" + module.replace(".", "/") + ".py"
        if record not in self._modules:
            self._modules[record] = self._parse(record)
        if name not in self._modules[record]:
            raise ExportError("damaged-code", f"{record} does not define {name!r}, expected it there")
        return record, self._modules[record][name]

    def function(self, qualified: str) -> Function:
        record, node = self.definition(qualified)
        if not isinstance(node, ast.FunctionDef):
            raise ExportError("damaged-code", f"{record}: {qualified} is not a function, expected one")
        return Function(record, node)

    def method(self, class_name: str, method: str) -> Function:
        record, node = self.definition(class_name)
        for statement in getattr(node, "body", []):
            if isinstance(statement, ast.FunctionDef) and statement.name == method:
                return Function(record, statement)
        raise ExportError("damaged-code", f"{record}: {class_name} has no method {method!r}, expected one")

    def named_tuple_fields(self, class_name: str) -> list[str] | None:
        """Field names of a NamedTuple class; None for any other class or a function."""
        _, node = self.definition(class_name)
        if not isinstance(node, ast.ClassDef) or not any(getattr(b, "id", "") == "NamedTuple" for b in node.bases):
            return None
        return [s.target.id for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)]

    def _parse(self, record: str) -> dict[str, ast.stmt]:
        data = self.archive.read(record)
        if len(data) > MAX_CODE_BYTES:
            raise ExportError("damaged-code", f"{record} has {len(data)} bytes, expected at most {MAX_CODE_BYTES}")
        try:
            tree = ast.parse(data.decode("utf-8"))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ExportError("damaged-code", f"{record}: {error}, expected code as TorchScript writes it") from None
        return {s.name: s for s in tree.body if isinstance(s, (ast.ClassDef, ast.FunctionDef))}
