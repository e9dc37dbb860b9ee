"""Settings: declared once as structs, read once at the edge, passed down.

A setting's TOML key, its environment variable, default, documentation and checks all come from the one field
that declares it in `settings.py`.
"""

from __future__ import annotations

from synctl.config.files import Looked, looked_for
from synctl.config.keys import Key, all_keys, find
from synctl.config.load import load_settings, problems
from synctl.config.retention import RetentionSettings
from synctl.config.settings import (
    DatabaseSettings,
    HttpSettings,
    LogSettings,
    PrayerSettings,
    PrerequisiteSettings,
    QuranSettings,
    RedisSettings,
    RetrySettings,
    Settings,
)
from synctl.config.sources import Source, Sources, Upstream

__all__ = [
    "DatabaseSettings",
    "HttpSettings",
    "Key",
    "LogSettings",
    "Looked",
    "PrayerSettings",
    "PrerequisiteSettings",
    "QuranSettings",
    "RedisSettings",
    "RetentionSettings",
    "RetrySettings",
    "Settings",
    "Source",
    "Sources",
    "Upstream",
    "all_keys",
    "find",
    "load_settings",
    "looked_for",
    "problems",
]
