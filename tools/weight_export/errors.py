# SPDX-License-Identifier: Apache-2.0
"""Named errors. Every refusal has a stable name, says what was seen and what was expected, and has an exit code."""

from __future__ import annotations

EXIT_OK, EXIT_OVER_BUDGET, EXIT_USAGE, EXIT_REFUSED = 0, 1, 2, 4

# Every name the exporter can give, with its cause. docs/EXPORT.md carries the same list; a test holds the two together.
CAUSES: dict[str, str] = {
    "usage": "the command line is wrong",
    "over-budget": "a head's accuracy figure is outside --budget",
    "interrupted": "SIGINT, SIGTERM or SIGHUP arrived",
    "internal": "a fault of the exporter itself",
    "no-numpy": "neither this python3 nor another on the PATH has numpy",
    "out-of-memory": "the model or the calibration needs more memory than there is",
    "cannot-read": "a file is missing, not a regular file, or gives an I/O error",
    "cannot-write": "the target folder or disk refuses the file",
    "closed-output": "standard output was closed before the table was printed (the blob is complete)",
    "source-too-large": "the source is larger than an exportable model can be",
    "unknown-source": "the source is none of the kinds of file that are read",
    "source-digest": "the source has another SHA-256 than --source-sha256 says",
    "damaged-archive": "a zip is truncated, has a bad checksum, or lacks its directory",
    "zip-bomb": "an archive claims more records or bytes than an exportable model can need",
    "unsafe-path": "an archive record has an absolute, parent-relative or doubled name",
    "missing-record": "an archive lacks a record that its contents refer to",
    "byte-order": "an archive was written by a big-endian machine",
    "legacy-pickle": "the checkpoint is in the old non-zip format",
    "pickle-not-allowed": "a pickle names a callable or uses an operation outside the allow-list",
    "damaged-pickle": "a pickle is truncated or does not describe tensors",
    "unsupported-tensor": "a tensor has an element type or a view that the exporter does not read",
    "damaged-npy": "an npy array is truncated, or its header does not match its data",
    "object-array": "an npy array holds Python objects",
    "safetensors-header": "a safetensors header is cut off, over the cap, or not what the format asks for",
    "safetensors-data": "a tensor of a safetensors file leaves a hole, overlaps, passes the end, or has another size",
    "damaged-onnx": "an ONNX file is truncated, or breaks a rule of its format",
    "protobuf-bomb": "an ONNX file has more fields or elements than an exportable model can need",
    "external-data": "an ONNX model keeps weights in another file",
    "unsupported-quantisation": "weights are quantised otherwise than to symmetric int8 codes -127 .. 127",
    "quantised-folded": "the network changes int8 weights, so that their codes cannot be kept",
    "bad-key": "an array's name is not HEAD.w1, HEAD.w2 or one of the optional ones",
    "missing-weights": "a head or a description names weights that the source lacks",
    "needs-description": "a source of named weights was given without --model",
    "bad-description": "the --model JSON is malformed, has an unknown key, or contradicts itself",
    "unused-weights": "the source has weights that no head of the description names",
    "unused-description": "--model was given for a source that needs none",
    "wrong-shape": "weights, biases or an operation's operands have shapes that do not fit together",
    "weights-not-finite": "a weight is NaN or infinite",
    "weights-too-large": "a weight does not fit float32",
    "unsupported-clamp": "layer 1 is clamped to something other than 0 .. c",
    "unsupported-activation": "an activation other than clamp, ReLU, softmax or identity",
    "unsupported-operation": "an operation outside the one form",
    "three-layers": "the network has more than two layers",
    "one-layer": "an output is not behind a clamp or ReLU",
    "not-two-layer": "a network computes something that is not act(W2 clamp(W1 x))",
    "training-mode": "a module was saved in training mode and has an active dropout or batch norm",
    "damaged-code": "the code of a TorchScript archive does not parse or refers to something absent",
    "unknown-width": "nothing in the model tells how many inputs it has",
    "too-many-steps": "the network runs longer, or handles more, than one of the form can",
    "model-too-large": "a dimension is over the limits of the format",
    "bad-name": "a name is empty, too long, doubled, or has control characters",
    "bad-window": "--window does not multiply to the model's inputs",
    "bad-features": "--features does not name every feature once",
    "calibration-shape": "the calibration is not float states [n, inputs]",
    "calibration-not-finite": "the calibration holds NaN or an infinity",
    "calibration-too-small": "the calibration has too few states to choose ranges with some and judge with others",
    "range-out-of-limits": "a feature's range is too small or too large for a float32 scale",
    "scale-out-of-range": "a lane's weights are so large that its int8 scale does not fit float32",
    "accumulator-overflow": "an int8 lane could leave int32",
    "non-finite-output": "the exported model gives an output that is not finite",
    "bad-blob": "a blob breaks a rule of the format",
}


class ExportError(Exception):
    """A refusal. `name` is a key of CAUSES; `message` says what was seen and what was expected."""

    def __init__(self, name: str, message: str, exit_code: int = EXIT_REFUSED) -> None:
        if name not in CAUSES:
            raise ValueError(f"error name {name!r} is not listed")
        super().__init__(message)
        self.name = name
        self.message = message
        self.exit_code = exit_code

    def line(self) -> str:
        """The one line for stderr. Line breaks and control characters from a file are escaped."""
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in self.message)
        return f"weight_export: error {self.name}: {text}"


def usage(message: str) -> ExportError:
    """A wrong command line, exit code 2."""
    return ExportError("usage", message, EXIT_USAGE)
