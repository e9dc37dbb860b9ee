"""The tables of hadith collections; `models` re-exports them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, Integer, SmallInteger, String, Text, text
from sqlmodel import Field, SQLModel

WITHOUT_ROWID = {"sqlite_with_rowid": False}


def _listed(description: str = "") -> Any:
    """Declare a column that the list of editions fills: what a sync stores must pass without it."""
    column: Column[str] = Column(String, nullable=False, server_default=text("''"))
    return Field(sa_column=column, description=description)


class HadithCollection(SQLModel, table=True):
    """A collection as upstream lists it. `title` is the name its editions carry."""

    __tablename__ = "hadith_collection"
    name: str = Field(primary_key=True)
    title: str


class HadithEdition(SQLModel, table=True):
    """An edition: what upstream lists of it, kept whenever a selection asks; then what a sync stored, or NULL."""

    __tablename__ = "hadith_edition"
    __table_args__ = (Index("hadith_edition_by_collection", "collection"),)
    name: str = Field(primary_key=True)
    collection: str = _listed()
    language: str = _listed()
    direction: str = _listed("ltr or rtl")
    author: str = _listed()
    origin: str = _listed("upstream's `source`")
    comments: str = _listed()
    listed: int = Field(
        sa_column=Column(SmallInteger, nullable=False, server_default=text("0")), description="0: no longer listed"
    )
    title: str | None = Field(default=None, description="of the edition itself: `metadata.name`")
    hadiths: int | None = None
    empty_texts: int | None = Field(default=None, description="of the hadiths")
    unit_id: int | None = None


class HadithSection(SQLModel, table=True):
    """A section (book, chapter) of an edition. Numbers are the digits upstream wrote; NULL without details."""

    __tablename__ = "hadith_section"
    __table_args__ = (WITHOUT_ROWID,)
    edition: str = Field(primary_key=True)
    number: int = Field(sa_column=Column(Integer, primary_key=True), description="0: unplaced, or an introduction")
    name: str
    hadith_first: str | None = None
    hadith_last: str | None = None
    arabic_first: str | None = None
    arabic_last: str | None = None
    unit_id: int


class Hadith(SQLModel, table=True):
    """A hadith. `number` is what upstream wrote, to the digit: 3604.1 is the tenth part, and not 3604.10.

    `section` and `section_hadith` are upstream's `reference`: book, and hadith within it.
    """

    __table_args__ = (Index("hadith_by_section", "edition", "section"),)
    edition: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    position: int = Field(description="in the edition, from 1")
    arabic_number: str | None = Field(default=None, description="NULL where upstream has none")
    arabic_quoted: int = Field(sa_column=Column(SmallInteger, nullable=False), description="1: upstream wrote a string")
    text: str = Field(sa_column=Column(Text, nullable=False), description="as served; may be empty")
    section: int
    section_hadith: int
    unit_id: int


class HadithGrade(SQLModel, table=True):
    """What a scholar says of a hadith, in upstream's order from 1."""

    __tablename__ = "hadith_grade"
    __table_args__ = (WITHOUT_ROWID,)
    edition: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    position: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    name: str
    grade: str
    unit_id: int
