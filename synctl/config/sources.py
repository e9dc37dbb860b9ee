"""The tables `[sources.NAME]`: where resources come from, and how an upstream wants to be asked."""

from typing import Annotated
from urllib.parse import urlsplit

from synctl.config.declare import (
    Group,
    above,
    at_most,
    between,
    has_host,
    no_slash_at_end,
    setting,
    url_of,
    zero_or_between,
)

_http_url = url_of("http", "https", example="https://HOST/PATH")


class Source(Group, frozen=True):
    """Where a resource comes from. This one needs no network."""

    concurrency: Annotated[int, setting("Units that a shard asks for, or calculates, at once.", between(1, 64))] = 1


class Upstream(Source, frozen=True):
    """A source behind HTTP."""

    base_url: Annotated[str, setting("Where it answers.", _http_url, has_host, normalise=no_slash_at_end)] = ""
    timeout: Annotated[
        float, setting("Seconds to wait for a connection, and for each read.", above(0), at_most(3600))
    ] = 30.0
    rate: Annotated[
        float, setting("Requests a second, all workers together. 0: no limit.", zero_or_between(0.001, 100_000))
    ] = 0.0
    burst: Annotated[int, setting("Requests that may follow each other at once.", between(1, 1000))] = 2
    in_flight: Annotated[
        int, setting("Requests under way at once, all workers together. 0: no limit.", between(0, 10_000))
    ] = 0
    breaker: Annotated[
        int,
        setting(
            "Failures in a row, of all workers together, after which the host is left alone for a while. 0: never.\n"
            "At most retry.attempts: then an outage fails no unit where several are asked for at once.",
            between(0, 10_000),
        ),
    ] = 5

    @property
    def host(self) -> str:
        """The host as everybody calls it who asks it, with its port unless that is the usual one."""
        url = urlsplit(self.base_url)
        name = url.netloc.rpartition("@")[2].lower()
        return name.removesuffix({"http": ":80", "https": ":443"}.get(url.scheme, ""))


class Sources(Group, frozen=True):
    """The sources, by name."""

    # CPU-bound in Python: a second thread would only wait for the first.
    calculated: Annotated[Source, setting("Calculated prayer times.")] = Source(concurrency=1)
    # The maintainer states 240 requests a minute for an address.
    aladhan: Annotated[Upstream, setting("api.aladhan.com, prayer times. It states 240 requests a minute.")] = Upstream(
        base_url="https://api.aladhan.com/v1", concurrency=8, rate=4.0, in_flight=16
    )
    alquran: Annotated[Upstream, setting("api.alquran.cloud, the Quran. It states 120 requests a minute.")] = Upstream(
        base_url="https://api.alquran.cloud/v1", concurrency=2, rate=2.0, in_flight=4
    )
    packaged: Annotated[Source, setting("The Arabic Quran as installed with synctl.")] = Source(concurrency=1)
    # A file has up to 12 MB: what is read beside the one that is being stored is held in memory.
    hadith_api: Annotated[Upstream, setting("fawazahmed0/hadith-api, hadith collections on a CDN.")] = Upstream(
        base_url="https://cdn.jsdelivr.net/gh/fawazahmed0/hadith-api@1", concurrency=1, rate=10.0
    )

    def names(self) -> tuple[str, ...]:
        """Return their names."""
        return self.__struct_fields__

    def __getitem__(self, name: str) -> Source:
        """Return a source by name. Raises KeyError."""
        if name not in self.names():
            raise KeyError(name)
        source: Source = getattr(self, name)
        return source
