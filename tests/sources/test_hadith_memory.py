"""An edition of 12 MB is stored, then again with every text changed, in a process that stays small."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from synctl.store.migrate import upgrade
from tests.upstream import hadith
from tests.upstream.server import LoopbackServer, Reply

LIMIT_MB = 150
STATUS = Path("/proc/self/status")
HADITHS = 7563
CHILD = """
import sys
from contextlib import closing
from pathlib import Path
from threading import Event
from synctl.config import load_settings
from synctl.engine import runner, job, worker
from synctl.processors.hadith import RESOURCE
from synctl.resource import Context, Known
from synctl.store import changes, runs
from synctl.store.db import open_database
from synctl.store.runs import Actor, NewRun
from synctl.store.upsert import upsert

settings = load_settings()
session = RESOURCE.open("hadith_api", Context(settings=settings, stop=Event()))
with closing(open_database(settings.database_url)) as database:
    with database.write() as transaction:
        run = runs.create(transaction, NewRun("r", "hadith", "s", "2026-01-01", "{}", "", 1, 1), Actor("a", "b"), "")
    for known in (Known(), Known(stored=True, body_hash="another")):
        batch = session.process(["ara-large", "A Large Book", "rtl", False], known)
        with database.write() as transaction:
            for part in batch.parts:
                changes.replace(transaction, run, "ara-large", part)
                upsert(transaction, [(1, part)])
status = Path("/proc/self/status").read_text()
with closing(open_database(settings.database_url)) as database, database.read() as transaction:
    changed = transaction.one("SELECT COUNT(*) AS n FROM unit_change WHERE old IS NOT NULL")["n"]
print(batch.row_count, changed, int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.skipif(not STATUS.exists(), reason="only Linux tells how large a process has been")
def test_a_large_edition_takes_bounded_memory(tmp_path: Path) -> None:
    text = "كلمة أخرى مخترعة للتجربة فقط " * 29
    last = hadith.literal(str(HADITHS))
    details = {f"{kind}number_{end}": hadith.literal("1") for kind in ("hadith", "arabic") for end in ("first", "last")}
    body = hadith.write(
        {
            "metadata": {
                "name": "A Large Book",
                "sections": {"1": "The Book of Things"},
                "section_details": {"1": {**details, "hadithnumber_last": last, "arabicnumber_last": last}},
            },
            "hadiths": [
                {
                    "hadithnumber": hadith.literal(str(number)),
                    "arabicnumber": hadith.literal(str(number)),
                    "text": f"{text}{number}",
                    "grades": [{"name": name, "grade": "Sahih"} for name in hadith.GRADERS],
                    "reference": {"book": 1, "hadith": number},
                }
                for number in range(1, HADITHS + 1)
            ],
        }
    )
    assert len(body) > 12_000_000
    upgrade(f"sqlite:///{tmp_path}/synctl.db")
    bodies = [body, body.replace("كلمة".encode(), "جملة".encode())]
    with LoopbackServer(lambda _asked: Reply(200, bodies.pop(0))) as server:
        environment = {
            **os.environ,
            "SYNCTL_HOME": str(tmp_path),
            "SYNCTL_SOURCES__HADITH_API__BASE_URL": server.url,
            "NO_PROXY": "127.0.0.1",
        }
        done = subprocess.run(
            [sys.executable, "-c", CHILD], env=environment, cwd=tmp_path, check=True, capture_output=True, text=True
        )
    rows, changed, peak = map(int, done.stdout.split())
    assert rows == 2 + 4 * HADITHS
    assert changed >= HADITHS
    assert peak < LIMIT_MB
