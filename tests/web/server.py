"""The real command, `synctl serve`, for tests that need a server of its own process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.conftest import Home
from tests.helpers import PATIENCE_S, until


class Server:
    """`synctl serve` of a home, on a port of its own that a restart keeps."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.port = 0
        self.process: subprocess.Popen[str] | None = None
        self.tokens: dict[str, str] = {}

    def start(self) -> None:
        self.process = self.home.start("serve", "--port", str(self.port), "--json")
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        said = json.loads(line)
        self.port = int(said["url"].rpartition(":")[2])
        lines = Path(said["tokens"]).read_text(encoding="utf-8").splitlines()
        self.tokens = {line.split()[0]: line.split()[2] for line in lines if not line.startswith("#")}
        until(self.answers)

    def answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/healthz").status_code == 200
        return False

    def stop(self, number: int = signal.SIGTERM) -> tuple[str, str]:
        assert self.process is not None
        os.kill(self.process.pid, number)
        return self.process.communicate(timeout=PATIENCE_S)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def headers(self, role: str = "read") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = httpx.post(f"{self.url}{path}", json=body or {}, headers=self.headers("operate"))
        assert answer.status_code < 300, answer.text
        return answer.json()
