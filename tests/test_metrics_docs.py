"""Metrics, their documentation and the alerts on them keep up with each other."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from synctl.engine.metrics.declared import METRICS, Kind
from synctl.states import RunState

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
RULES = ROOT / "contrib/prometheus/synctl.rules.yml"
WRITTEN = {
    f"{metric.name}{suffix}": set(metric.labels)
    for metric in METRICS
    for suffix in (("_bucket", "_sum", "_count") if metric.kind is Kind.HISTOGRAM else ("",))
}
"""Names as they stand in the text, with their labels."""
ROW = re.compile(r"^\| `(synctl_\w+)` \| (\w+) \| (.*?) \| (.*) \|$", re.MULTILINE)
HEAD = """groups:
  - name: synctl
    rules:
"""
RULE = re.compile(
    r"""      - alert: (?P<alert>\w+)
        expr: '(?P<expr>[^'\n]+)'
(?:        for: (?P<wait>[0-9]+[mh])
)?        labels:
          severity: (?P<severity>page|warning)
        annotations:
          summary: '(?P<summary>[^'\n]+)'
          description: '(?P<description>[^'\n]+)'
"""
)
"""A rule in the only form that is used: YAML of which nothing can be misread, since every text is in quotes."""
TEXT = RULES.read_text(encoding="utf-8")
ALERTS = [match.groupdict() for match in RULE.finditer(TEXT)]


def test_the_rules_are_in_the_form_that_is_known_to_be_valid_yaml() -> None:
    comments, _, body = TEXT.partition(HEAD)
    assert all(line.startswith("# ") for line in comments.splitlines())
    assert RULE.sub("", body).strip("\n") == ""
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS) > 10


def test_every_metric_is_documented_and_no_other() -> None:
    documented = [(name, kind, re.findall(r"`(\w+)`", labels), text) for name, kind, labels, text in ROW.findall(PAGE)]
    assert documented == [(one.name, str(one.kind), list(one.labels), one.help) for one in METRICS]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_is_documented_and_of_metrics_that_exist(alert: dict[str, str]) -> None:
    assert f"`{alert['alert']}`" in PAGE
    named = re.findall(r"\b(synctl_\w+)(?:\{([^}]*)\})?", alert["expr"])
    assert named
    for metric, selector in named:
        assert metric in WRITTEN
        for label, values in re.findall(r'(\w+)=~?"([^"]*)"', selector):
            assert label in WRITTEN[metric]
            if label == "state":
                assert set(values.split("|")) <= set(RunState)
    labels = set().union(*(WRITTEN[metric] for metric, _ in named))
    assert set(re.findall(r"\$labels\.(\w+)", alert["summary"] + alert["description"])) <= labels


def test_every_alert_that_is_documented_exists() -> None:
    assert set(re.findall(r"`(Synctl\w+)`", PAGE)) == {alert["alert"] for alert in ALERTS}


def test_queries_in_the_documentation_are_of_metrics_that_exist() -> None:
    queries = PAGE.partition("## Queries")[2]
    assert set(re.findall(r"\bsynctl_\w+", queries)) <= set(WRITTEN)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_alerts() -> None:
    subprocess.run(["promtool", "check", "rules", str(RULES)], check=True, capture_output=True)
