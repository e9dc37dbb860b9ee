"""`synctl logs`: the log of a run, or of all, from a level on, and what comes."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import closing
from pathlib import Path

import pytest

from synctl.cli import logs
from synctl.cli.main import run
from synctl.errors import ExitCode
from synctl.log import FILE_NAME
from synctl.log.shared_file import SharedFile
from synctl.store import migrate, runs
from synctl.store.db import Database, open_database
from synctl.store.runs import Actor, NewRun
from tests.helpers import until

RUN, OTHER = "prayer-20261124-0000000001", "quran-20261124-0000000002"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNCTL_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/synctl.db"
    migrate.upgrade(url)
    with closing(open_database(url)) as database, database.write() as transaction:
        for name in (RUN, OTHER):
            new = NewRun(name, name.partition("-")[0], "calculated", "2026-11-24", "{}", "label", 1, 1)
            runs.create(transaction, new, Actor("worker x", "elsewhere:1"), "")
    return tmp_path


def database_of(home: Path) -> Database:
    return open_database(f"sqlite:///{home}/synctl.db")


def write(home: Path, message: str, level: int = logging.INFO, **extra: object) -> None:
    (home / "logs").mkdir(exist_ok=True)
    file = SharedFile(home / "logs" / FILE_NAME, max_bytes=1_000_000, files=2)
    record = logging.getLogger("synctl.job").makeRecord("synctl.job", level, "", 1, message, (), None, extra=extra)
    file.emit(record)
    file.close()


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    ended = run(["logs", *arguments])
    out, err = capsys.readouterr()
    assert ended == code, out + err
    return out + err


def test_the_log_of_a_run_is_told_apart(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(home, "first", run=RUN, shard=0, unit="a/b")
    write(home, "other", run=OTHER)
    write(home, "worse", logging.ERROR, run=RUN)
    write(home, "supervisor")
    assert [line.rpartition(": ")[2] for line in said(capsys).splitlines()] == ["first", "other", "worse", "supervisor"]
    text = said(capsys, "0000000001")
    assert [line.rpartition(": ")[2] for line in text.splitlines()] == ["first", "worse"]
    assert "unit=a/b" in text
    assert RUN not in text  # there is no other
    assert said(capsys, RUN, "--level", "error").endswith(": worse\n")
    assert said(capsys, RUN, "-n", "1").endswith(": worse\n")
    documents = [json.loads(line) for line in said(capsys, RUN, "--json").splitlines()]
    assert [(one["run"], one["message"], one["level"]) for one in documents] == [
        (RUN, "first", "info"),
        (RUN, "worse", "error"),
    ]
    assert documents[0]["unit"] == "a/b"


def test_where_there_is_nothing_it_says_so(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Nothing is logged" in said(capsys)
    assert "its workers ran on elsewhere" in said(capsys, RUN)
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    assert f"synctl history {RUN}" in said(capsys, RUN)
    assert said(capsys, "--json") == ""
    write(home, "all is well")
    assert said(capsys, "--level", "error") == "No such line is logged on this machine.\n"


def test_what_is_mistyped_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean warning?" in said(capsys, "--level", "warnin", code=2)
    assert "did you mean prayer-20261124-0000000001?" in said(capsys, "prayer-20261124-0000000003", code=2)


def test_a_run_that_was_deleted_is_in_the_log_yet(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(home, "long ago", run="hadith-20251124-0000000009")
    assert said(capsys, "hadith-20251124-0000000009").endswith(": long ago\n")


def test_without_a_database_the_whole_log_is_shown(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, "why it did not start", logging.ERROR)
    (home / "synctl.db").unlink()
    assert said(capsys).endswith(": why it did not start\n")
    assert not (home / "synctl.db").exists()
    said(capsys, RUN, code=ExitCode.PREREQUISITES)


def test_it_follows_a_run_until_it_has_ended(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LOOK_S", 0.02)
    write(home, "before", run=RUN)
    seen: list[str] = []
    original = logs._write

    def note(found: object, *arguments: object, **named: object) -> None:
        lines = list(found)  # type: ignore[call-overload]
        seen.extend(line.message for line in lines)
        original(lines, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(logs, "_write", note)

    def live() -> None:
        until(lambda: "before" in seen)
        write(home, "meanwhile", run=RUN)
        until(lambda: "meanwhile" in seen)
        write(home, "the last", run=RUN)
        with closing(database_of(home)) as database, database.write() as transaction:
            transaction.execute("UPDATE run SET state = 'succeeded' WHERE id = :id", id=RUN)

    thread = threading.Thread(target=live)
    thread.start()
    text = said(capsys, RUN, "--follow")
    thread.join()
    assert [line.rpartition(": ")[2] for line in text.splitlines()] == ["before", "meanwhile", "the last"]


@pytest.mark.parametrize("url", ["redis://me:hush@127.0.0.1:1/0", "redis://127.0.0.1:1/0?password=hush"])
def test_a_worker_that_waits_for_redis_never_tells_its_password(
    url: str, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    monkeypatch.setenv("SYNCTL_REDIS__URL", url)
    before, level = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        ended = [run(["worker", "prayer"]), run(["worker", "prayer", "--burst"])]
    finally:
        for one in [one for one in logging.getLogger().handlers if one not in before]:
            logging.getLogger().removeHandler(one)
            one.close()
        logging.getLogger().setLevel(level)
        logging.getLogger("synctl").setLevel(logging.NOTSET)
    assert ended == [ExitCode.INTERRUPTED, ExitCode.UNREACHABLE]
    told = capsys.readouterr().err + (home / "logs" / FILE_NAME).read_text()
    assert "hush" not in told
    assert told.count("waiting: Redis redis://") == 2
    assert told.count("***") == 3


def test_an_interrupt_ends_the_following(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    said(capsys, "--follow", code=ExitCode.INTERRUPTED)
