"""URLs of Redis and the database, with what is configured beside them: passwords and files of TLS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from synctl.errors import ConfigError

if TYPE_CHECKING:
    from synctl.config.settings import DatabaseSettings, RedisSettings

SENTINEL: Final = "+sentinel"
"""How the scheme of a URL ends that names sentinels: they know which server is the master."""
PASSWORD_LIMIT: Final = 10_000
"""Characters of a password file: a wrong path may name something endless."""


class WrongKey(ConfigError):
    """A key does not go with others, or the file it names cannot be read. `what` ends the sentence `KEY: …`."""

    def __init__(self, key: str, what: str, *, hint: str | None = None) -> None:
        super().__init__(f"{key}: {what}", hint=hint)
        self.key, self.what = key, what


def redis_endpoint(redis: RedisSettings) -> str | None:
    """Return the URL to connect with, None where none is configured. It holds secrets. Raises ConfigError."""
    files = {"ssl_ca_certs": redis.ca_file, "ssl_certfile": redis.cert_file, "ssl_keyfile": redis.key_file}
    named = dict(zip(files, ("redis.ca_file", "redis.cert_file", "redis.key_file"), strict=True))
    given = {name: path for name, path in files.items() if path}
    password = _secret("redis", redis.password, redis.password_file)
    if redis.url is None:
        for key, value in {"password": password, **given}.items():
            if value:
                key = named.get(key, "redis.password")  # noqa: PLW2901 - as it is called in the configuration
                raise WrongKey(key, "there is no redis.url that it could be for")
        return None
    if given and not redis.url.startswith("rediss"):
        raise WrongKey(named[min(given)], "redis.url speaks no TLS", hint="write rediss:// for redis://")
    for name, path in given.items():
        _read(named[name], path)
    url = _with_password(redis.url, password)
    query = dict(given)
    if redis.sentinel_password:
        query["sentinel_password"] = redis.sentinel_password
    return _with_query(url, query)


def database_endpoint(database: DatabaseSettings) -> str | None:
    """Return the URL to connect with, None where none is configured. It holds secrets. Raises ConfigError."""
    password = _secret("database", database.password, database.password_file)
    if password and (database.url is None or database.url.startswith("sqlite:")):
        raise WrongKey(
            f"database.{'password_file' if database.password_file else 'password'}", "an SQLite file has none"
        )
    return _with_password(database.url, password) if database.url else None


def names_sentinels(url: str) -> bool:
    """Whether a URL is one of sentinels."""
    return urlsplit(url).scheme.endswith(SENTINEL)


def sentinel_problem(url: str | None) -> str | None:
    """Say what is wrong with a URL of sentinels, as the end of the sentence `KEY: …`."""
    parts = urlsplit(url or "")
    if not names_sentinels(url or ""):
        return None
    service, _, database = parts.path.strip("/").partition("/")
    if not parts.netloc.rpartition("@")[2] or not service:
        return "must name sentinels and the service they watch: redis+sentinel://HOST:26379,HOST:26379/SERVICE"
    return None if database.isdigit() or not database else f"has no number of a database behind {service}/"


def _secret(table: str, password: str | None, file: str | None) -> str | None:
    if file is None:
        return password
    if password:
        raise WrongKey(f"{table}.password_file", f"there is {table}.password, too: give one of them")
    found = _read(f"{table}.password_file", file).rstrip("\r\n")
    if not found or "\n" in found:
        raise WrongKey(f"{table}.password_file", f"{file} must hold one line, the password")
    return found


def _read(key: str, path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(PASSWORD_LIMIT)
    except OSError as error:
        raise WrongKey(key, f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WrongKey(key, f"{path} is not UTF-8 text") from error


def _with_password(url: str, password: str | None) -> str:
    if not password:
        return url
    parts = urlsplit(url)
    user, _, hosts = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:{quote(password, safe='')}@{hosts}"))


def _with_query(url: str, more: dict[str, str]) -> str:
    if not more:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(more))))))
