"""How often a process crashed at a unit by its own doing, besides how often one vanished."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0008"
down_revision = "r0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("sync_unit", sa.Column("crashes", sa.SmallInteger(), nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("sync_unit", "crashes")
