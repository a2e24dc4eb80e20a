# SPDX-License-Identifier: Apache-2.0
"""Inputs that no lane reads: when the blob leaves them out, what it says of that, and what else is refused."""
import json

import numpy as np
import pytest
from helpers import save_npz, small_head
from test_blob import refused, stamp

from weight_export import layout
from weight_export.blob import Blob, to_bytes
from weight_export.read_blob import parse_blob, read_blob

UNBUDGETED = ("--budget", "probability=1,value=1,argmax=0")
INPUTS, HIDDEN = 60, 200  # 208 lanes; 60 x 32 bytes are less than 4,096


def rows_of_zeros(unread, inputs=INPUTS):
    heads = small_head("actor", inputs, HIDDEN)
    heads["actor.w1"][list(unread)] = 0
    return heads


@pytest.fixture(params=["int8", "float32"])
def pruned(request, export, tmp_path):
    def make(unread, *options, inputs=INPUTS):
        result = export(save_npz(tmp_path / "m.npz", rows_of_zeros(unread, inputs)), "--dtype", request.param,
                        *UNBUDGETED, *options)
        result.succeeded()
        return result
    make.dtype = request.param
    return make


def kept_of(result):
    """What the header says, and which inputs section 6 lists."""
    data = result.blob.read_bytes()
    header = layout.unpack_fields(layout.HEADER, data)
    return header["layout"], header["kept_inputs"], read_blob(result.blob).packed.kept.tolist()


def test_unread_inputs_are_left_out(pruned, tmp_path):
    unread = range(5, 50, 2)
    result = pruned(unread, "--report", tmp_path / "r.json", "--report-html", tmp_path / "r.html")
    kept = [i for i in range(INPUTS) if i not in unread]
    assert kept_of(result) == (2, 37, kept)
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["inputs"], report["kept_inputs"]) == (INPUTS, 37)
    for text in (result.text, " ".join(report["notes"]), (tmp_path / "r.html").read_text()):
        assert "23 of 60 inputs are pruned" in text
    packed = read_blob(result.blob).packed
    assert packed.w1.shape == (INPUTS, 208) and not packed.w1[list(unread)].any()
    # A model without them is as large, but for the bits and the golden inputs.
    depth, item = (4, 1) if pruned.dtype == "int8" else (1, 4)
    assert len(result.blob.read_bytes()) < len(pruned([]).blob.read_bytes()) - (23 // depth - 1) * depth * 208 * item


def test_a_model_that_reads_all_is_as_ever(pruned):
    assert kept_of(pruned([])) == (1, 0, list(range(INPUTS)))
    assert "pruned" not in pruned([]).text


@pytest.mark.parametrize("more, expected", [(0, 1), (1, 2)])
def test_the_bound(pruned, more, expected):
    """208 lanes: 20 rows of int8 are 4,160 bytes, 5 of float32 too."""
    enough = 20 if pruned.dtype == "int8" else 5
    result = pruned(range(1, enough + more))
    assert kept_of(result)[0] == expected
    assert f"{enough + more - 1} of 60 inputs have no weight" in result.text


def test_what_lies_before_the_first_and_behind_the_last_does_not_count(pruned):
    assert kept_of(pruned([*range(0, 20), *range(40, 60)]))[0] == 1
    assert kept_of(pruned(range(INPUTS)))[0] == 1
    # But where a model is pruned they go as well.
    assert kept_of(pruned([*range(0, 10), *range(20, 40), *range(50, 60)])) == (2, 20, [*range(10, 20), *range(40, 50)])


def test_the_newest_row_stays(pruned):
    unread = [*range(1, 41), *range(50, 60)]
    layout_number, count, kept = kept_of(pruned(unread, "--window", "6x10"))
    assert (layout_number, count) == (2, 20) and kept == [0, *range(41, 60)]
    assert kept_of(pruned(range(1, 59), "--window", "1x60"))[0] == 1  # all of it is the newest row


def test_inputs_whose_weights_round_to_zero_are_pruned(export, tmp_path):
    heads = small_head("actor", INPUTS, HIDDEN)
    heads["actor.w1"][10:40] *= 1e-6  # below half a unit of every lane
    result = export(save_npz(tmp_path / "m.npz", heads), "--dtype", "int8", *UNBUDGETED)
    result.succeeded()
    assert kept_of(result) == (2, 30, [*range(10), *range(40, 60)])
    assert "30 of 60 inputs are pruned" in result.text and "no weight in any head" not in result.text


def test_clipped_inputs_are_those_that_are_kept(export, tmp_path):
    states = np.zeros((16, INPUTS), np.float32)
    states[:, 1:30] = 2  # outside the range, and pruned
    states[:, 40] = 2    # outside, and kept
    np.save(tmp_path / "s.npy", states)
    np.save(tmp_path / "c.npy", np.repeat([[1], [-1]], INPUTS, axis=1).astype(np.float32))
    result = export(save_npz(tmp_path / "m.npz", rows_of_zeros(range(1, 30))), "--dtype", "int8", "--calibration",
                    tmp_path / "c.npy", "--held-out", tmp_path / "s.npy", *UNBUDGETED,
                    "--report", tmp_path / "r.json")
    result.succeeded()
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["clipped_inputs"] == read_blob(result.blob).clipped_inputs == 16
    assert report["diagnosis"]["heads"][0]["worst"][0]["clipped_inputs"] == 1


def section_of(data, blob: Blob):
    """Where section 6 begins: behind ranges, names, scales, start and lane scales."""
    packed = blob.packed
    sizes = [8 * len(packed.ranges), 32 * len(packed.feature_names)]
    sizes += [4 * len(packed.kept), 4 * packed.lanes, 4 * packed.lanes] if packed.input_scale is not None else [
        4 * packed.lanes]
    return layout.HEADER_BYTES + len(packed.heads) * layout.RECORD_BYTES + sum(layout.pad64(size) for size in sizes)


def test_every_other_list_is_refused(pruned):
    data = pruned(range(1, 59, 2), "--window", "10x6").blob.read_bytes()
    begin = section_of(data, parse_blob(data))
    assert data[begin:begin + 8] == b"\x55" * 6 + b"\xd5\x0f"
    for place in range(64 * 8):
        changed = bytearray(data)
        changed[begin + place // 8] ^= 1 << place % 8
        assert refused(stamp(bytes(changed))), place
    moved = bytearray(data)  # as many bits, one of them elsewhere
    moved[begin] ^= 0b110
    assert refused(stamp(bytes(moved)))
    for offset, value in ((24, 1), (24, 3), (352, 0), (352, 1), (352, 60), (352, 29)):
        assert refused(stamp(data[:offset] + value.to_bytes(4, "little") + data[offset + 4:]))


def test_the_other_layout_is_refused(pruned, monkeypatch):
    """A model that has to be pruned, written whole, and the other way round."""
    for unread, forced in ((range(1, 40), lambda *_: False), (range(1, 4), lambda *_: True)):
        blob = parse_blob(pruned(unread).blob.read_bytes())
        with monkeypatch.context() as patch:
            patch.setattr(layout, "is_stored_pruned", forced)
            data = to_bytes(blob)
            parse_blob(data)
        assert refused(data)
