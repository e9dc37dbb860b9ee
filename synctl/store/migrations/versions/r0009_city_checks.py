"""Indexes for what every order and every shard asks first: are all cities somewhere, and in zones that are known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0009"
down_revision = "r0008"
branch_labels = None
depends_on = None

_MISPLACED = sa.text(
    "latitude = 0 OR longitude = 0 OR latitude NOT BETWEEN -90 AND 90 OR longitude NOT BETWEEN -180 AND 180"
)


def upgrade() -> None:
    """Add them: an order took 20 ms to read 34,000 cities twice."""
    op.create_index("city_by_timezone", "city", ["timezone"])
    op.create_index("city_misplaced", "city", ["origin"], sqlite_where=_MISPLACED, postgresql_where=_MISPLACED)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("city_misplaced", "city")
    op.drop_index("city_by_timezone", "city")
