# SPDX-License-Identifier: Apache-2.0
"""Source: a TorchScript archive, scripted or traced, plain, frozen or optimised for inference."""

from __future__ import annotations

from typing import Any

from .affine import Affine, Basis, identity
from .archive import Archive
from .closing import Outputs
from .errors import ExportError
from .interpreter import Interpreter
from .model import Model
from .script_heads import check_batch, flatten_returned, heads_from_outputs, name_heads
from .script_program import Program
from .torch_archive import TorchArchive
from .widths import UNKNOWN, WidthFound, Widths

# The ways a network may take one state: as a batch of one, as a vector, as a window. Each is tried, since the archive
# does not say. The last accepts outputs stacked along the batch axis.
SHAPES = ("batch", "vector", "window batch", "window", "batch, stacked outputs")


def model_from_torchscript(archive: Archive, window: tuple[int, int] = (0, 0)) -> Model:
    """`window` (rows, columns), where the user gave one, settles the width of a network whose code does not.
    Errors: any of a network's; of several attempts the one that came furthest is reported."""
    program = Program(TorchArchive(archive))
    root = program.method(program.root.class_name, "forward")
    arguments = len(root.parameters) - 1
    if arguments < 1:
        raise ExportError("not-two-layer", f"{archive.path}: forward takes no input, expected at least one")
    furthest: tuple[int, ExportError] | None = None
    for shape in SHAPES:
        if shape.startswith("window") and (window == (0, 0) or arguments != 1):
            continue
        interpreter: list[Interpreter] = []
        try:
            return _attempt(program, arguments, shape, window, interpreter)
        except ExportError as error:
            if error.name == "too-many-steps":
                raise
            if furthest is None or interpreter[-1].budget.steps > furthest[0]:
                furthest = (interpreter[-1].budget.steps, error)
    raise furthest[1]


def _attempt(program: Program, arguments: int, shape: str, window: tuple[int, int],
             interpreters: list[Interpreter]) -> Model:
    """Evaluate until every width is known: each evaluation finds one more."""
    known: list[int | None] = [window[0] * window[1] if shape.startswith("window") else None] * arguments
    for _ in range(2 * arguments + 2):
        widths = Widths(known)
        interpreters.append(Interpreter(program, widths))
        try:
            returned = interpreters[-1].run([identity(basis, _input_shape(basis, shape, window))
                                             for basis in widths.bases])
        except WidthFound as found:
            known[found.argument] = found.width
            continue
        interpreters[-1].budget.visit(returned.value)
        if None in known and window != (0, 0) and arguments == 1:
            known[0] = window[0] * window[1]
            continue
        parts = [] if _has_unknown(returned.value) else flatten_returned(returned.value, returned.names)
        if None in known or _has_unknown(returned.value):
            raise ExportError("unknown-width", f"input {known.index(None) if None in known else 0} of the network "
                              "meets no constant that tells its width, expected a first layer (or --window)")
        return _model(parts, widths.bases, shape, interpreters[-1])
    raise ExportError("unknown-width", "the widths of the inputs contradict one another")


def _input_shape(basis: Basis, shape: str, window: tuple[int, int]) -> tuple[int, ...]:
    if shape == "vector":
        return (basis.size,)
    if shape.startswith("window"):
        return (1, *window) if shape == "window batch" else window
    return (1, basis.size)


def _has_unknown(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_has_unknown(item) for item in value)
    return value is UNKNOWN or isinstance(value, dict) and any(_has_unknown(item) for item in value.values())


def _model(parts: list[tuple[str, Affine | Outputs]], inputs: list[Basis], shape: str, interpreter: Interpreter
           ) -> Model:
    if shape in ("batch", "window batch"):
        check_batch(parts)
    heads, seen_names = heads_from_outputs(parts, inputs)
    name_heads(heads, seen_names)
    notes = []
    if interpreter.doubles:
        notes.append("weights are float64: rounded to float32 once, after folding")
    widths = [basis.size for basis in inputs]
    return Model(sum(widths), heads, notes=notes, argument_widths=widths)
