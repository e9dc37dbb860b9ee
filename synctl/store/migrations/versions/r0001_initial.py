"""The first schema: reference data, runs and their ledger, the audit trail, prayer times."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

TIMES = (
    "fajr", "sunrise", "dhuhr", "asr", "sunset", "maghrib", "isha",
    "imsak", "midnight", "firstthird", "lastthird",
)  # fmt: skip
"""In the order of the upstream."""


def upgrade() -> None:
    """Create everything."""
    _reference()
    _runs()
    _stored()
    op.execute(_prayer_schedule(op.get_context().dialect.name))


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP VIEW prayer_schedule")
    for table in ("prayer_time", "stored_unit", "run_event", "sync_unit", "run_shard", "run"):
        op.drop_table(table)
    for table in ("city", "madhab", "method"):
        op.drop_table(table)


def _reference() -> None:
    op.create_table(
        "method",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("params", sa.String(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "madhab",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("asr_factor", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "city",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("folded", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90 AND latitude <> 0", name="city_latitude"),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180 AND longitude <> 0", name="city_longitude"),
    )
    op.create_index("city_by_population", "city", ["population"])
    op.create_index("city_by_name", "city", ["folded"])


def _runs() -> None:
    op.create_table(
        "run",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("sync_date", sa.String(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("shards", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("run_by_state", "run", ["state"])
    op.create_index("run_by_age", "run", ["created_at"])
    op.create_table(
        "run_shard",
        sa.Column("run_seq", sa.Integer(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("enqueued_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("run_seq", "shard"),
        sa.ForeignKeyConstraint(["run_seq"], ["run.seq"], ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sync_unit",
        sa.Column("run_seq", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error_class", sa.String(), nullable=True),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("body_hash", sa.String(), nullable=True),
        sa.Column("took_ms", sa.Integer(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("run_seq", "ordinal"),
        sa.ForeignKeyConstraint(["run_seq"], ["run.seq"], ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    for state, second in (("pending", "ordinal"), ("leased", "shard"), ("failed", "ordinal")):
        only = sa.text(f"state = '{state}'")
        op.create_index(
            f"sync_unit_{state}", "sync_unit", ["run_seq", second], sqlite_where=only, postgresql_where=only
        )
    op.create_table(
        "run_event",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("run_event_by_run", "run_event", ["run_id", "id"])


def _stored() -> None:
    op.create_table(
        "stored_unit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("synced_at", sa.BigInteger(), nullable=False),
        sa.Column("body_hash", sa.String(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("stored_unit_key", "stored_unit", ["resource", "key"], unique=True)
    op.create_table(
        "prayer_time",
        sa.Column("city_id", sa.BigInteger(), nullable=False),
        sa.Column("method_id", sa.SmallInteger(), nullable=False),
        sa.Column("madhab_id", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("utc_offset", sa.Integer(), nullable=False),
        *(sa.Column(time, sa.SmallInteger(), nullable=False) for time in TIMES),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "method_id", "madhab_id", "day"),
        sqlite_with_rowid=False,
    )


def _prayer_schedule(dialect: str) -> str:
    """Prayer times for people: the same text in both dialects.

    Minutes count from 00:00 of `day`; below 0 and from 1440 on they lie on a neighbouring date. So each time
    is shown with the date it falls on.
    """
    if dialect == "postgresql":
        date = "to_char(DATE '1970-01-01' + p.day, 'YYYY-MM-DD')"
        moment = "to_char(DATE '1970-01-01' + p.day + make_interval(mins => p.{}), 'YYYY-MM-DD HH24:MI')"
        synced = """to_char(to_timestamp(u.synced_at / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
    else:
        date = "strftime('%Y-%m-%d', p.day * 86400, 'unixepoch')"
        moment = "strftime('%Y-%m-%d %H:%M', p.day * 86400 + p.{} * 60, 'unixepoch')"
        synced = "strftime('%Y-%m-%dT%H:%M:%SZ', u.synced_at / 1000, 'unixepoch')"
    times = ", ".join(f"{moment.format(time)} AS {time}" for time in TIMES)
    return (
        "CREATE VIEW prayer_schedule AS SELECT"
        " c.id AS city_id, c.name AS city, c.country AS country, c.timezone AS timezone,"
        f" m.code AS method, a.code AS madhab, {date} AS date, {times},"
        f" u.source AS source, u.run_id AS run_id, {synced} AS synced_at"
        " FROM prayer_time p"
        " JOIN city c ON c.id = p.city_id"
        " JOIN method m ON m.id = p.method_id"
        " JOIN madhab a ON a.id = p.madhab_id"
        " LEFT JOIN stored_unit u ON u.id = p.unit_id"
    )
