"""Servers with TLS and passwords on loopback, with certificates made for the occasion."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from synctl.engine.server import find_binary
from tests.helpers import until

_TLS_SERVERS = ("valkey-server", "redis-server", "valkey-check-rdb", "redis-check-rdb")
"""The last two are the same program under another name: Debian's redis-tools has it, and starts no server."""

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: an authority, and what it has signed for `localhost`, for a client, and for another host."""

    folder: Path

    def file(self, name: str) -> str:
        """Return the path of `ca.pem`, `server.pem`, `server.key` and so on."""
        return str(self.folder / name)


def certificates(folder: Path) -> Certificates:
    """Make them with openssl, or skip."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    _openssl(folder, "req", "-x509", *_KEY, "-nodes", "-days", "2", "-subj", "/CN=ours",
             "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
    for name, host in (("server", "localhost"), ("client", "client"), ("other", "elsewhere.example")):
        (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}")
        _openssl(folder, "req", *_KEY, "-nodes", "-subj", f"/CN={host}",
                 "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                 "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")  # fmt: skip
    return Certificates(folder)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def redis_server(
    folder: Path, port: int, *options: str, file: Path | None = None, tls: Certificates | None = None
) -> Iterator[int]:
    """Run a server on a port of loopback, and give its process; with `tls`, a build that can, or skip.

    `file`: its configuration, which a sentinel must have, and rewrites.
    """
    executable, name = _tls_server() if tls else (find_binary(), "server")
    listen = ["--port", str(port)]
    if tls:
        listen = ["--port", "0", "--tls-port", str(port), "--tls-ca-cert-file", tls.file("ca.pem")]
        listen += ["--tls-cert-file", tls.file("server.pem"), "--tls-key-file", tls.file("server.key")]
    with (folder / f"redis-{port}.log").open("ab") as log:
        process = subprocess.Popen(
            [name, *([str(file)] if file else []), "--bind", "127.0.0.1", *listen, "--dir", str(folder), *options],
            executable=executable, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        until(lambda: _listens(port) or process.poll() is not None)
        assert process.poll() is None, (folder / f"redis-{port}.log").read_text()
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _tls_server() -> tuple[str, str]:
    for found in filter(None, map(shutil.which, _TLS_SERVERS)):
        linked = subprocess.run(["ldd", found], capture_output=True, text=True, check=False).stdout
        if "libssl" in linked:
            return found, "valkey-server" if "valkey" in found else "redis-server"
    pytest.skip("no Redis or Valkey with TLS on this machine; Debian's redis-tools has one")


@contextmanager
def postgres_server(tls: Certificates, password: str) -> Iterator[int]:
    """Run a PostgreSQL that lets nobody in without TLS and a password; gives its port. User: synctl."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("no PostgreSQL server on this machine")
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="synctl-pg-"))  # root may not run it, and pytest's folders are root's
    data, port = folder / "data", free_port()
    (folder / "password").write_text(password)
    for name in ("ca.pem", "server.pem", "server.key"):
        shutil.copy(tls.file(name), folder / name)
    (folder / "server.key").chmod(0o600)
    if as_user:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "postgres")
    _quietly(*as_user, f"{programs[-1]}/initdb", "-D", data, "-U", "synctl", "--no-sync", "--auth=scram-sha-256",
             f"--pwfile={folder}/password")  # fmt: skip
    (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    settings = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off", "ssl": "on",
        "ssl_cert_file": folder / "server.pem", "ssl_key_file": folder / "server.key", "ssl_ca_file": folder / "ca.pem",
    }  # fmt: skip
    options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
    control = [*as_user, f"{programs[-1]}/pg_ctl", "-D", str(data)]
    try:
        _quietly(*control, "-l", folder / "log", "-o", options, "start")
        until(lambda: _listens(port))
        yield port
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Seen:
    """How a sentinel sees a service: its master's port, how many replicas, and how many other sentinels."""

    port: int
    replicas: int
    peers: int


def seen_by(sentinel_port: int, service: str, password: str) -> Seen | None:
    """Ask a sentinel; None where it does not answer."""
    with Redis(port=sentinel_port, password=password, socket_timeout=2) as client, suppress(RedisError):
        state = client.sentinel_master(service)
        return Seen(state["port"], state["num-slaves"], state["num-other-sentinels"])
    return None


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=True)


def _quietly(*command: object) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
