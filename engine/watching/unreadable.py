"""How often a program found that something sealed does not open, as one of its numbers."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class UnreadableValues(Collector):
    """``found``: how often, by table and column; looked at by each scrape."""

    def __init__(self, found: Mapping[str, int]) -> None:
        self._found = found

    def collect(self) -> Iterator[CounterMetricFamily]:
        told = CounterMetricFamily(
            "values_unreadable",
            "How often it was found that something sealed does not open, by where it stands.",
            labels=("column",),
        )
        for column, number in self._found.items():
            told.add_metric((column,), number)
        yield told
