# SPDX-License-Identifier: Apache-2.0
"""TorchScript code by hand, without torch: what is accepted, and what is refused with operation and line."""

import numpy as np
import pytest
from helpers import named, pickle_of, random_weights, script_records, zip_of

from weight_export.read_blob import read_blob

W1, W2, B1, B2 = random_weights(20, 12), random_weights(3, 20, seed=1), random_weights(20), random_weights(3)
LAYER1 = "    h = torch.clamp(torch.linear(x, CONSTANTS.c0), 0, 6)\n"
LAYER2 = "    z = torch.linear(h, CONSTANTS.c1)\n"
PLAIN = LAYER1 + LAYER2


def script(tmp_path, body, constants=(W1, W2, B1, B2), **more):
    return zip_of(tmp_path / "m.pt", script_records(body, list(constants), **more))


def heads_of(export, source, *options):
    result = export(source, "--dtype", "float32", *options)
    result.succeeded()
    return read_blob(result.blob).packed


EQUIVALENT = {
    "functional": PLAIN + "    return torch.softmax(z, -1)",
    "dim 1": PLAIN + "    return torch.softmax(z, 1)",
    "hardtanh": "    h = torch.hardtanh(torch.linear(x, CONSTANTS.c0), 0., 6.)\n" + LAYER2
                + "    return torch.softmax(z, -1)",
    "relu6": "    h = torch.relu6(torch.linear(x, CONSTANTS.c0))\n" + LAYER2 + "    return torch.softmax(z, -1)",
    "relu, then clamp": "    h = torch.clamp(torch.relu_(torch.linear(x, CONSTANTS.c0)), 0, 6)\n" + LAYER2
                        + "    return torch.softmax(z, -1)",
    "spelled out": PLAIN + "    m, _0 = torch.max(z, -1, True)\n    e = torch.exp(torch.sub(z, m))\n"
                   "    return torch.div(e, torch.sum(e, [-1], True))",
    "spelled out with amax and unsqueeze": PLAIN + "    m = torch.unsqueeze(torch.amax(z, [1]), 1)\n"
        "    e = torch.exp(torch.sub(z, m))\n    return torch.div(e, torch.unsqueeze(torch.sum(e, [1]), 1))",
    "spelled out without maximum": PLAIN + "    e = torch.exp(z)\n    return torch.div(e, torch.sum(e, [1], True))",
    "addmm": "    h = torch.clamp(torch.matmul(x, torch.t(CONSTANTS.c0)), 0, 6)\n"
             "    z = torch.addmm(torch.mul(CONSTANTS.c3, 0.), h, torch.t(CONSTANTS.c1))\n"
             "    return torch.softmax(z, -1)",
    "views": "    y = torch.flatten(torch.view(x, [-1, 4, 3]), 1)\n"
             "    h = torch.clamp(torch.linear(y, CONSTANTS.c0), 0, 6)\n" + LAYER2
             + "    return torch.squeeze(torch.softmax(torch.unsqueeze(z, 0), 2), 0)",
    "slices joined": "    y = torch.cat([torch.slice(x, 1, 0, 5), torch.slice(x, 1, 5, 9223372036854775807)], 1)\n"
                     "    h = torch.clamp(torch.linear(y, CONSTANTS.c0), 0, 6)\n" + LAYER2
                     + "    return torch.softmax(z, -1)",
    "tuple": PLAIN + "    return (torch.softmax(z, -1),)",
    "vector": PLAIN + "    return torch.softmax(z, 0)",
    "sum of products": "    h = torch.clamp(torch.sum(torch.mul(torch.unsqueeze(x, 1), CONSTANTS.c0), [2]), 0, 6)\n"
                       + LAYER2 + "    return torch.softmax(z, -1)",
    "branch": PLAIN + "    if torch.eq(torch.dim(z), 7):\n      y = z\n    else:\n      y = torch.softmax(z, -1)\n"
              "    return y",
    "loop": PLAIN + "    l = annotate(List[Tensor], [])\n    for i in range(3):\n"
            "      _0 = torch.append(l, torch.slice(z, 1, i, torch.add(i, 1)))\n"
            "    return torch.softmax(torch.cat(l, 1), 1)",
}


@pytest.mark.parametrize("form", EQUIVALENT)
def test_equivalent_spellings(export, tmp_path, form):
    packed = heads_of(export, script(tmp_path, EQUIVALENT[form]))
    head = packed.heads[0]
    assert (packed.inputs, len(packed.heads), head.hidden, head.outputs) == (12, 1, 20, 3)
    assert (head.activation, head.clamp_high) == (1, 6)
    assert np.array_equal(packed.w1[:, :20], W1.T) and np.array_equal(head.w2[:, :20], W2)
    assert not packed.start.any() and not head.start2.any()


