# SPDX-License-Identifier: Apache-2.0
"""A certificate read, edited and computed again without any of our C++ code."""
import base64
import collections
import copy
import hashlib
import json
import math
import struct
import zlib

PERCENTILES = {"p50_ns": (1, 2, 6), "p90_ns": (9, 10, 36), "p95_ns": (19, 20, 72), "p99_ns": (99, 100, 368),
               "p99_9_ns": (999, 1000, 3688), "p99_99_ns": (9999, 10000, 36888),
               "p99_999_ns": (99999, 100000, 368888)}  # numerator, denominator, fewest samples


def document_of(folder):
    """Of the certificate in a folder."""
    return json.loads((folder / "c.json").read_text())


def canonical(document) -> bytes:
    """RFC 8785, for what a certificate may hold: ASCII keys, and numbers whose shortest text is the same everywhere."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(document) -> str:
    return hashlib.sha256(canonical({key: document[key] for key in document if key != "digest"})).hexdigest()


def leaves(value, path=()):
    """(path, value) of every number, text, flag and null, and of every empty list or object."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not entries or not value:
        yield path, value
        return
    for key, entry in entries:
        yield from leaves(entry, (*path, key))


def changed(document, path, value):
    """A copy with another leaf."""
    edited = copy.deepcopy(document)
    place = edited
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return edited


def other(value):
    """A value of the same type where there is one, as a forger would write it."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return round(value * 0.9 + 0.01, 4)
    if isinstance(value, str):
        return value[:-1] + ("1" if value[-1:] != "1" else "2")
    return 7 if value is None else [0] if isinstance(value, list) else {"added": 0}


def _varints(data):
    number = shift = 0
    for byte in data:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0


def _upper(bucket):
    """The largest value of an HdrHistogram's bucket: three digits, 2,048 single ones, then 1,024 an octave."""
    octave = max(0, bucket // 1024 - 1)
    return ((bucket - octave * 1024 + 1) << octave) - 1


def decode(text) -> dict[int, int]:
    """{value in ns: count} of one HdrHistogram V2, compressed, in base64."""
    data = base64.b64decode(text, validate=True)
    assert struct.unpack(">II", data[:8]) == (0x1c849314, len(data) - 8)
    data = zlib.decompress(data[8:])
    cookie, length, offset, digits, lowest, _, ratio = struct.unpack(">IIIIQQd", data[:40])
    assert (cookie, length, offset, digits, lowest, ratio) == (0x1c849313, len(data) - 40, 0, 3, 1, 1.0)
    counts, bucket = {}, 0
    for number in _varints(data[40:]):
        if number & 1:
            bucket += (number + 1) // 2  # zigzag: a run of empty buckets
            continue
        if number:
            counts[_upper(bucket)] = number // 2
        bucket += 1
    return counts


def read_log(path) -> dict[str, list[list[dict[int, int]]]]:
    """{series: whole re-runs of blocks of histograms}"""
    series = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in path.read_text().splitlines():
        if line.startswith("Tag="):
            tag, _, _, _, histogram = line.split(",")
            name, _, run = tag.removeprefix("Tag=").rpartition(".run-")
            series[name][int(run)].append(decode(histogram))
    return {name: [runs[number] for number in sorted(runs)] for name, runs in series.items()}


def merged(histograms) -> dict[int, int]:
    total = collections.Counter()
    for histogram in histograms:
        total.update(histogram)
    return dict(sorted(total.items()))


def middle(value):
    """Of the recorder's slot that ends at `value`: 1 ns wide below 2,048, then 64 in each octave, one beyond 2^30."""
    if value < 2048 or value >= 1 << 30:
        return value
    return value - ((1 << (value.bit_length() - 7)) - 1) / 2


def at_rank(histogram, rank):
    for value, count in histogram.items():
        rank -= count
        if rank <= 0:
            return value
    raise AssertionError("a rank beyond the samples")


def central(histogram):
    """Mean of the central 80 %: a tenth of the samples is cut at each end, to a tenth of a sample."""
    low = sum(histogram.values())  # in tenths of a sample
    high, seen, total = 9 * low, 0, 0.0
    for value, count in histogram.items():
        inside = min(seen + 10 * count, high) - max(seen, low)
        total += middle(value) * max(inside, 0)
        seen += 10 * count
    return total / (8 * low)


def figures(histogram) -> dict:
    """What a certificate says of all samples of a series, but for its intervals."""
    count = sum(histogram.values())
    mean = sum(middle(value) * number for value, number in histogram.items()) / count
    squares = sum((middle(value) - mean) ** 2 * number for value, number in histogram.items())
    found = {"count": count, "min_ns": min(histogram), "max_ns": max(histogram), "mean_ns": mean,
             "deviation_ns": math.sqrt(squares / count), "central_ns": central(histogram)}
    for name, (numerator, denominator, fewest) in PERCENTILES.items():
        rank = -(-count * numerator // denominator)
        found[name] = at_rank(histogram, rank) if count >= fewest else None
    return found
