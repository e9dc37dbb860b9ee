"""Writes samples as Prometheus' text, and as objects for who reads JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from synctl.engine.metrics.declared import METRICS, Histogram, Kind, Metric, Sample
from synctl.engine.tally import BEYOND, BUCKETS

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

BOUNDS = (*(str(bound) for bound in BUCKETS), BEYOND)


class Collector:
    """What prometheus_client asks for families of metrics: those that have samples, in the order of declaration."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples: dict[str, list[Sample]] = defaultdict(list)
        for sample in samples:
            self._samples[sample.name].append(sample)

    def collect(self) -> Iterator[Family]:
        """Yield the families."""
        return (_family(metric, self._samples[metric.name]) for metric in METRICS if metric.name in self._samples)


def text(samples: Iterable[Sample]) -> bytes:
    """Return the text exposition format, version 0.0.4."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - 60 ms of import

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector(samples))
    return generate_latest(registry)


def objects(samples: Iterable[Sample]) -> list[dict[str, object]]:
    """Return the stable fields of `metrics --json`, in the order of the text."""
    return [
        {
            "name": family.name if family.type != Kind.COUNTER else f"{family.name}_total",
            "type": family.type,
            "labels": sample.labels,
            "sample": sample.name,
            "value": sample.value,
        }
        for family in Collector(samples).collect()
        for sample in family.samples
    ]


def _family(metric: Metric, samples: Sequence[Sample]) -> Family:
    from prometheus_client import core  # noqa: PLC0415 - see `text`

    if metric.kind is Kind.HISTOGRAM:
        histogram = core.HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for sample in samples:
            if isinstance(sample.value, Histogram):
                added = zip(BOUNDS, accumulate(sample.value.buckets), strict=True)
                histogram.add_metric(sample.labels, buckets=list(added), sum_value=sample.value.total)
        return histogram
    kind = core.CounterMetricFamily if metric.kind is Kind.COUNTER else core.GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for sample in samples:
        if not isinstance(sample.value, Histogram):
            family.add_metric(sample.labels, sample.value)
    return family
