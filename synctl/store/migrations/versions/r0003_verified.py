"""Units that did not change, units that failed verification, and what changed: kept and counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns and tables; one index for all that a retry would queue again."""
    for name in ("quarantined", "unchanged", "anew"):
        op.add_column("run", sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("stored_unit", sa.Column("validators", sa.Text(), nullable=True))
    op.add_column("stored_unit", sa.Column("basis", sa.Text(), server_default=sa.text("''"), nullable=False))
    _index_failures("state IN ('failed', 'quarantined')")
    op.create_table(
        "quarantine",
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("sample", sa.Text(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("resource", "key"),
    )
    op.create_table(
        "waiver",
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("stored_hash", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("resource", "key", "rule"),
    )
    op.create_table(
        "unit_change",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_seq", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["run_seq"], ["run.seq"], ondelete="CASCADE"),
    )
    op.create_index("unit_change_by_run", "unit_change", ["run_seq", "id"])


def downgrade() -> None:
    """Drop them."""
    for table in ("unit_change", "waiver", "quarantine"):
        op.drop_table(table)
    _index_failures("state = 'failed'")
    op.drop_column("stored_unit", "basis")
    op.drop_column("stored_unit", "validators")
    for name in ("anew", "unchanged", "quarantined"):
        op.drop_column("run", name)


def _index_failures(condition: str) -> None:
    op.drop_index("sync_unit_failed", "sync_unit")
    op.create_index(
        "sync_unit_failed",
        "sync_unit",
        ["run_seq", "ordinal"],
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )
