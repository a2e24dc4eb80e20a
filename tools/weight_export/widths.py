# SPDX-License-Identifier: Apache-2.0
"""How many inputs a TorchScript network has. The archive does not say: the first constant that multiplies an input
does.

Until a width is known a prime stands in for it. Where a constant of K elements meets a value along an axis on which
every input element occurs m times, and the other inputs r times altogether, the width is (K - r) / m; the network is
then evaluated again with it.
"""

from __future__ import annotations

import numpy as np

from .affine import Affine, Basis
from .layout import MAX_INPUTS

# Larger than any slice end of a small network, small enough for an identity matrix of 8 MB.
GUESS = 1021


class WidthFound(Exception):
    """Not an error: argument `argument` has `width` elements, evaluate again."""

    def __init__(self, argument: int, width: int) -> None:
        super().__init__(argument, width)
        self.argument = argument
        self.width = width


class Unknown:
    """A value that cannot be known before more widths are. Every operation on it gives it again."""


UNKNOWN = Unknown()


class Widths:
    """known[argument] is a width or None."""

    def __init__(self, known: list[int | None]) -> None:
        self.known = known
        self.bases = [Basis(GUESS if width is None else width, argument) for argument, width in enumerate(known)]

    def open_bases(self, value: Affine) -> list[Basis]:
        return [basis for basis in value.terms if not basis.hidden and self.known[basis.argument] is None]

    def meet(self, value: Affine, axis: int, wanted: int) -> bool:
        """A constant of `wanted` elements meets `value` along `axis`. Returns False where that tells nothing yet and
        the operation cannot be carried out; raises WidthFound where it tells a width."""
        unknown = self.open_bases(value)
        if not unknown:
            return True
        if len(unknown) > 1:
            return False
        counts = {basis: _occurrences(array, axis) for basis, array in value.terms.items()}
        (basis,) = unknown
        times, left = divmod(counts.pop(basis), basis.size)
        if times == 0 or left:
            return value.shape[axis] == wanted
        width, left = divmod(wanted - sum(counts.values()), times)
        if left or not 1 <= width <= MAX_INPUTS:
            return True  # no width fits: the operation itself will say so
        raise WidthFound(basis.argument, width)


def _occurrences(array: np.ndarray, axis: int) -> int:
    """How many places along an axis of [size, *shape] depend on the basis."""
    axis = axis % (array.ndim - 1) + 1
    others = tuple(i for i in range(array.ndim) if i != axis)
    return int(np.count_nonzero(np.any(array != 0, axis=others)))
