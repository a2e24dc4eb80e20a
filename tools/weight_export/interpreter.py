# SPDX-License-Identifier: Apache-2.0
"""Walks the code of a TorchScript network with affine values in place of tensors; Python runs nothing of it."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import Any

from .affine import Affine, constant
from .budget import Budget
from .errors import ExportError
from .model import check_finite
from .pickle_reader import Record
from .script_builtins import Builtins, truth
from .script_ops import Operations
from .script_program import Function, Program
from .tensors import Tensor
from .widths import UNKNOWN, Widths

MAX_DEPTH = 50
LITERAL_NAMES = {"inf": math.inf, "nan": math.nan}


@dataclass(frozen=True)
class Module:
    """A module of the archive and the attribute path that leads to it."""

    record: Record
    path: str


@dataclass(frozen=True)
class Path:
    """A dotted name: torch.softmax, ops.prim.NumToTensor, __torch__.torch.nn.functional.relu, a type."""

    dotted: str


@dataclass(frozen=True)
class Method:
    module: Module
    name: str


class Returned(Exception):
    """A return statement: carries the value, and the names of what is returned where they can be seen."""

    def __init__(self, value: Any, names: list[str]) -> None:
        super().__init__()
        self.value = value
        self.names = names


class Interpreter:
    """One evaluation of the root module. `budget.steps` tells how far it came, `doubles` whether weights are
    float64."""

    def __init__(self, program: Program, widths: Widths) -> None:
        self.program = program
        self.budget = Budget()
        self.builtins = Builtins(Operations(widths, self.budget))
        self.depth = 0
        self.doubles = False
        self.tensors: dict[int, Affine] = {}

    def run(self, inputs: list[Affine]) -> Returned:
        """The root module's forward. Errors: any of a network's, with record and line."""
        root = Module(self.program.root, "")
        function = self.program.method(root.record.class_name, "forward")
        return self.call_function(function, [root, *inputs], {})

    def call_function(self, function: Function, arguments: list[Any], named: dict[str, Any]) -> Returned:
        names, defaults = function.parameters, function.node.args.defaults
        self.budget.charge(len(names))
        scope = dict(zip(names[len(names) - len(defaults):], [ast.literal_eval(d) for d in defaults]))
        scope.update(zip(names, arguments))
        scope.update(named)
        if len(arguments) > len(names) or set(names) != set(scope) or self.depth >= MAX_DEPTH:
            raise ExportError("damaged-code", f"{function.record}: a call of {function.node.name} does not fit its "
                              "parameters or nests too deep")
        self.depth += 1
        try:
            self.run_block(function.node.body, scope, function.record)
        except Returned as returned:
            return returned
        finally:
            self.depth -= 1
        return Returned(None, [])

    def run_block(self, statements: list[ast.stmt], scope: dict[str, Any], record: str) -> None:
        for statement in statements:
            try:
                self.budget.step()
                self.run_statement(statement, scope, record)
            except ExportError as error:
                if " (in code/" not in error.message:
                    error.message += f" (in {record}, line {statement.lineno})"
                raise
            except (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, OverflowError,
                    AttributeError, RecursionError) as error:
                text = ast.unparse(statement).splitlines()[0][:80]
                raise ExportError("wrong-shape", f"{text!r}: {error}, expected operands that fit "
                                  f"(in {record}, line {statement.lineno})") from None

    def run_statement(self, statement: ast.stmt, scope: dict[str, Any], record: str) -> None:
        if isinstance(statement, ast.Assign):
            self.assign(statement.targets[0], self.evaluate(statement.value, scope), scope)
        elif isinstance(statement, ast.AnnAssign):
            if statement.value is not None:
                self.assign(statement.target, self.evaluate(statement.value, scope), scope)
        elif isinstance(statement, ast.Return):
            value = None if statement.value is None else self.evaluate(statement.value, scope)
            raise Returned(value, _names(statement.value))
        elif isinstance(statement, ast.If):
            chosen = statement.body if truth(self.evaluate(statement.test, scope)) else statement.orelse
            self.run_block(chosen, scope, record)
        elif isinstance(statement, ast.For):
            for item in self.evaluate(statement.iter, scope):
                self.budget.step()
                self.assign(statement.target, item, scope)
                self.run_block(statement.body, scope, record)
        elif isinstance(statement, ast.Expr):
            self.evaluate(statement.value, scope)
        elif not isinstance(statement, ast.Pass):
            raise ExportError("unsupported-operation", f"a {type(statement).__name__} statement, expected straight "
                              "code")

    def assign(self, target: ast.expr, value: Any, scope: dict[str, Any]) -> None:
        if isinstance(target, ast.Name):
            scope[target.id] = value
        elif isinstance(target, ast.Tuple):
            parts = [UNKNOWN] * len(target.elts) if value is UNKNOWN else value
            for part, item in zip(target.elts, parts, strict=True):
                self.assign(part, item, scope)
        else:
            raise ExportError("unsupported-operation", f"assignment to {ast.unparse(target)[:60]}, expected a variable")

    def evaluate(self, node: ast.expr, scope: dict[str, Any]) -> Any:
        self.budget.charge(1)
        if isinstance(node, ast.Name):
            return scope[node.id] if node.id in scope else LITERAL_NAMES.get(node.id, Path(node.id))
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Attribute):
            return self.attribute(self.evaluate(node.value, scope), node.attr)
        if isinstance(node, ast.Call):
            return self.call(node, scope)
        if isinstance(node, (ast.Tuple, ast.List)):
            items = [self.evaluate(item, scope) for item in node.elts]
            return tuple(items) if isinstance(node, ast.Tuple) else items
        if isinstance(node, ast.Dict):
            keys, values = ([self.evaluate(item, scope) for item in part] for part in (node.keys, node.values))
            return dict(zip(keys, values))
        if isinstance(node, ast.Subscript):
            return self.subscript(self.evaluate(node.value, scope), node.slice, scope)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
            value = self.evaluate(node.operand, scope)
            return -value if isinstance(node.op, ast.USub) else not truth(value)
        if isinstance(node, ast.IfExp):
            return self.evaluate(node.body if truth(self.evaluate(node.test, scope)) else node.orelse, scope)
        raise ExportError("unsupported-operation", f"{type(node).__name__} {ast.unparse(node)[:60]!r}, expected code "
                          "as TorchScript writes it")

    def subscript(self, value: Any, place: ast.expr, scope: dict[str, Any]) -> Any:
        if isinstance(value, Path):  # a type, such as List[Tensor]
            return value
        index = self.evaluate(place, scope)
        return UNKNOWN if value is UNKNOWN else value[index]

    def attribute(self, value: Any, name: str) -> Any:
        if isinstance(value, Path):
            if value.dotted == "CONSTANTS":
                return self.lift(self.program.constants[int(name.removeprefix("c"))], f"CONSTANTS.{name}")
            return Path(f"{value.dotted}.{name}")
        if isinstance(value, Module):
            path = f"{value.path}.{name}".removeprefix(".")
            if name in value.record.attributes:
                return self.lift(value.record.attributes[name], path)
            return Method(value, name)
        if isinstance(value, dict) and name in value:  # a named tuple
            return value[name]
        raise ExportError("unsupported-operation", f"attribute {name!r} of a {type(value).__name__}, expected a module")

    def lift(self, value: Any, path: str, depth: int = 0) -> Any:
        """An attribute or constant of the archive as a value of the evaluation."""
        if isinstance(value, Record):
            return Module(value, path)
        if isinstance(value, Tensor):
            if id(value) not in self.tensors:
                self.budget.charge_work(math.prod(value.shape))
                array = value.array()
                check_finite(path, array)
                self.doubles |= value.double
                self.tensors[id(value)] = constant(array, path)
            return self.tensors[id(value)]
        if isinstance(value, (list, dict)):
            self.budget.charge_nested(len(value), depth)
        if isinstance(value, list):
            return [self.lift(item, f"{path}.{i}", depth + 1) for i, item in enumerate(value)]
        if isinstance(value, dict):
            return {key: self.lift(item, f"{path}.{key}", depth + 1) for key, item in value.items()}
        return value

    def call(self, node: ast.Call, scope: dict[str, Any]) -> Any:
        callee = self.evaluate(node.func, scope)
        arguments = [self.evaluate(argument, scope) for argument in node.args]
        named = {keyword.arg: self.evaluate(keyword.value, scope) for keyword in node.keywords}
        self.budget.step()
        if isinstance(callee, Method):
            function = self.program.method(callee.module.record.class_name, callee.name)
            return self.call_function(function, [callee.module, *arguments], named).value
        if not isinstance(callee, Path):
            raise ExportError("unsupported-operation", f"a call of {ast.unparse(node.func)[:60]!r}, expected a "
                              "function")
        if callee.dotted.startswith("__torch__."):
            return self.call_qualified(callee.dotted, arguments, named)
        if callee.dotted == "getattr":
            return self.attribute(arguments[0], arguments[1])
        return self.builtins.call(callee.dotted, arguments, named)

    def call_qualified(self, qualified: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        fields = self.program.named_tuple_fields(qualified)
        if fields is not None:
            return dict(zip(fields, arguments, strict=True)) | named
        return self.call_function(self.program.function(qualified), arguments, named).value


def _names(node: ast.expr | None) -> list[str]:
    """Names seen in a return statement: dict keys, or the variables of a tuple."""
    if isinstance(node, ast.Dict):
        return [str(key.value) if isinstance(key, ast.Constant) else "" for key in node.keys]
    if isinstance(node, ast.Tuple):
        return [item.id if isinstance(item, ast.Name) else "" for item in node.elts]
    return []
