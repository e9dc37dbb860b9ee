"""The Quran: the editions there are, and the text of those that are stored."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"
branch_labels = None
depends_on = None

_DIVISIONS = ("juz", "manzil", "page", "ruku", "hizb_quarter")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "quran_catalogue",
        _text("edition"),
        _integer("position"),
        *(_text(name) for name in ("language", "name", "english_name", "format", "type")),
        sa.Column("direction", sa.String(), nullable=True),
        _integer("unit_id"),
        sa.PrimaryKeyConstraint("edition"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "quran_edition",
        *(_text(name) for name in ("edition", "language", "name", "english_name", "format", "type", "checksum")),
        _integer("unit_id"),
        sa.PrimaryKeyConstraint("edition"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "quran_surah",
        _text("edition"),
        _small("surah"),
        _text("name"),
        _text("english_name"),
        sa.Column("english_name_translation", sa.String(), nullable=True),
        _text("revelation_type"),
        _small("ayahs"),
        _text("checksum"),
        _integer("unit_id"),
        sa.PrimaryKeyConstraint("edition", "surah"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "quran_ayah",
        _text("edition"),
        *(_small(name) for name in ("surah", "ayah", "number")),
        sa.Column("text", sa.Text(), nullable=False),
        *(_small(name) for name in ("bom", "bismillah", *_DIVISIONS, "sajda")),
        sa.Column("sajda_id", sa.SmallInteger(), nullable=True),
        _integer("unit_id"),
        sa.PrimaryKeyConstraint("edition", "surah", "ayah"),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("quran_ayah", "quran_surah", "quran_edition", "quran_catalogue"):
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger(), nullable=False)
