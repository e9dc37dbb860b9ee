"""Says where a process logs to. Called once, at its start."""

from __future__ import annotations

import logging
import sys
from typing import Final, TextIO

from synctl.config import Settings
from synctl.log.line import LEVELS, encode, line_of
from synctl.log.shared_file import SharedFile

FILE_NAME: Final = "synctl.log"
OURS: Final = "synctl"

log = logging.getLogger("synctl.log")


def log_to_file(settings: Settings) -> None:
    """Log to the file of the home: for what runs in the background. Raises OSError where it cannot be written."""
    _use(settings, [_shared(settings)])


def log_everywhere(settings: Settings) -> None:
    """Log to standard error, and to the file of the home where there can be one: for what runs in the foreground."""
    shown = _Shown(settings.log.format)
    try:
        _use(settings, [shown, _shared(settings)])
    except OSError as error:
        _use(settings, [shown])
        log.warning("no log file in %s: %s; `synctl logs` will know nothing of this process", error.filename, error)


class _Shown(logging.StreamHandler[TextIO]):
    """Standard error, as text or as JSON."""

    def __init__(self, form: str) -> None:
        super().__init__(sys.stderr)
        self._json = form == "json" or (form == "auto" and not sys.stderr.isatty())

    def format(self, record: logging.LogRecord) -> str:
        line = line_of(record)
        return encode(line).decode().rstrip("\n") if self._json else line.text()


def _shared(settings: Settings) -> SharedFile:
    folder = settings.logs_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE_NAME
    path.open("ab").close()
    path.chmod(0o600)
    return SharedFile(path, max_bytes=settings.log.max_mb * 1_000_000, files=settings.log.files)


def _use(settings: Settings, handlers: list[logging.Handler]) -> None:
    """Replace what was set up here before, and nothing else."""
    root = logging.getLogger()
    for before in [one for one in root.handlers if isinstance(one, SharedFile | _Shown)]:
        root.removeHandler(before)
        before.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.WARNING)  # of the libraries; httpx would write a line for each request
    logging.getLogger(OURS).setLevel(LEVELS[settings.log.level])
