"""synctl keeps prayer times, Quran texts and hadith collections in a database in step with their publishers."""

__version__ = "0.1.0"
