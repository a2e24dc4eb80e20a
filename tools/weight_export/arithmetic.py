# SPDX-License-Identifier: Apache-2.0
"""The arithmetic contract in numpy, bit for bit (docs/ARITHMETIC.md; the section numbers below are its own).

numpy has no fused multiply-add, so `fma` is built from exact pieces. Everything else is float32 numpy as it stands:
numpy's elementwise +, *, / and comparisons are IEEE binary32 on every machine. No sum is left to numpy's own order.
"""

from __future__ import annotations

import numpy as np

LANES = 16
EXP_LOG2E = np.float32(float.fromhex("0x1.715476p+0"))
EXP_ROUNDER = np.float32(12582912.0)
EXP_LN2_HIGH = np.float32(float.fromhex("-0x1.62e430p-1"))
EXP_LN2_LOW = np.float32(float.fromhex("0x1.05c610p-29"))
EXP_POLYNOMIAL = tuple(np.float32(float.fromhex(text)) for text in (
    "0x1.6a23cep-10", "0x1.123a20p-7", "0x1.5558f2p-5", "0x1.555492p-3", "0x1.fffffcp-2", "0x1p+0", "0x1p+0"))


def fma(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """a*b + c in float32, rounded once. Arguments broadcast; all float32.

    The product of two float32 is exact in float64 (24 + 24 <= 53 bits, and 2^-298 is far above its smallest
    normal). TwoSum gives the sum and its exact error; the sum is then rounded to odd, which keeps enough of the
    error that the final rounding to float32 (at most 24 of 53 bits) cannot be rounded twice.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        product = np.multiply(a, b, dtype=np.float64)
        addend = np.asarray(c, dtype=np.float64)
        total = np.asarray(product + addend)
        tail = total - product
        error = (product - (total - tail)) + (addend - tail)
        bits = total.view(np.int64)
        # An infinite operand makes the error NaN: such a sum is already what it has to be.
        inexact = (error != 0) & (error == error) & ((bits & 1) == 0)
        step = np.where((error > 0) == (total > 0), np.int64(1), np.int64(-1))
        return (bits + np.where(inexact, step, np.int64(0))).view(np.float64).astype(np.float32)


def layer1_float32(x: np.ndarray, w1: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Section 1. x [n, inputs], w1 [inputs, lanes], start [lanes], all float32; returns float32 [n, lanes]."""
    total = np.broadcast_to(start, (len(x), len(start))).copy()
    for i in range(w1.shape[0]):
        total = fma(x[:, i:i + 1], w1[i], total)
    return total


def quantise_inputs(x: np.ndarray, input_scale: np.ndarray) -> tuple[np.ndarray, int]:
    """Section 2. x [n, inputs] float32, input_scale [inputs] float32. Returns codes uint8 [n, inputs] and how many
    elements were clipped."""
    with np.errstate(over="ignore"):
        scaled = x * input_scale
    clipped = int(np.count_nonzero(np.abs(scaled) > np.float32(127)))
    limited = np.where(scaled > np.float32(-127), scaled, np.float32(-127))
    limited = np.where(limited < np.float32(127), limited, np.float32(127))
    return (np.rint(limited) + np.float32(128)).astype(np.uint8), clipped


def layer1_int8(codes: np.ndarray, w1: np.ndarray, start: np.ndarray, lane_scale: np.ndarray) -> np.ndarray:
    """Section 2. codes uint8 [n, inputs], w1 int8 [inputs, lanes], start int32 [lanes], lane_scale float32 [lanes];
    returns float32 [n, lanes].

    The sum runs in float64: every partial sum is an integer below 2^31, exact in any order, and BLAS is 100 x faster
    than an integer matmul in numpy."""
    total = codes.astype(np.float64) @ w1.astype(np.float64) + start
    return total.astype(np.float32) * lane_scale


def clamp(a: np.ndarray, high: np.float32) -> np.ndarray:
    """Section 3, by compare and select, so that NaN gives 0."""
    with np.errstate(invalid="ignore"):
        t = np.where(a > 0, a, np.float32(0))
        return np.where(t < high, t, np.float32(high))


def layer2(hidden: np.ndarray, w2: np.ndarray, start2: np.ndarray) -> np.ndarray:
    """Section 4. hidden [n, padded], w2 [outputs, padded], start2 [outputs], float32; padded is a multiple of 16.
    Returns logits float32 [n, outputs]."""
    blocks = hidden.reshape(len(hidden), 1, -1, LANES)
    weights = w2.reshape(1, len(w2), -1, LANES)
    s = np.zeros((len(hidden), len(w2), LANES), np.float32)
    for b in range(blocks.shape[2]):
        s = fma(blocks[:, :, b], weights[:, :, b], s)
    with np.errstate(over="ignore", invalid="ignore"):
        for width in (8, 4, 2, 1):
            s = s[..., :width] + s[..., width:2 * width]
        return s[..., 0] + start2


def exp32(x: np.ndarray) -> np.ndarray:
    """Section 5, for float32 x <= 0: exp(x) within 0.883 ulp, exactly 0 below -87."""
    inside = np.maximum(x, np.float32(-87))
    t = fma(inside, EXP_LOG2E, EXP_ROUNDER)
    k = t - EXP_ROUNDER
    r = fma(k, EXP_LN2_LOW, fma(k, EXP_LN2_HIGH, inside))
    p = np.broadcast_to(EXP_POLYNOMIAL[0], r.shape)
    for coefficient in EXP_POLYNOMIAL[1:]:
        p = fma(p, r, coefficient)
    power = ((t.view(np.uint32) + np.uint32(127)) << np.uint32(23)).view(np.float32)
    return np.where(x < np.float32(-87), np.float32(0), p * power)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Section 5. logits float32 [n, outputs], finite; returns float32 [n, outputs]."""
    largest = logits[:, 0]
    for k in range(1, logits.shape[1]):
        largest = np.where(logits[:, k] > largest, logits[:, k], largest)
    with np.errstate(over="ignore"):
        exponentials = exp32(logits - largest[:, None])
    total = exponentials[:, 0]
    for k in range(1, logits.shape[1]):
        total = total + exponentials[:, k]
    return exponentials / total[:, None]
