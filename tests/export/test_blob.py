# SPDX-License-Identifier: Apache-2.0
"""The format's mirror: offsets against the page, tiles, and a reader that refuses every other byte string."""

import re
from pathlib import Path

import numpy as np
import pytest
from helpers import save_npz, small_head

from weight_export import layout
from weight_export.blob import digest, pack_w1
from weight_export.errors import ExportError
from weight_export.packed import PackedModel
from weight_export.read_blob import parse_blob, unpack_w1

PAGE = Path(__file__).resolve().parents[2] / "docs" / "BLOB_FORMAT.md"


def page_rows(title):
    """(offset, type, field) rows of the table under a heading."""
    text = PAGE.read_text(encoding="utf-8").partition(title)[2].partition("\n## ")[0]
    return [(int(offset), kind, name) for offset, kind, name in
            re.findall(r"^\| (\d+) \| ([a-z0-9\[\]]+) \| (\w+) \|", text, re.MULTILINE)]


@pytest.mark.parametrize("title, fields", [("## Header", layout.HEADER), ("## Head records", layout.RECORD)])
def test_mirror_is_the_page(title, fields):
    mirror = [(field.offset, field.kind, re.sub(r"reserved\d", "reserved", field.name)) for field in fields]
    assert page_rows(title) == mirror and len(mirror) > 10


@pytest.mark.parametrize("groups, tiles", [(1, [1]), (14, [14]), (16, [16]), (17, [9, 8]), (38, [13, 13, 12]),
                                           (512, [16] * 32)])
def test_tiles_are_even(groups, tiles):
    assert layout.tile_groups(groups) == tiles


@pytest.mark.parametrize("inputs, lanes", [(1, 16), (5, 32), (420, 224), (13, 272), (3, 608)])
@pytest.mark.parametrize("dtype", [np.int8, np.float32])
def test_w1_tiles(inputs, lanes, dtype):
    """Each weight stands where the page says, computed a weight at a time."""
    w1 = np.random.RandomState(0).randint(-127, 128, (inputs, lanes)).astype(dtype)
    kind = layout.INT8 if dtype == np.int8 else layout.FLOAT32
    flat = np.frombuffer(pack_w1(PackedModel(kind, inputs, (0, 0), None, [], None, w1)), dtype)
    first_group, first = 0, 0
    for groups in layout.tile_groups(lanes // 16):
        for i, lane in [(i, lane) for i in range(inputs) for lane in range(groups * 16)][::7]:
            g, l16 = divmod(lane, 16)
            place = (i * groups + g) * 16 + l16
            if kind == layout.INT8:
                place = ((i // 4 * groups + g) * 16 + l16) * 4 + i % 4
            assert flat[first + place] == w1[i, first_group * 16 + lane]
        rows = layout.pad4(inputs) if kind == layout.INT8 else inputs
        first, first_group = first + rows * groups * 16, first_group + groups
    assert first == len(flat)
    assert np.array_equal(unpack_w1(flat, inputs, lanes), w1)


@pytest.fixture(params=["int8", "float32"])
def blob(request, export, tmp_path):
    source = save_npz(tmp_path / "m.npz", small_head("a", inputs=10) | small_head("b", inputs=10, outputs=1))
    result = export(source, "--dtype", request.param, "--window", "5x2", "--features", "up,down")
    result.succeeded()
    return result.blob.read_bytes()


def stamp(data):
    return data[:96] + digest(data) + data[128:]


def refused(data):
    with pytest.raises(ExportError) as error:
        parse_blob(data)
    return error.value.name == "bad-blob"


def test_reads_what_was_written(blob):
    parsed = parse_blob(blob)
    assert [head.name for head in parsed.packed.heads] == ["a", "b"]
    assert parsed.packed.feature_names == ["up", "down"]


def test_every_length_but_one_is_refused(blob):
    for length in [*range(0, 1000, 7), *range(1000, len(blob), 501), len(blob) - 1]:
        assert refused(blob[:length])
    for extra in (1, 64, 4096):
        assert refused(blob + bytes(extra))


def test_every_changed_byte_is_refused(blob):
    for place in [*range(0, 768), *range(768, len(blob), 37)]:
        assert refused(blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1:]), place


FREE = {"generation", "accuracy_states", "clipped_inputs", "digest", "source_sha256", "name", "run_id", "exporter",
        "calibration_sha256"}


def test_header_bytes_with_a_new_digest(blob):
    """Refused, or different only in a free field."""
    for field in layout.HEADER:
        for place in range(field.offset, field.offset + field.size):
            for change in (1, 0x80):
                data = stamp(blob[:place] + bytes([blob[place] ^ change]) + blob[place + 1:])
                if field.name in FREE:
                    continue
                assert refused(data), (field.name, place)


def test_padding_must_be_zero(blob):
    """Any zero byte after the header that changes is refused, re-stamped or not, unless it is a number's own byte."""
    parsed = parse_blob(blob)
    padding = 512 + 2 * 128 + 16  # the ranges take 16 bytes; their section is padded to 64
    assert blob[padding:padding + 48] == bytes(48)
    for place in range(padding, padding + 48):
        assert refused(stamp(blob[:place] + b"\1" + blob[place + 1:]))
    assert parsed.packed.lanes == 64


@pytest.mark.parametrize("offset, value", [
    (32, 0), (32, 4097), (32, 2**31), (36, 0), (36, 65), (36, 2**32 - 1), (40, 2), (44, 0x80000000), (48, 0),
    (48, 0x7FC00000), (48, 0xC0C00000), (52, 1)])
def test_record_fields(blob, offset, value):
    place = 512 + offset
    assert refused(stamp(blob[:place] + value.to_bytes(4, "little") + blob[place + 4:]))
