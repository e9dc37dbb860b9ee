"""The settings, each declared once: name, type, default, documentation and checks. `sources.py` has the upstreams'."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from synctl.config.declare import (
    Group,
    absolute_file,
    absolute_path,
    absolute_sqlite,
    between,
    lower_scheme,
    one_of,
    setting,
    sqlite_file,
    sqlite_url,
    url_of,
    zero_or_between,
)
from synctl.config.endpoints import database_endpoint, redis_endpoint, sentinel_problem
from synctl.config.retention import RetentionSettings
from synctl.config.schedules import Schedule
from synctl.config.sources import Sources

SECRET = True
"""The value may hold a password."""

MAX_CITIES = 1_000_000
"""More than there are, and few enough for every database to count."""


class RedisSettings(Group, frozen=True):
    """Redis or Valkey: queues, progress, control flags, leases and request budgets."""

    url: Annotated[
        str | None,
        setting(
            "redis://, rediss:// or unix:// URL, or redis+sentinel://HOST:26379,HOST:26379/SERVICE.\n"
            "Empty: `synctl up` runs an embedded Valkey.",
            url_of("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", example="redis://HOST:6379/0"),
            sentinel_problem,
            normalise=lower_scheme,
            secret=SECRET,
        ),
    ] = None
    password: Annotated[str | None, setting("Its password; wins over one in the URL.", secret=SECRET)] = None
    password_file: Annotated[
        str | None, setting("A file that holds its password and nothing else.", normalise=absolute_file)
    ] = None
    ca_file: Annotated[
        str | None,
        setting(
            "Who may have signed its certificate (PEM), for rediss://. Empty: whom the system trusts.",
            normalise=absolute_file,
        ),
    ] = None
    cert_file: Annotated[
        str | None, setting("Our own certificate (PEM), where the server asks for one.", normalise=absolute_file)
    ] = None
    key_file: Annotated[str | None, setting("The key of that certificate (PEM).", normalise=absolute_file)] = None
    sentinel_password: Annotated[
        str | None, setting("The password of the sentinels, if they have one.", secret=SECRET)
    ] = None
    lease_ttl: Annotated[
        float,
        setting("Seconds after which a worker that says nothing has lost its run to another one.", between(1, 3600)),
    ] = 5.0


class DatabaseSettings(Group, frozen=True):
    """The SQL database: the truth. Back it up."""

    url: Annotated[
        str | None,
        setting(
            "sqlite:///PATH or postgresql://USER@HOST/NAME. Empty: synctl.db in `home`.",
            url_of("sqlite", "postgresql", "postgres", example="postgresql://USER@HOST/NAME"),
            sqlite_file,
            normalise=absolute_sqlite,
            secret=SECRET,
        ),
    ] = None
    password: Annotated[
        str | None, setting("The password for PostgreSQL; wins over one in the URL.", secret=SECRET)
    ] = None
    password_file: Annotated[
        str | None, setting("A file that holds that password and nothing else.", normalise=absolute_file)
    ] = None


class PrerequisiteSettings(Group, frozen=True):
    """What must be stored before a run may start."""

    min_methods: Annotated[int, setting("Calculation methods with a name.", between(0, 23))] = 15
    min_cities: Annotated[int, setting("Cities of any size.", between(0, MAX_CITIES))] = 100


class PrayerSettings(Group, frozen=True):
    """What `synctl enqueue prayer` takes when it is not told."""

    source: Annotated[
        str,
        setting(
            "calculated (on this machine, no network) or aladhan (api.aladhan.com).", one_of("calculated", "aladhan")
        ),
    ] = "calculated"
    cities: Annotated[int, setting("How many cities, largest first.", between(1, MAX_CITIES))] = 100
    agreement: Annotated[
        int,
        setting(
            "Minutes by which times may differ from what the method's angles and the sun give, where that can be"
            " told.\n0: they are not compared.",
            zero_or_between(1, 120),
        ),
    ] = 5


class QuranSettings(Group, frozen=True):
    """What `synctl enqueue quran` takes when it is not told."""

    source: Annotated[
        str,
        setting(
            "packaged (the Arabic text installed with synctl, no network) or alquran (api.alquran.cloud).\n"
            "Of quran-uthmani alone: other editions come from alquran.",
            one_of("packaged", "alquran"),
        ),
    ] = "packaged"
    agreement: Annotated[
        str,
        setting(
            "report: `verify` compares the letters of quran-uthmani with those of the text installed with synctl."
            " Or off.",
            one_of("off", "report"),
        ),
    ] = "off"


class RetrySettings(Group, frozen=True):
    """How a unit that failed for a passing reason is tried again."""

    attempts: Annotated[int, setting("Attempts at a unit, the first included.", between(1, 100))] = 8
    backoff: Annotated[
        float, setting("Seconds before the second attempt; doubled for each further one.", between(0, 3600))
    ] = 0.5
    backoff_cap: Annotated[float, setting("The longest such wait, in seconds.", between(0, 3600))] = 30.0
    retry_after_cap: Annotated[
        float, setting("The longest Retry-After of an upstream that is obeyed, in seconds.", between(0, 86_400))
    ] = 300.0
    outage: Annotated[
        float,
        setting(
            "Seconds for which an upstream may fail or limit everybody before its runs end as failed.",
            between(0, 30 * 86_400),
        ),
    ] = 3600.0


class HttpSettings(Group, frozen=True):
    """How requests to upstreams travel."""

    transport: Annotated[
        str,
        setting(
            "http.client, or httpx for its own transport, which takes three times the CPU.\n"
            "Where the environment names a proxy, as HTTPS_PROXY does, it is httpx whatever this says.",
            one_of("http.client", "httpx"),
        ),
    ] = "http.client"


class LogSettings(Group, frozen=True):
    """What workers and the supervisor log. `synctl logs` shows it."""

    level: Annotated[
        str,
        setting("debug (a line for each unit), info, warning or error.", one_of("debug", "info", "warning", "error")),
    ] = "info"
    format: Annotated[
        str,
        setting(
            "On standard error: text, json, or auto: text on a terminal, else json. The file is always JSON lines.",
            one_of("auto", "text", "json"),
        ),
    ] = "auto"
    max_mb: Annotated[
        int, setting("Megabytes of logs/synctl.log in `home`, then a new one is begun.", between(1, 10_000))
    ] = 16
    files: Annotated[int, setting("How many of these files are kept, the present one included.", between(1, 100))] = 5


def default_workers() -> Mapping[str, int]:
    """Return the workers `synctl up` starts: prayer runs are long, so two share one if there are cores."""
    return {"prayer": min(2, os.cpu_count() or 1), "quran": 1, "hadith": 1}


class Settings(Group, frozen=True):
    """Everything synctl can be told. `origins`: where each key has its value from. `file`: the one that was read."""

    home: Annotated[
        Path,
        setting(
            "Folder of all that synctl keeps. Empty: $XDG_DATA_HOME/synctl, or ~/.local/share/synctl.",
            normalise=absolute_path,
        ),
    ]
    redis: RedisSettings = RedisSettings()
    database: DatabaseSettings = DatabaseSettings()
    workers: Annotated[
        Mapping[str, int],
        setting(
            "Workers that `synctl up` starts for each resource; any resource may be named.\n"
            "prayer: the number of processor cores, at most 2.",
            between(0, 64),
        ),
    ] = msgspec.field(default_factory=default_workers)
    prerequisites: PrerequisiteSettings = PrerequisiteSettings()
    prayer: PrayerSettings = PrayerSettings()
    quran: QuranSettings = QuranSettings()
    retry: RetrySettings = RetrySettings()
    http: HttpSettings = HttpSettings()
    retention: RetentionSettings = RetentionSettings()
    log: LogSettings = LogSettings()
    sources: Sources = Sources()
    schedule: Annotated[
        Mapping[str, Schedule], setting("What `synctl schedule run` queues by the clock, each by a name of yours.")
    ] = msgspec.field(default_factory=dict)
    origins: Mapping[str, str] = msgspec.field(default_factory=dict)
    file: Path | None = None

    @property
    def database_url(self) -> str:
        """What to connect with: the configured URL with its password, or the SQLite file in `home`."""
        return database_endpoint(self.database) or sqlite_url(self.home / "synctl.db")

    @property
    def redis_url(self) -> str | None:
        """What to connect with: the configured URL with its password and files. None: the embedded Valkey."""
        return redis_endpoint(self.redis)

    @property
    def logs_dir(self) -> Path:
        """Folder of the logs of what runs in the background."""
        return self.home / "logs"

    @property
    def redis_dir(self) -> Path:
        """Folder of the embedded Valkey: socket, lock and data."""
        return self.home / "redis"
