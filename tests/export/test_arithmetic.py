# SPDX-License-Identifier: Apache-2.0
"""The numpy model of the arithmetic contract against libm, against float64 and against plain loops."""

import ctypes
import ctypes.util

import numpy as np

from weight_export import arithmetic

LIBM = ctypes.CDLL(ctypes.util.find_library("m") or "libm.so.6")
LIBM.fmaf.restype = ctypes.c_float
LIBM.fmaf.argtypes = [ctypes.c_float] * 3


def bits(array):
    return np.asarray(array, np.float32).view(np.uint32)


def hard_cases(count, seed):
    """Triples near what goes wrong: halfway sums, cancellation, subnormal results, overflow, signed zeros."""
    rng = np.random.RandomState(seed)
    a, b, c = (rng.randint(0, 2**32, count, dtype=np.uint64).astype(np.uint32).view(np.float32) for _ in range(3))
    with np.errstate(all="ignore"):
        a, b = (np.ldexp(np.frexp(v)[0], rng.randint(-20, 20, count)).astype(np.float32) for v in (a, b))
        product = a.astype(np.float64) * b
        kind = rng.randint(0, 6, count)
        step = rng.randint(-60, 60, count)
        c = np.select(
            [kind == 0, kind == 1, kind == 2, kind == 3, kind == 4],
            [c, -product, product * 2.0**step, np.ldexp(1 + 2.0**-23 * rng.randint(0, 9, count), step), product],
            np.ldexp(rng.randint(-9, 9, count), -149)).astype(np.float32)
        # Few significant bits make exact ties frequent.
        few = rng.randint(0, 2, count) == 0
        a = np.where(few, np.float32(1) + rng.randint(0, 16, count) * np.float32(2.0**-12), a).astype(np.float32)
        b = np.where(few, np.float32(1) + rng.randint(0, 16, count) * np.float32(2.0**-12), b).astype(np.float32)
        tiny = rng.randint(0, 8, count) == 0
        a = np.where(tiny, np.ldexp(a, -120), a).astype(np.float32)
        c = np.where(tiny, np.ldexp(rng.randint(-99, 99, count), -149), c).astype(np.float32)
    return a, b, c


def test_fma_equals_libm():
    a, b, c = hard_cases(300_000, 1)
    expected = np.array([LIBM.fmaf(*triple) for triple in zip(a.tolist(), b.tolist(), c.tolist())], np.float32)
    seen = arithmetic.fma(a, b, c)
    different = (bits(seen) != bits(expected)) & ~(np.isnan(seen) & np.isnan(expected))
    assert not different.any(), [x[different][0] for x in (a, b, c, seen, expected)]
    # The cases must be able to fail: plain rounding of the float64 sum gets some of them wrong.
    with np.errstate(all="ignore"):
        plain = (a.astype(np.float64) * b + c).astype(np.float32)
    assert np.count_nonzero(bits(plain) != bits(expected)) > 100


def test_fma_special_values():
    special = np.array([0.0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 3.4028235e38, -3.4028235e38, 1e-45, -1e-45],
                       np.float32)
    a, b, c = (v.reshape(-1) for v in np.meshgrid(special, special, special))
    expected = np.array([LIBM.fmaf(*triple) for triple in zip(a.tolist(), b.tolist(), c.tolist())], np.float32)
    seen = arithmetic.fma(a, b, c)
    assert np.array_equal(np.isnan(seen), np.isnan(expected))
    assert np.array_equal(bits(seen)[~np.isnan(seen)], bits(expected)[~np.isnan(seen)])


def test_exp32_within_one_ulp():
    x = np.concatenate([-np.random.RandomState(2).uniform(0, 87, 1_000_000), -np.geomspace(1e-30, 87, 100_000),
                        [0, -87]]).astype(np.float32)
    exact = np.exp(x.astype(np.float64))
    ulp = np.spacing(exact.astype(np.float32)).astype(np.float64)
    error = np.max(np.abs(arithmetic.exp32(x).astype(np.float64) - exact) / ulp)
    assert error <= 0.9, error


def test_exp32_ends():
    x = np.array([0, -0.0, -87, np.nextafter(np.float32(-87), np.float32(-88)), -1e30, -np.inf], np.float32)
    seen = arithmetic.exp32(x)
    assert seen[0] == seen[1] == 1
    assert seen[2] > 0
    assert np.array_equal(bits(seen[3:]), np.zeros(3, np.uint32))


def test_layer1_int8_equals_integer_loop():
    rng = np.random.RandomState(3)
    codes = rng.randint(1, 256, (4, 37)).astype(np.uint8)
    w1 = rng.randint(-127, 128, (37, 16)).astype(np.int8)
    start = rng.randint(-2**30, 2**30, 16).astype(np.int32)
    scale = rng.uniform(1e-4, 1e-2, 16).astype(np.float32)
    for row, seen in zip(codes, arithmetic.layer1_int8(codes, w1, start, scale)):
        for lane in range(16):
            total = int(start[lane]) + sum(int(u) * int(w) for u, w in zip(row, w1[:, lane]))
            assert np.float32(total) * scale[lane] == seen[lane]


def test_input_codes_round_half_to_even_and_count_clipping():
    scale = np.full(7, 1, np.float32)
    x = np.array([[0.5, 1.5, -2.5, 127, -127, 127.5, -200]], np.float32)
    codes, clipped = arithmetic.quantise_inputs(x, scale)
    assert codes.tolist() == [[128, 130, 126, 255, 1, 255, 1]]
    assert clipped == 2


def test_clamp_selects_like_the_contract():
    a = np.array([-1, -0.0, 0, 3, 6, 7, np.inf, -np.inf, np.nan], np.float32)
    seen = arithmetic.clamp(a, np.float32(6))
    assert seen.tolist() == [0, 0, 0, 3, 6, 6, 6, 0, 0]
    assert not np.signbit(seen[1])
    assert arithmetic.clamp(a, np.float32(np.inf))[6] == np.inf


def test_layer2_order_is_sixteen_lanes_and_the_fixed_tree():
    rng = np.random.RandomState(4)
    hidden, w2 = rng.uniform(0, 6, (2, 48)).astype(np.float32), rng.uniform(-1, 1, (3, 48)).astype(np.float32)
    start2 = rng.uniform(-1, 1, 3).astype(np.float32)
    seen = arithmetic.layer2(hidden, w2, start2)
    for n in range(2):
        for k in range(3):
            s = [np.float32(0)] * 16
            for i in range(48):
                s[i % 16] = np.float32(LIBM.fmaf(float(hidden[n, i]), float(w2[k, i]), float(s[i % 16])))
            for width in (8, 4, 2, 1):
                s = [s[i] + s[i + width] for i in range(width)]
            assert s[0] + start2[k] == seen[n, k]


def test_softmax_of_equal_logits_is_equal():
    for logits in ([0, 0, 0], [5, 5, 5, 5], [-1e30, -1e30]):
        seen = arithmetic.softmax(np.array([logits], np.float32))[0]
        assert len(set(bits(seen).tolist())) == 1 and abs(float(seen.sum()) - 1) < 1e-6


def test_softmax_against_float64():
    logits = np.random.RandomState(5).uniform(-30, 30, (1000, 5)).astype(np.float32)
    wide = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    exact = wide / wide.sum(axis=1, keepdims=True)
    # One rounding in the difference (relative 2^-24 of up to 60), 0.9 ulp in exp, four sums, one division.
    assert np.max(np.abs(arithmetic.softmax(logits) - exact)) < 66 * 2.0**-24
