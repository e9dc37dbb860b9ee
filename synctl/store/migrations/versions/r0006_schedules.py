"""The slots of schedules, each claimed once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0006"
down_revision = "r0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "schedule_seen",
        _text("schedule"),
        _text("spec"),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("schedule"),
    )
    op.create_table(
        "schedule_slot",
        _text("schedule"),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        _text("state"),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        _text("sync_date"),
        _text("who"),
        _text("origin"),
        sa.Column("claimed_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("schedule", "slot"),
        sqlite_with_rowid=False,
    )
    only = sa.text("state = 'claimed'")
    op.create_index(
        "schedule_slot_claimed", "schedule_slot", ["schedule", "slot"], sqlite_where=only, postgresql_where=only
    )
    op.create_index("schedule_slot_by_run", "schedule_slot", ["run_id"])


def downgrade() -> None:
    """Drop them."""
    for table in ("schedule_slot", "schedule_seen"):
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)
