"""The schema, declared once. Applications may import these models to read what synctl stores.

Instants are milliseconds since the Unix epoch (UTC). `day` columns are days since 1970-01-01. The view
`prayer_schedule` shows prayer times readably to people and to SQL that wants no arithmetic.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    text,
)
from sqlmodel import Field, SQLModel

from synctl.store.hadith_models import Hadith as Hadith
from synctl.store.hadith_models import HadithCollection as HadithCollection
from synctl.store.hadith_models import HadithEdition as HadithEdition
from synctl.store.hadith_models import HadithGrade as HadithGrade
from synctl.store.hadith_models import HadithSection as HadithSection
from synctl.store.prerequisites import MISPLACED
from synctl.store.quran_models import QuranAyah as QuranAyah
from synctl.store.quran_models import QuranCatalogue as QuranCatalogue
from synctl.store.quran_models import QuranEdition as QuranEdition
from synctl.store.quran_models import QuranSurah as QuranSurah

WITHOUT_ROWID = {"sqlite_with_rowid": False}


class Method(SQLModel, table=True):
    """A calculation method as AlAdhan numbers it. `params` is its JSON object, verbatim."""

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    code: str = Field(unique=True)
    name: str
    params: str
    named: bool = Field(description="False for CUSTOM, which is no part of `all`")


class Madhab(SQLModel, table=True):
    """0: Shafi, Maliki, Hanbali. 1: Hanafi. It changes only Asr: the shadow is `asr_factor` times the object."""

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    code: str = Field(unique=True)
    name: str
    asr_factor: int


class City(SQLModel, table=True):
    """A place to calculate for: GeoNames' id, or one derived from name and country for a user's own list."""

    __table_args__ = (
        CheckConstraint("latitude BETWEEN -90 AND 90 AND latitude <> 0", name="city_latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180 AND longitude <> 0", name="city_longitude"),
        Index("city_by_population", "population"),
        Index("city_by_name", "folded"),
        Index("city_by_timezone", "timezone"),
        Index("city_misplaced", "origin", sqlite_where=text(MISPLACED), postgresql_where=text(MISPLACED)),
    )
    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    name: str
    folded: str = Field(description="name in lower-case ASCII, for look-ups")
    country: str = Field(description="ISO 3166-1 alpha-2")
    latitude: float
    longitude: float
    timezone: str = Field(description="IANA name")
    population: int
    origin: str = Field(description="`geonames` or `file`")


class Run(SQLModel, table=True):
    """One sync of a resource for a selection and a date range."""

    __table_args__ = (
        Index("run_by_state", "state"),
        Index("run_by_age", "created_at"),
        # A `seq` is never used twice: else the lease of a deleted run would fit the next one.
        {"sqlite_autoincrement": True},
    )
    seq: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=True))
    id: str = Field(unique=True)
    resource: str
    source: str
    sync_date: str
    params: str = Field(sa_column=Column(Text, nullable=False))
    label: str
    state: str
    reason: str = Field(default="", description="why it is in this state, for people")
    error_class: str | None = Field(
        sa_column=Column(Text, nullable=True), default=None, description="of the error that ended it"
    )
    waits_for: str = Field(
        sa_column=Column(Text, nullable=False, server_default=text("''")),
        default="",
        description="id of the run that has to end before this one, queued, may start",
    )
    epoch: int = Field(default=0, description="the newest fencing token handed to a shard")
    attempt: int = Field(default=0, description="the newest RQ job number")
    shards: int = 1
    total: int
    done: int = 0
    failed: int = 0
    quarantined: int = Field(
        sa_column=Column(Integer, nullable=False, server_default=text("0")),
        default=0,
        description="units whose answer broke a rule; part of `failed`",
    )
    unchanged: int = Field(
        sa_column=Column(Integer, nullable=False, server_default=text("0")),
        default=0,
        description="units done of which nothing had to be written; part of `done`",
    )
    anew: int = Field(
        sa_column=Column(Integer, nullable=False, server_default=text("0")),
        default=0,
        description="1: forced, so nothing that is known of a unit may save work",
    )
    rows: int = Field(default=0, sa_column=Column(BigInteger, nullable=False), description="rows verified")
    changed: int = Field(default=0, sa_column=Column(BigInteger, nullable=False), description="rows written")
    created_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    started_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    finished_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    pruned_at: int | None = Field(
        default=None,
        sa_column=Column(BigInteger),
        description="since when units that are done, or all, are no longer in its ledger",
    )


class RunShard(SQLModel, table=True):
    """A shard that is expected to work on its run. Its `epoch` is the fence: a commit must name it."""

    __tablename__ = "run_shard"
    __table_args__ = (WITHOUT_ROWID,)
    run_seq: int = Field(sa_column=Column(Integer, ForeignKey("run.seq", ondelete="CASCADE"), primary_key=True))
    shard: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    attempt: int
    epoch: int = Field(default=0, description="0 until a worker acquired it")
    holder: str = Field(default="", description="host:pid of the work horse, worker name")
    enqueued_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    started_at: int | None = Field(default=None, sa_column=Column(BigInteger))


class SyncUnit(SQLModel, table=True):
    """The ledger: a row for each unit of a run."""

    __tablename__ = "sync_unit"
    __table_args__ = (
        Index("sync_unit_pending", "run_seq", "ordinal", sqlite_where=text("state = 'pending'"),
              postgresql_where=text("state = 'pending'")),
        Index("sync_unit_leased", "run_seq", "shard", sqlite_where=text("state = 'leased'"),
              postgresql_where=text("state = 'leased'")),
        Index("sync_unit_failed", "run_seq", "ordinal", sqlite_where=text("state IN ('failed', 'quarantined')"),
              postgresql_where=text("state IN ('failed', 'quarantined')")),
        Index("sync_unit_suspect", "run_seq", "deaths", "ordinal",
              sqlite_where=text("state = 'pending' AND deaths > 0"),
              postgresql_where=text("state = 'pending' AND deaths > 0")),
        WITHOUT_ROWID,
    )  # fmt: skip
    run_seq: int = Field(sa_column=Column(Integer, ForeignKey("run.seq", ondelete="CASCADE"), primary_key=True))
    ordinal: int = Field(sa_column=Column(Integer, primary_key=True))
    key: str
    spec: str = Field(sa_column=Column(Text, nullable=False), description="JSON, the resource's own")
    state: str = "pending"
    shard: int | None = Field(default=None, sa_column=Column(SmallInteger))
    epoch: int = 0
    attempts: int = 0
    error_class: str | None = None
    http_status: int | None = None
    message: str | None = None
    rows: int = 0
    changed: int = 0
    body_hash: str | None = None
    took_ms: int | None = None
    settled_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    deaths: int = Field(
        sa_column=Column(SmallInteger, nullable=False, server_default=text("0")),
        default=0,
        description="processes that vanished while they held it",
    )
    crashes: int = Field(
        sa_column=Column(SmallInteger, nullable=False, server_default=text("0")),
        default=0,
        description="of those, the ones that crashed or took too much memory",
    )


class RunEvent(SQLModel, table=True):
    """The audit trail: who did what to which run, from where and why. Kept when the run is deleted."""

    __tablename__ = "run_event"
    __table_args__ = (Index("run_event_by_run", "run_id", "id"),)
    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=True))
    run_id: str
    at: int = Field(sa_column=Column(BigInteger, nullable=False))
    kind: str = Field(description="created, request, state, taken-over, deleted …")
    state: str = Field(description="the run's state afterwards")
    who: str
    origin: str = Field(description="host and pid it came from")
    reason: str = ""


class StoredUnit(SQLModel, table=True):
    """Where stored rows come from: the last sync that verified them. Outlives the ledger."""

    __tablename__ = "stored_unit"
    __table_args__ = (
        Index("stored_unit_key", "resource", "key", unique=True),
        # `rows`: so totals of what is stored are told from the index alone.
        Index("stored_unit_synced", "resource", "synced_at", "rows"),
    )
    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=True))
    resource: str
    key: str
    source: str
    run_id: str
    synced_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    body_hash: str | None = None
    rows: int
    validators: str | None = Field(
        sa_column=Column(Text, nullable=True), default=None, description="JSON: ETag and the like of its upstream"
    )
    basis: str = Field(
        sa_column=Column(Text, nullable=False, server_default=text("''")),
        default="",
        description="what was asked that its key does not say: the coordinates of a city",
    )


class Quarantine(SQLModel, table=True):
    """A unit whose last answer broke a rule: nothing of it was stored, the old rows stayed."""

    resource: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    rule: str
    message: str = Field(sa_column=Column(Text, nullable=False))
    sample: str = Field(sa_column=Column(Text, nullable=False), description="what was answered there, cut short")
    source: str
    run_id: str
    found_at: int = Field(sa_column=Column(BigInteger, nullable=False))


class Waiver(SQLModel, table=True):
    """A rule that an operator has waived for a unit: the next answer that is stored may break it, and no other."""

    resource: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    rule: str = Field(primary_key=True)
    who: str
    reason: str = Field(sa_column=Column(Text, nullable=False))
    at: int = Field(sa_column=Column(BigInteger, nullable=False))
    stored_hash: str | None = Field(
        sa_column=Column(Text, nullable=True), default=None, description="of the answer it was used for; NULL: not yet"
    )


class UnitChange(SQLModel, table=True):
    """A stored row that a run changed, added or removed in a unit that was stored before. JSON objects."""

    __tablename__ = "unit_change"
    __table_args__ = (Index("unit_change_by_run", "run_seq", "id"),)
    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=True))
    run_seq: int = Field(sa_column=Column(Integer, ForeignKey("run.seq", ondelete="CASCADE"), nullable=False))
    unit: str
    table_name: str
    row_key: str = Field(sa_column=Column(Text, nullable=False))
    old: str | None = Field(sa_column=Column(Text, nullable=True), default=None)
    new: str | None = Field(sa_column=Column(Text, nullable=True), default=None)


class LedgerIdentity(SQLModel, table=True):
    """The one row that says which database this is, under whatever name it is reached."""

    __tablename__ = "ledger_identity"
    id: str = Field(primary_key=True)


class ScheduleSeen(SQLModel, table=True):
    """A schedule of the configuration, since when it is as it is: what lies before is not made up for."""

    __tablename__ = "schedule_seen"
    schedule: str = Field(primary_key=True)
    spec: str = Field(description="its expression and time zone; empty while it is not in force")
    since: int = Field(sa_column=Column(BigInteger, nullable=False))


class ScheduleSlot(SQLModel, table=True):
    """A moment of a schedule, and what came of it. Claimed here before anything is queued, so it is queued once."""

    __tablename__ = "schedule_slot"
    __table_args__ = (
        Index("schedule_slot_claimed", "schedule", "slot", sqlite_where=text("state = 'claimed'"),
              postgresql_where=text("state = 'claimed'")),
        Index("schedule_slot_by_run", "run_id"),
        WITHOUT_ROWID,
    )  # fmt: skip
    schedule: str = Field(primary_key=True)
    slot: int = Field(sa_column=Column(BigInteger, primary_key=True))
    state: str = Field(description="claimed, enqueued, skipped, missed or failed")
    run_id: str | None = None
    why: str = Field(
        sa_column=Column(Text, nullable=False),
        description="created, active, fresh, retried, forced; for people where it is not enqueued",
    )
    sync_date: str = Field(description="of its run, whoever queues it and however late")
    who: str
    origin: str = Field(description="host and pid of who claimed it last")
    claimed_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    settled_at: int | None = Field(default=None, sa_column=Column(BigInteger))


class PrayerTime(SQLModel, table=True):
    """One day's eleven times of a city, method and madhab.

    Each time is in minutes after 00:00 of `day` at the zone offset `utc_offset` (seconds): below 0 it falls on
    the day before, from 1440 on the day after. So the instant is `day × 86400 − utc_offset + minutes × 60`
    seconds after the epoch, and the wall clock as published is `minutes mod 1440`.
    """

    __tablename__ = "prayer_time"
    __table_args__ = (WITHOUT_ROWID,)
    city_id: int = Field(sa_column=Column(BigInteger, primary_key=True))
    method_id: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    madhab_id: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    day: int = Field(sa_column=Column(Integer, primary_key=True))
    utc_offset: int = Field(sa_column=Column(Integer, nullable=False))
    fajr: int = Field(sa_column=Column(SmallInteger, nullable=False))
    sunrise: int = Field(sa_column=Column(SmallInteger, nullable=False))
    dhuhr: int = Field(sa_column=Column(SmallInteger, nullable=False))
    asr: int = Field(sa_column=Column(SmallInteger, nullable=False))
    sunset: int = Field(sa_column=Column(SmallInteger, nullable=False))
    maghrib: int = Field(sa_column=Column(SmallInteger, nullable=False))
    isha: int = Field(sa_column=Column(SmallInteger, nullable=False))
    imsak: int = Field(sa_column=Column(SmallInteger, nullable=False))
    midnight: int = Field(sa_column=Column(SmallInteger, nullable=False))
    firstthird: int = Field(sa_column=Column(SmallInteger, nullable=False))
    lastthird: int = Field(sa_column=Column(SmallInteger, nullable=False))
    unit_id: int = Field(sa_column=Column(Integer, nullable=False))
