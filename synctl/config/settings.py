"""The settings, each declared once: name, type, default, documentation and checks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from synctl.config.declare import (
    above,
    absolute_file,
    absolute_path,
    absolute_sqlite,
    at_most,
    between,
    described,
    has_host,
    lower_scheme,
    no_slash_at_end,
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

SECRET = True
"""The value may hold a password."""

MAX_CITIES = 1_000_000
"""More than there are, and few enough for every database to count."""

_http_url = url_of("http", "https", example="https://HOST/PATH")


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """Redis or Valkey: queues, progress, control flags, leases and request budgets."""

    url: str | None = setting(
        None,
        "redis://, rediss:// or unix:// URL, or redis+sentinel://HOST:26379,HOST:26379/SERVICE.\n"
        "Empty: `synctl up` runs an embedded Valkey.",
        url_of("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", example="redis://HOST:6379/0"),
        sentinel_problem,
        normalise=lower_scheme,
        secret=SECRET,
    )
    password: str | None = setting(None, "Its password; wins over one in the URL.", secret=SECRET)
    password_file: str | None = setting(
        None, "A file that holds its password and nothing else.", normalise=absolute_file
    )
    ca_file: str | None = setting(
        None,
        "Who may have signed its certificate (PEM), for rediss://. Empty: whom the system trusts.",
        normalise=absolute_file,
    )
    cert_file: str | None = setting(
        None, "Our own certificate (PEM), where the server asks for one.", normalise=absolute_file
    )
    key_file: str | None = setting(None, "The key of that certificate (PEM).", normalise=absolute_file)
    sentinel_password: str | None = setting(None, "The password of the sentinels, if they have one.", secret=SECRET)
    lease_ttl: float = setting(
        5.0,
        "Seconds after which a worker that says nothing has lost its run to another one.",
        between(1, 3600),
    )


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """The SQL database: the truth. Back it up."""

    url: str | None = setting(
        None,
        "sqlite:///PATH or postgresql://USER@HOST/NAME. Empty: synctl.db in `home`.",
        url_of("sqlite", "postgresql", "postgres", example="postgresql://USER@HOST/NAME"),
        sqlite_file,
        normalise=absolute_sqlite,
        secret=SECRET,
    )
    password: str | None = setting(None, "The password for PostgreSQL; wins over one in the URL.", secret=SECRET)
    password_file: str | None = setting(
        None, "A file that holds that password and nothing else.", normalise=absolute_file
    )


@dataclass(frozen=True, slots=True)
class PrerequisiteSettings:
    """What must be stored before a run may start."""

    min_methods: int = setting(15, "Calculation methods with a name.", between(0, 23))
    min_cities: int = setting(100, "Cities of any size.", between(0, MAX_CITIES))


@dataclass(frozen=True, slots=True)
class PrayerSettings:
    """What `synctl enqueue prayer` takes when it is not told."""

    source: str = setting(
        "calculated",
        "calculated (on this machine, no network) or aladhan (api.aladhan.com).",
        one_of("calculated", "aladhan"),
    )
    cities: int = setting(100, "How many cities, largest first.", between(1, MAX_CITIES))
    agreement: int = setting(
        5,
        "Minutes by which times may differ from what the method's angles and the sun give, where that can be told.\n"
        "0: they are not compared.",
        zero_or_between(1, 120),
    )


@dataclass(frozen=True, slots=True)
class QuranSettings:
    """What `synctl enqueue quran` takes when it is not told."""

    source: str = setting(
        "packaged",
        "packaged (the Arabic text installed with synctl, no network) or alquran (api.alquran.cloud).\n"
        "Of quran-uthmani alone: other editions come from alquran.",
        one_of("packaged", "alquran"),
    )
    agreement: str = setting(
        "off",
        "report: `verify` compares the letters of quran-uthmani with those of the text installed with synctl. Or off.",
        one_of("off", "report"),
    )


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How a unit that failed for a passing reason is tried again."""

    attempts: int = setting(8, "Attempts at a unit, the first included.", between(1, 100))
    backoff: float = setting(0.5, "Seconds before the second attempt; doubled for each further one.", between(0, 3600))
    backoff_cap: float = setting(30.0, "The longest such wait, in seconds.", between(0, 3600))
    retry_after_cap: float = setting(
        300.0, "The longest Retry-After of an upstream that is obeyed, in seconds.", between(0, 86_400)
    )
    outage: float = setting(
        3600.0,
        "Seconds for which an upstream may fail or limit everybody before its runs end as failed.",
        between(0, 30 * 86_400),
    )


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How requests to upstreams travel."""

    transport: str = setting(
        "http.client",
        "http.client, or httpx for its own transport, which takes three times the CPU.\n"
        "Where the environment names a proxy, as HTTPS_PROXY does, it is httpx whatever this says.",
        one_of("http.client", "httpx"),
    )


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What workers and the supervisor log. `synctl logs` shows it."""

    level: str = setting(
        "info",
        "debug (a line for each unit), info, warning or error.",
        one_of("debug", "info", "warning", "error"),
    )
    format: str = setting(
        "auto",
        "On standard error: text, json, or auto: text on a terminal, else json. The file is always JSON lines.",
        one_of("auto", "text", "json"),
    )
    max_mb: int = setting(16, "Megabytes of logs/synctl.log in `home`, then a new one is begun.", between(1, 10_000))
    files: int = setting(5, "How many of these files are kept, the present one included.", between(1, 100))


