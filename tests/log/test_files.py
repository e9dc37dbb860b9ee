"""One file, many processes: nothing lost or torn through rotations, and found again quickly."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from synctl.config import LogSettings, Settings
from synctl.log import FILE_NAME, Follower, bound, last_lines, log_everywhere, log_to_file, read
from synctl.log.shared_file import SharedFile

LINES = 400
WRITERS = 4


def handler(path: Path, max_bytes: int = 1_000_000, files: int = 3) -> SharedFile:
    return SharedFile(path, max_bytes=max_bytes, files=files)


def say(to: SharedFile, message: str, level: int = logging.INFO, **extra: object) -> None:
    to.emit(
        logging.getLogger("synctl.test").makeRecord("synctl.test", level, __file__, 1, message, (), None, extra=extra)
    )


def messages(path: Path, most: int = 10_000, run: str | None = None, level: str = "debug") -> list[str]:
    return [line.message for line in last_lines(path, most, run=run, level=level)]


def _write(path: Path, writer: int) -> None:
    to = handler(path, max_bytes=10_000, files=100)
    for number in range(LINES):
        say(to, f"{writer} {number}", run=f"run-{writer}")


def test_many_processes_write_one_file_and_nothing_is_lost_when_it_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_write, args=(path, writer)) for writer in range(WRITERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    found = messages(path)
    assert sorted(found) == sorted(f"{writer} {number}" for writer in range(WRITERS) for number in range(LINES))
    for writer in range(WRITERS):
        assert messages(path, run=f"run-{writer}") == [f"{writer} {number}" for number in range(LINES)]
    assert len(list(tmp_path.glob("x.log.[0-9]*"))) > 10


@pytest.mark.parametrize("files", [1, 2, 4])
def test_the_files_never_take_more_than_their_share(tmp_path: Path, files: int) -> None:
    to = handler(tmp_path / "x.log", max_bytes=2_000, files=files)
    for number in range(200):
        say(to, f"line {number}")
    kept = sorted(path.name for path in tmp_path.glob("x.log*") if path.suffix != ".lock")
    assert kept == ["x.log", *(f"x.log.{number}" for number in range(1, files))]
    assert sum((tmp_path / name).stat().st_size for name in kept) <= files * 2_200
    assert messages(tmp_path / "x.log", 1) == ["line 199"]
    assert all((tmp_path / name).stat().st_mode & 0o077 == 0 for name in kept)


def test_a_file_that_was_taken_away_is_begun_anew(tmp_path: Path) -> None:
    to = handler(tmp_path / "x.log")
    say(to, "before")
    (tmp_path / "x.log").rename(tmp_path / "x.log.1")  # as logrotate does
    say(to, "after")
    assert messages(tmp_path / "x.log") == ["before", "after"]
    (tmp_path / "x.log").unlink()
    say(to, "again")
    assert messages(tmp_path / "x.log")[-1] == "again"


def test_a_folder_that_is_gone_or_a_full_disk_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    to = handler(tmp_path / "gone" / "x.log")
    say(to, "nobody sees this")
    full = handler(tmp_path / "x.log")

    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", refuse)
    say(full, "nor this")
    assert capsys.readouterr().err == ""


def test_the_last_lines_are_those_of_a_run_from_a_level_on(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    assert messages(path) == []
    to = handler(path, max_bytes=3_000, files=20)
    for number in range(100):
        level = logging.ERROR if number % 10 == 0 else logging.INFO
        say(to, f"{number}", level, run=f"run-{number % 2}")
    assert messages(path) == [str(number) for number in range(100)]
    assert messages(path, 3) == ["97", "98", "99"]
    assert messages(path, run="run-1") == [str(number) for number in range(1, 100, 2)]
    assert messages(path, 2, run="run-0", level="warning") == ["80", "90"]
    assert messages(path, run="run") == []


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    to = handler(path)
    say(to, "first")
    with path.open("ab") as file:
        file.write(b'{"at":"2026\n\n')
    say(to, "second")
    with path.open("ab") as file:
        file.write(b'{"at":"20')
    assert messages(path) == ["first", "second"]


def test_new_lines_are_followed_through_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    early = Follower(path)
    to = handler(path, max_bytes=800)
    say(to, "first")
    late = Follower(path, run="run-1", level="warning")
    for number in range(8):
        say(to, f"{number}", logging.WARNING if number % 2 else logging.INFO, run=f"run-{number // 4}")
    assert path.with_name("x.log.1").exists()
    assert next(line.message for line in early.new()) in {"first", "0", "1", "2", "3", "4", "5", "6", "7"}
    assert [line.message for line in late.new()] == ["5", "7"]
    assert list(late.new()) == []
    with path.open("ab") as file:
        file.write(b'{"at":"a","level":"error","host":"h","pid":1,"logger":"l","run":"run-1",')
        file.flush()
        assert list(late.new()) == []
        file.write(b'"message":"whole"}\n')
    assert [line.message for line in late.new()] == ["whole"]
    early.close()
    late.close()


@pytest.fixture
def clean() -> Iterator[None]:
    """The handlers and levels of this process, put back at the end."""
    root, ours = logging.getLogger(), logging.getLogger("synctl")
    before, levels = root.handlers[:], (root.level, ours.level)
    yield
    for one in [one for one in root.handlers if one not in before]:
        root.removeHandler(one)
        one.close()
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def settings(home: Path, **log: object) -> Settings:
    return Settings(home=home, log=LogSettings(**log))  # type: ignore[arg-type]


def test_a_background_process_logs_to_the_file_only(
    tmp_path: Path, clean: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # set up anew, nothing is written twice
        log_to_file(settings(tmp_path))
    with bound(run="prayer-1"):
        logging.getLogger("synctl.job").info("ours")
        logging.getLogger("synctl.job").debug("too little")
        logging.getLogger("httpx").info("a library's")
        logging.getLogger("rq.worker").warning("a library's warning")
    assert messages(tmp_path / "logs" / FILE_NAME) == ["ours", "a library's warning"]
    assert messages(tmp_path / "logs" / FILE_NAME, run="prayer-1") == ["ours", "a library's warning"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("form", "begins"), [("auto", '{"at":'), ("json", '{"at":'), ("text", "20")], ids=["auto", "json", "text"]
)
def test_a_foreground_process_also_logs_to_standard_error(
    form: str, begins: str, tmp_path: Path, clean: None, capsys: pytest.CaptureFixture[str]
) -> None:
    log_everywhere(settings(tmp_path, format=form, level="debug"))
    logging.getLogger("synctl.job").debug("redis://:hush@h")
    said = capsys.readouterr().err
    assert said.startswith(begins)
    assert "redis://:***@h" in said
    assert messages(tmp_path / "logs" / FILE_NAME) == ["redis://:***@h"]


def test_a_home_that_cannot_be_written_is_told_and_does_not_stop_the_worker(
    tmp_path: Path, clean: None, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    log_everywhere(settings(tmp_path / "file", format="text"))
    assert "no log file" in capsys.readouterr().err
    logging.getLogger("synctl.job").info("on we go")
    assert "on we go" in capsys.readouterr().err


@pytest.mark.parametrize("moved", range(4))
def test_a_look_in_the_midst_of_a_rotation_finds_every_line_once(tmp_path: Path, moved: int) -> None:
    """Files are renamed the oldest first, so while that goes on one number has no file."""
    path = tmp_path / "x.log"
    for number in range(4):
        say(handler(path if number == 3 else tmp_path / f"x.log.{3 - number}"), f"{number}")
    for number in range(3, 3 - moved, -1):
        numbered = path.with_name(f"x.log.{number}") if number else path
        numbered.rename(tmp_path / f"x.log.{number + 1}")
    assert messages(path) == ["0", "1", "2", "3"]


def test_a_log_that_is_rotated_while_it_is_read_loses_nothing_and_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.log"
    to = handler(path, max_bytes=1, files=10)
    for number in range(4):
        say(to, f"{number}")
    backwards = read._backwards

    def rotated_meanwhile(file: BinaryIO, needle: bytes) -> Iterator[bytes]:
        yield from backwards(file, needle)
        say(to, "later")

    monkeypatch.setattr(read, "_backwards", rotated_meanwhile)
    assert messages(path) == ["0", "1", "2", "3"]
