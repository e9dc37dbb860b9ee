"""Parquet: typed columns, through pyarrow, which is an extra."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from synctl.cli.export.dataset import Dataset, Fields, Record
from synctl.cli.export.formats import batches
from synctl.errors import UsageError
from synctl.store.prayer_times import EPOCH, TIME_NAMES, PrayerDay

if TYPE_CHECKING:
    import pyarrow

GROUP: Final = 25_000
"""Rows of a row group: some 40 MB while it is made."""
_DAY_S: Final = 86_400

Table = Callable[[Sequence[Any]], "pyarrow.Table"]


def as_parquet(dataset: Dataset) -> Iterator[bytes]:
    """A file with a row group for each 25,000 records. Raises UsageError where pyarrow is not installed."""
    if find_spec("pyarrow") is None:
        raise UsageError(
            "parquet needs pyarrow, which is not installed", hint="pip install '.[parquet]' in the checkout"
        )
    return _written(dataset, _prayer if dataset.resource == "prayer" else _TEXTS[dataset.resource])


def _written(dataset: Dataset, table: Table) -> Iterator[bytes]:
    from pyarrow import parquet  # noqa: PLC0415 - an extra, and 150 ms of import

    written = _Chunks()
    writer = None
    for batch in batches(dataset.records, GROUP):
        made = table(batch)
        writer = writer or parquet.ParquetWriter(written, made.schema)
        writer.write_table(made)
        yield written.taken()
    if writer is not None:
        writer.close()
        yield written.taken()


class _Chunks:
    """A file that is only written, and handed on piece by piece."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        self._at += len(part)
        return len(part)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _prayer(days: Sequence[PrayerDay]) -> pyarrow.Table:
    """Each time twice: the instant in UTC (`fajr`) and the city's wall clock, which has no zone (`fajr_local`)."""
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import compute  # noqa: PLC0415

    numbers = pa.array([day.date.toordinal() - EPOCH.toordinal() for day in days], pa.int32())
    midnight = compute.multiply(numbers.cast(pa.int64()), _DAY_S)
    offset = pa.array([day.utc_offset for day in days], pa.int32())
    columns: dict[str, pyarrow.Array] = {
        "city": pa.array([day.city.name for day in days], pa.string()),
        "city_id": pa.array([day.city.id for day in days], pa.int64()),
        "country": pa.array([day.city.country for day in days], pa.string()),
        "method": pa.array([day.method for day in days], pa.int16()),
        "madhab": pa.array([day.madhab_code for day in days], pa.string()),
        "date": numbers.cast(pa.date32()),
        "timezone": pa.array([day.city.timezone for day in days], pa.string()),
        "utc_offset": offset,
        "source": pa.array([day.source for day in days], pa.string()),
        "run": pa.array([day.run for day in days], pa.string()),
        "synced_at": pa.array([day.synced_at for day in days], pa.timestamp("ms", "UTC")),
    }
    for name, minutes in zip(TIME_NAMES, zip(*(day.minutes for day in days), strict=True), strict=True):
        local = compute.add(midnight, compute.multiply(pa.array(minutes, pa.int64()), 60))
        columns[name.lower()] = compute.subtract(local, offset).cast(pa.timestamp("s", "UTC"))
        columns[f"{name.lower()}_local"] = local.cast(pa.timestamp("s"))
    return pa.table(columns)


def _texts(numbers: Sequence[str], grades: Sequence[str] = ()) -> Table:
    """Return what makes a table of records: text, but for these columns, `synced_at` and lists of grades."""

    def table(records: Sequence[Record]) -> pyarrow.Table:
        import pyarrow as pa  # noqa: PLC0415

        rows: list[Fields] = [record.as_json() for record in records]
        graded = pa.list_(pa.struct([("name", pa.string()), ("grade", pa.string())]))
        kinds = dict.fromkeys(numbers, pa.int32()) | dict.fromkeys(grades, graded)
        columns = {}
        for name in rows[0]:
            values = [row[name] for row in rows]
            if name == "synced_at":
                columns[name] = pa.array([datetime.fromisoformat(value) for value in values], pa.timestamp("ms", "UTC"))
            else:
                columns[name] = pa.array(values, kinds.get(name, pa.string()))
        return pa.table(columns)

    return table


_TEXTS: Final[dict[str, Table]] = {
    "quran": _texts(["surah", "ayah", "number", "bismillah", "juz", "manzil", "page", "ruku", "hizb_quarter"]),
    "hadith": _texts(["position", "section", "section_hadith"], grades=["grades"]),
}