def test_biases_and_plain_relu(export, tmp_path):
    body = ("    h = torch.relu(torch.linear(x, CONSTANTS.c0, CONSTANTS.c2))\n"
            "    return torch.linear(h, CONSTANTS.c1, CONSTANTS.c3)")
    packed = heads_of(export, script(tmp_path, body))
    assert np.array_equal(packed.start[:20], B1) and np.array_equal(packed.heads[0].start2, B2)
    assert packed.heads[0].clamp_high == np.inf and packed.heads[0].activation == 0


def test_several_inputs_and_names(export, tmp_path):
    """Two inputs, 12 and 5 wide; a head that reads one, a critic that reads both; named by a dict."""
    critic1, critic2 = random_weights(8, 17, seed=3), random_weights(1, 8, seed=4)
    body = ("    h = torch.clamp(torch.linear(torch.cat([x, y], 1), CONSTANTS.c2), 0, 6)\n"
            "    v = torch.linear(h, CONSTANTS.c3)\n" + PLAIN.replace("h", "g")
            .replace("torcg", "torch") + '    return {"trend": torch.softmax(z, -1), "value": v}')
    source = script(tmp_path, body, (W1, W2, critic1, critic2), arguments="x: Tensor,\n    y: Tensor")
    packed = heads_of(export, source)
    assert packed.inputs == 17 and [head.name for head in packed.heads] == ["trend", "value"]
    assert np.array_equal(packed.w1[:12, :20], W1.T) and not packed.w1[12:, :20].any()
    assert np.array_equal(packed.w1[:, 32:40], critic1.T)


def test_repeated_input_sums_blocks(export, tmp_path):
    wide = random_weights(20, 36, seed=5)
    body = ("    h = torch.relu(torch.linear(torch.repeat(x, [1, 3]), CONSTANTS.c0))\n"
            "    return torch.linear(h, CONSTANTS.c1)")
    packed = heads_of(export, script(tmp_path, body, (wide, W2)))
    blocks = wide.astype(np.float64).reshape(20, 3, 12).sum(axis=1).T
    assert packed.inputs == 12 and np.array_equal(packed.w1[:, :20], blocks.astype(np.float32))


def test_repeated_vector_is_not_taken_for_a_batch(export, tmp_path):
    """As a batch of one it would pass for a network of 36 inputs, with three states made of one."""
    wide = random_weights(20, 36, seed=5)
    body = ("    h = torch.relu(torch.linear(torch.cat([x, x, x]), CONSTANTS.c0))\n"
            "    return torch.linear(h, CONSTANTS.c1)")
    assert heads_of(export, script(tmp_path, body, (wide, W2))).inputs == 12


def test_window_shaped_input(export, tmp_path):
    body = "    x = torch.reshape(torch.transpose(x, 1, 2), [1, -1])\n" + PLAIN + "    return torch.softmax(z, -1)"
    packed = heads_of(export, script(tmp_path, body), "--window", "4x3")
    turned = W1.reshape(20, 3, 4).transpose(0, 2, 1).reshape(20, 12)
    assert np.array_equal(packed.w1[:, :20], turned.T) and packed.window == (4, 3)


