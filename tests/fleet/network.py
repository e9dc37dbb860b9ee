"""Hosts of their own on this machine: each has a network, a host name and process numbers that are its own (Linux).

A hub, on which servers listen, has a cable to each host. Made by root, or by whoever may make a user namespace.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HUB = "10.77.0.1"
_TOOLS = ("ip", "unshare", "nsenter", "hostname")
_WAYS = ((), ("--user", "--map-root-user"))
"""As root; then as the root of a user namespace, which a container may allow where it does not allow the first."""
_TRY = "ip link add try0 type veth peer name try1 && unshare --net --uts --pid --fork --kill-child true"


@dataclass(frozen=True, slots=True)
class Space:
    """The namespaces of a process, which end with it."""

    pid: int
    kinds: tuple[str, ...]

    def command(self, *words: str) -> list[str]:
        """Return a command as it runs in here."""
        return ["nsenter", "--target", str(self.pid), *self.kinds, "--", *words]

    def run(self, *words: str) -> str:
        """Run a command in here and return what it wrote."""
        done = subprocess.run(self.command(*words), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout


@dataclass(frozen=True, slots=True)
class Host:
    """A host. `cable` is the hub's end."""

    name: str
    space: Space
    hub: Space
    cable: str

    def cut(self) -> None:
        """Pull the cable: nobody is told, packets are lost."""
        self.hub.run("ip", "link", "set", self.cable, "down")

    def mend(self) -> None:
        """Put the cable in again."""
        self.hub.run("ip", "link", "set", self.cable, "up")


@dataclass(slots=True)
class Network:
    """The hub and the hosts by name."""

    hub: Space
    hosts: dict[str, Host] = field(default_factory=dict)


@contextmanager
def made_network(*names: str) -> Iterator[Network]:
    """Make a network with these hosts, or skip the test and say why."""
    way = _possible_way()
    user = ("--user", "--preserve-credentials") if way else ()
    with ExitStack() as ended:
        hub = Space(_hold(ended, ["unshare", *way, "--net"]), ("--net", *user))
        hub.run("ip", "link", "set", "lo", "up")
        hub.run("ip", "address", "add", f"{HUB}/32", "dev", "lo")
        network = Network(hub)
        for number, name in enumerate(names, 1):
            network.hosts[name] = _host(ended, hub, number, name)
        yield network


def _host(ended: ExitStack, hub: Space, number: int, name: str) -> Host:
    holder = _hold(ended, hub.command("unshare", "--net", "--uts", "--pid", "--fork", "--kill-child"))
    space = Space(holder, (*hub.kinds, "--uts", "--pid"))
    cable = f"to-{name}"
    hub.run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(holder))
    hub.run("ip", "address", "add", f"10.77.{number}.1/30", "dev", cable)
    hub.run("ip", "link", "set", cable, "up")
    space.run("hostname", name)
    space.run("ip", "link", "set", "lo", "up")
    space.run("ip", "address", "add", f"10.77.{number}.2/30", "dev", "eth0")
    space.run("ip", "link", "set", "eth0", "up")
    space.run("ip", "route", "add", "default", "via", f"10.77.{number}.1")
    return Host(name, space, hub, cable)


def _hold(ended: ExitStack, command: Sequence[str]) -> int:
    """Start a process that keeps namespaces alive; return its number out here, once it is in them."""
    process = subprocess.Popen([*command, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    ended.callback(process.wait)
    ended.callback(process.kill)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"\n")
    process.stdin.flush()
    assert process.stdout.read(1) == b"\n"
    return _innermost(process.pid)


def _innermost(pid: int) -> int:
    """Return the last of a line of only children: what nsenter and unshare have started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return _innermost(int(children[0])) if children else pid


def _possible_way() -> Sequence[str]:
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"no test hosts: there is no {', '.join(missing)} on this machine")
    said = []
    for way in _WAYS:
        tried = subprocess.run(
            ["unshare", *way, "--net", "sh", "-c", _TRY], capture_output=True, text=True, timeout=20, check=False
        )
        if tried.returncode == 0:
            return way
        said.append(tried.stderr.strip().splitlines()[-1])
    pytest.skip(f"no test hosts: network namespaces cannot be made here ({'; '.join(said)})")
