"""Hadith collections, their editions, sections, hadiths and grades."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0005"
down_revision = "r0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "hadith_collection",
        _text("name"),
        _text("title"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "hadith_edition",
        _text("name"),
        *(
            sa.Column(name, sa.String(), server_default=sa.text("''"), nullable=False)
            for name in ("collection", "language", "direction", "author", "origin", "comments")
        ),
        sa.Column("listed", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("title", sa.String(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in ("hadiths", "empty_texts", "unit_id")),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("hadith_edition_by_collection", "hadith_edition", ["collection"])
    op.create_table(
        "hadith_section",
        _text("edition"),
        _integer("number"),
        _text("name"),
        *(
            sa.Column(name, sa.String(), nullable=True)
            for name in ("hadith_first", "hadith_last", "arabic_first", "arabic_last")
        ),
        _integer("unit_id"),
        sa.PrimaryKeyConstraint("edition", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hadith",
        _text("edition"),
        _text("number"),
        _integer("position"),
        sa.Column("arabic_number", sa.String(), nullable=True),
        sa.Column("arabic_quoted", sa.SmallInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        *(_integer(name) for name in ("section", "section_hadith", "unit_id")),
        sa.PrimaryKeyConstraint("edition", "number"),
    )
    op.create_index("hadith_by_section", "hadith", ["edition", "section"])
    op.create_table(
        "hadith_grade",
        _text("edition"),
        _text("number"),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        _text("name"),
        _text("grade"),
        _integer("unit_id"),
        sa.PrimaryKeyConstraint("edition", "number", "position"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("hadith_grade", "hadith", "hadith_section", "hadith_edition", "hadith_collection"):
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)