REFUSED = {
    "three layers": (PLAIN + "    return torch.linear(torch.relu(z), CONSTANTS.c2)", "three-layers", "line 8", "relu"),
    "sigmoid": ("    h = torch.sigmoid(torch.linear(x, CONSTANTS.c0))\n" + LAYER2 + "    return z",
                "unsupported-activation", "sigmoid", "line 6"),
    "tanh on the output": (PLAIN + "    return torch.tanh(z)", "unsupported-activation", "tanh", "line 8"),
    "leaky relu": ("    h = torch.leaky_relu(torch.linear(x, CONSTANTS.c0), 0.01)\n" + LAYER2 + "    return z",
                   "unsupported-activation", "leaky_relu"),
    "convolution": ("    return torch.conv1d(x, CONSTANTS.c0)", "unsupported-operation", "conv1d", "line 6"),
    "clamp from -1": ("    h = torch.clamp(torch.linear(x, CONSTANTS.c0), -1, 6)\n" + LAYER2 + "    return z",
                      "unsupported-clamp", "-1"),
    "clamp max alone": ("    h = torch.clamp(torch.linear(x, CONSTANTS.c0), None, 6)\n" + LAYER2 + "    return z",
                        "unsupported-clamp", "None"),
    "one layer": ("    return torch.softmax(torch.linear(x, CONSTANTS.c0), -1)", "one-layer", "softmax"),
    "no activation": ("    return torch.linear(torch.linear(x, CONSTANTS.c0), CONSTANTS.c1)", "one-layer"),
    "skip connection": (LAYER1 + "    return torch.add(torch.linear(h, CONSTANTS.c1), torch.slice(x, 1, 0, 3))",
                        "not-two-layer", "past them"),
    "product": (LAYER1 + "    return torch.linear(torch.mul(h, h), CONSTANTS.c1)", "not-two-layer", "mul"),
    "after softmax": (PLAIN + "    return torch.mul(torch.softmax(z, -1), 2.)", "not-two-layer", "after softmax"),
    "part of a softmax": (PLAIN + "    return torch.slice(torch.softmax(z, -1), 1, 0, 2)", "not-two-layer", "[0, 1]"),
    "softmax of another": (PLAIN + "    e = torch.exp(z)\n    f = torch.exp(torch.mul(z, 2.))\n"
                           "    return torch.div(e, torch.sum(f, [1], True))", "not-two-layer", "div"),
    "wrong shape": (LAYER1 + "    return torch.linear(h, CONSTANTS.c0)", "wrong-shape", "12"),
    "active dropout": ("    h = torch.relu(torch.dropout(torch.linear(x, CONSTANTS.c0), 0.5, True))\n" + LAYER2
                       + "    return z", "training-mode", "eval"),
    "data-dependent branch": (PLAIN + "    if torch.gt(torch.sum(z), 0):\n      y = z\n    else:\n      y = h\n"
                              "    return y", "not-two-layer", "depends on the input"),
    "unknown variable": ("    return torch.relu(nothing)", "not-two-layer", "line 6"),
    "missing constant": ("    return torch.linear(x, CONSTANTS.c9)", "wrong-shape", "line 6"),
    "endless loop": ("    for i in range(1000000000):\n      pass\n    return x", "too-many-steps"),
    "huge repeat": ("    y = torch.repeat(x, [1000000, 1000000])\n    return y", "model-too-large"),
    "syntax": ("    return (", "damaged-code", "code/__torch__.py"),
    "while": ("    while True:\n      pass\n    return x", "unsupported-operation", "While"),
    "Python call": ("    return __import__(\"os\").system(\"true\")", "unsupported-operation", "__import__"),
    "stale view": ("    y = torch.linear(x, CONSTANTS.c0)\n    z = torch.view(y, [-1])\n    h = torch.relu_(y)\n"
                   "    return torch.linear(torch.relu(z), CONSTANTS.c1)", "unsupported-operation", "in place"),
    "returns a number": ("    return torch.size(x, 0)", "not-two-layer", "int"),
    "no width": ("    return torch.mul(torch.relu(torch.mul(x, 2.)), 3.)", "unknown-width", "input 0"),
    "outputs of two bounds": (LAYER1 + "    g = torch.clamp(torch.linear(x, CONSTANTS.c0), 0, 3)\n"
                              "    return torch.linear(torch.add(h, g), CONSTANTS.c1)", "unsupported-clamp",
                              "one bound"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(export, tmp_path, case):
    body, name, *words = REFUSED[case]
    result = export(script(tmp_path, body))
    result.refused(name, *words)
    assert not result.blob.exists()


def test_nan_weights(export, tmp_path):
    bad = W1.copy()
    bad[3, 4] = np.nan
    export(script(tmp_path, PLAIN + "    return z", (bad, W2))).refused("weights-not-finite", "CONSTANTS.c0", "[3, 4]")


def test_shared_layer_gives_each_head_its_lanes(export, tmp_path):
    """Three actors over one 12 -> 20 layer, each with its own feature weights and 2 of 6 outputs."""
    feature_weights, w2 = random_weights(3, 12, seed=6), random_weights(6, 20, seed=7)
    body = ("    h = torch.clamp(torch.linear(torch.mul(torch.unsqueeze(x, 1), CONSTANTS.c2), CONSTANTS.c0), 0, 6)\n"
            "    o = torch.linear(h, CONSTANTS.c1)\n" + "".join(
                f"    p{i} = torch.softmax(torch.slice(torch.select(o, 1, {i}), 1, {2 * i}, {2 * i + 2}), 1)\n"
                for i in range(3)) + "    return torch.cat([p0, p1, p2], 1)")
    packed = heads_of(export, script(tmp_path, body, (W1, w2, feature_weights)))
    assert [(head.hidden, head.outputs) for head in packed.heads] == [(20, 2)] * 3
    for i, head in enumerate(packed.heads):
        folded = (feature_weights[i].astype(np.float64)[:, None] * W1.T).astype(np.float32)
        assert np.array_equal(packed.w1[:, head.first_lane:head.first_lane + 20], folded)
        assert np.array_equal(head.w2[:, :20], w2[2 * i:2 * i + 2])


def test_attribute_that_is_not_there(export, tmp_path):
    body = "    return torch.linear(x, self.weight)"
    export(script(tmp_path, body)).refused("not-two-layer", "line 6")


def test_root_that_is_no_module(export, tmp_path):
    records = script_records(PLAIN + "    return z", [W1, W2], data_pickle=pickle_of(b"}"))
    export(zip_of(tmp_path / "m.pt", records)).refused("damaged-pickle", "module")


def test_class_that_is_not_defined(export, tmp_path):
    records = script_records(PLAIN + "    return z", [W1, W2],
                             data_pickle=pickle_of(named("__torch__", "Other") + b")\x81}b"))
    export(zip_of(tmp_path / "m.pt", records)).refused("damaged-code", "Other")
