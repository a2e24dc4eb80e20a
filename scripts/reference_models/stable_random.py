# SPDX-License-Identifier: Apache-2.0
"""Random numbers that are the same on every numpy version and every CPU.

numpy promises the stream of a bit generator (PCG64.random_raw), but not that of Generator.standard_normal
and its sisters, whose algorithms may change between releases. So only raw bits are taken from numpy. What is
made of them here needs nothing but integer sums, multiplications and divisions, which IEEE 754 fixes to the
last bit; log, cos and exp are avoided because their last digit differs between CPUs.
"""
import numpy as np


class StableRandom:
    """Uniform and near-normal numbers from the raw bits of one seeded PCG64."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(self, count: int) -> np.ndarray:
        """[count] float64 in [0, 1), multiples of 2^-53."""
        return (self._bits.random_raw(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, count: int) -> np.ndarray:
        """[count] float64, mean 0, variance 1: the sum of twelve 16-bit uniform integers.

        Twelve uniforms of width 1 have variance 12/12 = 1, so no scale is needed. The tails end at six
        standard deviations; the market's heavy tails come from its regimes and jumps instead.
        """
        raw = self._bits.random_raw(3 * count).reshape(count, 3)
        total = np.zeros(count, dtype=np.int64)
        for shift in (0, 16, 32, 48):
            pieces = (raw >> np.uint64(shift)) & np.uint64(0xFFFF)
            total += pieces.astype(np.int64).sum(axis=1)
        return (total - 6 * 65535).astype(np.float64) / 65536.0
