"""The formats of an export that are text: each turns records into chunks of UTF-8."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

import msgspec

from synctl.cli.export.dataset import Dataset

BATCH: Final = 1000
"""Records a chunk: some 400 KB, few enough to hold, many enough that writing them costs nothing."""

T = TypeVar("T")


def batches(records: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Yield lists of `size`, the last one shorter."""
    left = iter(records)
    while batch := list(islice(left, size)):
        yield batch


def as_csv(dataset: Dataset) -> Iterator[bytes]:
    """RFC 4180 with a header: lines end with CRLF, quotes where they are needed, nothing for null."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(dataset.columns)
    for batch in batches(dataset.records):
        writer.writerows(dataset.flat(record.as_json()) for record in batch)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def as_ndjson(dataset: Dataset) -> Iterator[bytes]:
    """One object a line, with the fields of `show --json`."""
    encode = msgspec.json.Encoder().encode
    for batch in batches(dataset.records):
        yield b"".join(encode(record.as_json()) + b"\n" for record in batch)


def as_json(dataset: Dataset) -> Iterator[bytes]:
    """One array, an object a line."""
    encode = msgspec.json.Encoder().encode
    before = b"[\n"
    for batch in batches(dataset.records):
        yield before + b",\n".join(encode(record.as_json()) for record in batch)
        before = b",\n"
    yield b"\n]\n"
