"""Runs that write the same rows take turns; a run that failed says by which class of error."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("run", sa.Column("waits_for", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("run", sa.Column("error_class", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("run", "error_class")
    op.drop_column("run", "waits_for")
