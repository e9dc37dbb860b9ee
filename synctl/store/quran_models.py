"""The tables of the Quran, a part of `synctl.store.models`."""

from __future__ import annotations

from sqlalchemy import Column, Integer, SmallInteger, Text
from sqlmodel import Field, SQLModel

WITHOUT_ROWID = {"sqlite_with_rowid": False}


class QuranCatalogue(SQLModel, table=True):
    """An edition that alquran.cloud lists, stored or not; `position` is its place in the list, from 1."""

    __tablename__ = "quran_catalogue"
    __table_args__ = (WITHOUT_ROWID,)
    edition: str = Field(primary_key=True)
    position: int
    language: str
    name: str
    english_name: str
    format: str = Field(description="`text`, or `audio`, which is not synced")
    type: str = Field(description="quran, translation, transliteration, tafsir, versebyverse")
    direction: str | None = Field(default=None, description="ltr, rtl or NULL")
    unit_id: int


class QuranEdition(SQLModel, table=True):
    """An edition whose text is stored, whole. `unit_id` leads to its source."""

    __tablename__ = "quran_edition"
    __table_args__ = (WITHOUT_ROWID,)
    edition: str = Field(primary_key=True)
    language: str
    name: str
    english_name: str
    format: str
    type: str
    checksum: str = Field(description="SHA-256 of the texts of all its ayahs, joined by line feeds, in UTF-8")
    unit_id: int


class QuranSurah(SQLModel, table=True):
    """A surah as an edition names it."""

    __tablename__ = "quran_surah"
    __table_args__ = (WITHOUT_ROWID,)
    edition: str = Field(primary_key=True)
    surah: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    name: str = Field(description="in Arabic")
    english_name: str
    english_name_translation: str | None = None
    revelation_type: str = Field(description="Meccan or Medinan")
    ayahs: int = Field(sa_column=Column(SmallInteger, nullable=False))
    checksum: str = Field(description="SHA-256 of the texts of its ayahs, joined by line feeds, in UTF-8")
    unit_id: int


class QuranAyah(SQLModel, table=True):
    """An ayah of an edition. `text` is as served, but for `bom` characters U+FEFF that stood at its start.

    The first `bismillah` characters of it are the basmalah that opens its surah and no part of the ayah, with
    the space behind: 0 where none is in front, and in 1:1, which is the basmalah.
    """

    __tablename__ = "quran_ayah"  # with rowids: SQLite keeps long rows better so
    edition: str = Field(primary_key=True)
    surah: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    ayah: int = Field(sa_column=Column(SmallInteger, primary_key=True), description="in its surah, from 1")
    number: int = Field(sa_column=Column(SmallInteger, nullable=False), description="in the Quran, 1 to 6236")
    text: str = Field(sa_column=Column(Text, nullable=False))
    bom: int = Field(sa_column=Column(SmallInteger, nullable=False))
    bismillah: int = Field(sa_column=Column(SmallInteger, nullable=False))
    juz: int = Field(sa_column=Column(SmallInteger, nullable=False), description="1 to 30")
    manzil: int = Field(sa_column=Column(SmallInteger, nullable=False), description="1 to 7")
    page: int = Field(sa_column=Column(SmallInteger, nullable=False), description="1 to 604")
    ruku: int = Field(sa_column=Column(SmallInteger, nullable=False), description="1 to 556")
    hizb_quarter: int = Field(sa_column=Column(SmallInteger, nullable=False), description="1 to 240")
    sajda: int = Field(
        sa_column=Column(SmallInteger, nullable=False), description="0: none, 1: recommended, 2: obligatory"
    )
    sajda_id: int | None = Field(
        sa_column=Column(SmallInteger, nullable=True), default=None, description="1 to 15, where there is one"
    )
    unit_id: int = Field(sa_column=Column(Integer, nullable=False))
