"""When the units of a run were removed; how often a process died at a unit; totals of what is stored by index alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0007"
down_revision = "r0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and indexes."""
    op.add_column("run", sa.Column("pruned_at", sa.BigInteger(), nullable=True))
    op.add_column("sync_unit", sa.Column("deaths", sa.SmallInteger(), nullable=False, server_default=sa.text("0")))
    only = sa.text("state = 'pending' AND deaths > 0")
    op.create_index(
        "sync_unit_suspect", "sync_unit", ["run_seq", "deaths", "ordinal"], sqlite_where=only, postgresql_where=only
    )
    op.create_index("stored_unit_synced", "stored_unit", ["resource", "synced_at", "rows"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("stored_unit_synced", "stored_unit")
    op.drop_index("sync_unit_suspect", "sync_unit")
    op.drop_column("sync_unit", "deaths")
    op.drop_column("run", "pruned_at")
