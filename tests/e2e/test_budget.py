"""One budget per host: the whole fleet keeps to it, and obeys a Retry-After together."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.e2e.conftest import Home
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse

RATE = 10.0


@pytest.mark.slow
def test_two_workers_share_the_rate_and_obey_retry_after_together(home: Home) -> None:
    with serve(Faults(*parse("rate-limit(3)@method=4*1"))) as upstream:
        home.use(upstream, SYNCTL_SOURCES__ALADHAN__RATE=str(RATE), SYNCTL_SOURCES__ALADHAN__BURST="1")
        home.run("up")
        selection = ("prayer", "--city", "London", "--madhab", "shafi", "--from", "2026-03-01", "--to", "2026-03-31")
        home.run("enqueue", *selection, "--source", "aladhan", "--shards", "2", "--wait")
        times = sorted(seen.at for seen in upstream.seen)
        limited = next(seen.at for seen in upstream.seen if seen.status == 429)
        gaps = [(after - before, before) for before, after in pairwise(times)]
        longest, since = max(gaps)
        assert longest > 2.7  # nobody asked while the host was closed
        assert since - limited < 1.2  # but for the few that had their turn already
        busy = times[-1] - times[0] - longest
        assert (len(times) - 1) / busy < RATE * 1.15