@dataclass(frozen=True, slots=True)
class Source:
    """Where a resource comes from. This one needs no network."""

    concurrency: int = setting(1, "Units that a shard asks for, or calculates, at once.", between(1, 64))


@dataclass(frozen=True, slots=True)
class Upstream(Source):
    """A source behind HTTP."""

    base_url: str = setting("", "Where it answers.", _http_url, has_host, normalise=no_slash_at_end)
    timeout: float = setting(30.0, "Seconds to wait for a connection, and for each read.", above(0), at_most(3600))
    rate: float = setting(0.0, "Requests a second, all workers together. 0: no limit.", zero_or_between(0.001, 100_000))
    burst: int = setting(2, "Requests that may follow each other at once.", between(1, 1000))
    in_flight: int = setting(0, "Requests under way at once, all workers together. 0: no limit.", between(0, 10_000))
    breaker: int = setting(
        5,
        "Failures in a row, of all workers together, after which the host is left alone for a while. 0: never.\n"
        "At most retry.attempts: then an outage fails no unit where several are asked for at once.",
        between(0, 10_000),
    )

    @property
    def host(self) -> str:
        """The host as everybody calls it who asks it, with its port unless that is the usual one."""
        url = urlsplit(self.base_url)
        name = url.netloc.rpartition("@")[2].lower()
        return name.removesuffix({"http": ":80", "https": ":443"}.get(url.scheme, ""))


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources, by name."""

    # CPU-bound in Python: a second thread would only wait for the first.
    calculated: Source = field(default=Source(concurrency=1), metadata=described("Calculated prayer times."))
    aladhan: Upstream = field(
        # The maintainer states 240 requests a minute for an address.
        default=Upstream(base_url="https://api.aladhan.com/v1", concurrency=8, rate=4.0, in_flight=16),
        metadata=described("api.aladhan.com, prayer times. It states 240 requests a minute."),
    )
    alquran: Upstream = field(
        default=Upstream(base_url="https://api.alquran.cloud/v1", concurrency=2, rate=2.0, in_flight=4),
        metadata=described("api.alquran.cloud, the Quran. It states 120 requests a minute."),
    )
    packaged: Source = field(
        default=Source(concurrency=1), metadata=described("The Arabic Quran as installed with synctl.")
    )
    hadith_api: Upstream = field(
        # A file has up to 12 MB: what is read beside the one that is being stored is held in memory.
        default=Upstream(base_url="https://cdn.jsdelivr.net/gh/fawazahmed0/hadith-api@1", concurrency=1, rate=10.0),
        metadata=described("fawazahmed0/hadith-api, hadith collections on a CDN."),
    )

    def __getitem__(self, name: str) -> Source:
        """Return a source by name. Raises KeyError."""
        if name not in self.__slots__:
            raise KeyError(name)
        source: Source = getattr(self, name)
        return source


def default_workers() -> Mapping[str, int]:
    """Return the workers `synctl up` starts: prayer runs are long, so two share one if there are cores."""
    return {"prayer": min(2, os.cpu_count() or 1), "quran": 1, "hadith": 1}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything synctl can be told. `origins`: where each key has its value from. `file`: the one that was read."""

    home: Path = field(
        metadata=described(
            "Folder of all that synctl keeps. Empty: $XDG_DATA_HOME/synctl, or ~/.local/share/synctl.",
            normalise=absolute_path,
        )
    )
    redis: RedisSettings = field(default_factory=RedisSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    workers: Mapping[str, int] = field(
        default_factory=default_workers,
        metadata=described(
            "Workers that `synctl up` starts for each resource; any resource may be named.\n"
            "prayer: the number of processor cores, at most 2.",
            between(0, 64),
        ),
    )
    prerequisites: PrerequisiteSettings = field(default_factory=PrerequisiteSettings)
    prayer: PrayerSettings = field(default_factory=PrayerSettings)
    quran: QuranSettings = field(default_factory=QuranSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    log: LogSettings = field(default_factory=LogSettings)
    sources: Sources = field(default_factory=Sources)
    schedule: Mapping[str, Schedule] = field(
        default_factory=dict,
        metadata={
            **described("What `synctl schedule run` queues by the clock, each by a name of yours."),
            "entries": Schedule,
        },
    )
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, metadata={"derived": True})
    file: Path | None = field(default=None, compare=False, metadata={"derived": True})

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
