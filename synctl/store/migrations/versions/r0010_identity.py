"""A name of its own for each database: workers and those who queue tell by it whether they mean the same one."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "r0010"
down_revision = "r0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table with its only row."""
    table = op.create_table("ledger_identity", sa.Column("id", sa.String(), primary_key=True))
    op.bulk_insert(table, [{"id": secrets.token_hex(16)}])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("ledger_identity")
