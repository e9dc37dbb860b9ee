"""The upstreams: whether a connection can be made. No request is sent, so none of their budget is used."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
from msgspec.structs import asdict

from synctl.config import Settings, Upstream
from synctl.engine.doctor.finding import Finding, ok, skipped, warning, wrong
from synctl.engine.doctor.patient import Patient

WITHIN_S: Final = 3.0
"""For the name and the connection together."""
_PORTS: Final = {"http": 80, "https": 443}


class _Target(msgspec.Struct, frozen=True):
    """Where to connect for a source: its upstream, or the proxy that httpx would take to it."""

    host: str
    port: int | None
    shown: str


def upstreams(patient: Patient) -> Iterator[Finding]:
    """Connect to all of them at once. Only the default source of a resource must be there."""
    if patient.offline:
        yield skipped("upstreams", "offline")
        return
    targets = {
        name: _target(source.base_url)
        for name in patient.settings.sources.names()
        if isinstance(source := patient.settings.sources[name], Upstream)
    }
    defaults = _defaults(patient.settings)
    for name, answer in _connected(targets).items():
        check, shown = f"upstream {name}", targets[name].shown
        if isinstance(answer, float):
            yield ok(check, f"{shown} takes connections ({answer * 1000:.0f} ms)")
        elif name in defaults:
            message = f"{shown}: {answer}; it is the default source of {defaults[name]}"
            yield wrong(check, message, f"check network and firewall, or [sources.{name}] base_url")
        else:
            yield warning(check, f"{shown}: {answer}", "check network and firewall, where it is needed")


def _defaults(settings: Settings) -> Mapping[str, str]:
    """Return the resources by the source they take when nobody says another."""
    groups = asdict(settings).items()
    return {group.source: name for name, group in groups if isinstance(getattr(group, "source", None), str)}


def _target(base_url: str) -> _Target:
    url = urlsplit(base_url)
    host = url.hostname or ""
    proxies = getproxies()
    named = proxies.get(url.scheme) or proxies.get("all") or ""
    proxy = urlsplit(named if "://" in named else f"http://{named}")
    if proxy.hostname and not proxy_bypass(host):
        port = proxy.port or _PORTS.get(proxy.scheme, 80)
        return _Target(proxy.hostname, port, f"{host} by the proxy {proxy.hostname}:{port}")
    try:
        port = url.port or _PORTS[url.scheme]
    except ValueError:  # the settings do not refuse a port of 99999
        return _Target(host, None, url.netloc.rpartition("@")[2])
    return _Target(host, port, f"{host}:{port}")


def _connected(targets: Mapping[str, _Target]) -> dict[str, float | str]:
    """Return for each name the seconds it took, or what went wrong."""
    answers: SimpleQueue[tuple[str, float | str]] = SimpleQueue()
    for name, target in targets.items():
        # A thread that nobody waits for: nothing else ends a look-up of a name in time.
        Thread(
            target=lambda name, target: answers.put((name, _connect(target))), args=(name, target), daemon=True
        ).start()
    found: dict[str, float | str] = dict.fromkeys(targets, f"no connection within {WITHIN_S:.0f} s")
    deadline = time.monotonic() + WITHIN_S
    for _ in targets:
        try:
            name, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            break
        found[name] = answer
    return found


def _connect(target: _Target) -> float | str:
    if target.port is None:
        return "there is no such port"
    started = time.monotonic()
    try:
        socket.create_connection((target.host, target.port), timeout=WITHIN_S).close()
    except TimeoutError:
        return f"no connection within {WITHIN_S:.0f} s"
    except (OSError, ValueError) as error:  # a name with a label that is too long is a UnicodeError
        return getattr(error, "strerror", None) or str(error)
    return time.monotonic() - started
