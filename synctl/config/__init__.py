"""Settings: declared once as dataclasses, read once at the edge, passed down.

A setting's TOML key, its environment variable, default, documentation and checks all come from the one field
that declares it in `settings.py`.
"""

from __future__ import annotations

from synctl.config.keys import Key, all_keys
from synctl.config.load import load_settings
from synctl.config.settings import (
    DatabaseSettings,
    PrayerSettings,
    PrerequisiteSettings,
    QuranSettings,
    RedisSettings,
    RetrySettings,
    Settings,
    Source,
    Sources,
    Upstream,
)

__all__ = [
    "DatabaseSettings",
    "Key",
    "PrayerSettings",
    "PrerequisiteSettings",
    "QuranSettings",
    "RedisSettings",
    "RetrySettings",
    "Settings",
    "Source",
    "Sources",
    "Upstream",
    "all_keys",
    "load_settings",
]
