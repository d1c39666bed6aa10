"""The practice's numbers for Prometheus, from the database's rows alone.

They are told by the API, not by workers: when the engine is away, no worker comes up, or all of them stand still, these
are the numbers that show what is piling up. Every server tells the same ones, each looked up at most once in
``EVERY`` however often it is scraped: take the largest of several, never the sum.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from engine.clock import Clock
from models.database import Sessions
from models.reads.keeping.numbers import Backlog, PracticeNumbers, practice_numbers

EVERY = timedelta(seconds=30)
_GLANCE = 6.0  # seconds; a scrape has ten by default
_VENDORS = ("stripe", "sendgrid")  # whose events wait for a journey; none waiting is a number too
log = structlog.get_logger(__name__)


class WatchedPractice(Collector):
    """What was looked up last; nothing where the database could not be asked: old numbers would look fine."""

    def __init__(self, sessions: Sessions, clock: Clock, *, every: timedelta = EVERY) -> None:
        self.every = every
        self._sessions = sessions
        self._clock = clock
        self._found: PracticeNumbers | None = None
        self._looking = asyncio.Lock()

    async def look(self) -> None:
        """Look the numbers up, unless that was done a moment ago. Never raises."""
        async with self._looking:
            try:
                async with asyncio.timeout(_GLANCE):
                    now = await self._clock.now()
                    if self._found is not None and timedelta() <= now - self._found.at < self.every:
                        return
                    async with self._sessions() as session:
                        self._found = await practice_numbers(session, now=now)
            except (SQLAlchemyError, OSError, RPCError, RuntimeError) as error:
                log.warning("the practice's numbers cannot be looked up", because=type(error).__name__)
                self._found = None

    def collect(self) -> Iterable[Metric]:
        return _told(self._found) if self._found is not None else ()


def _told(found: PracticeNumbers) -> Iterator[Metric]:
    def age(since: datetime | None) -> float:
        return max((found.at - since).total_seconds(), 0.0) if since is not None else 0.0

    yield _by("practice_journeys", "Journeys that are not closed, by stage.", "stage", found.journeys)
    charges = found.charges
    yield _by(
        "practice_charges",
        "Payments: due now, late by half an hour, failed (waiting for a try, a card or the client), owed.",
        "state",
        {"due": charges.due, "late": charges.late, "failed": charges.failed, "owed": charges.owed},
    )
    yield _one("practice_unmarked_appointments", "Appointments without an outcome.", found.unmarked.number)
    yield _one(
        "practice_oldest_unmarked_appointment_seconds", "Since the first of them was over.", age(found.unmarked.since)
    )
    mails = found.mails
    yield _by(
        "practice_mails",
        "Mails and errands: due, due for half an hour, given up within a day.",
        "state",
        {"waiting": mails.waiting, "late": mails.late, "undeliverable": mails.undeliverable},
    )
    yield _by("practice_open_tasks", "Tasks that nobody has settled.", "kind", found.tasks)
    yield _one("practice_comparison_age_seconds", "Since the ledger was last compared.", age(found.comparison.at))
    yield _one("practice_comparison_differences", "What that comparison found and left.", found.comparison.differences)
    yield _one("practice_keeper_round_age_seconds", "Since the keeper's last round was over.", age(found.round.at))
    yield _one("practice_keeper_round_resumed", "Workflows which that round started again.", found.round.resumed)
    yield _one("practice_keeper_unfinished", "Workflows that wait to be started again.", found.round.unfinished)
    resumed = CounterMetricFamily("workflows_resumed", "Workflows started again, ever, by why.", labels=("because",))
    for because, number in found.resumed.items():
        resumed.add_metric((because.value,), number)
    yield resumed
    vendors = {name: found.events.get(name, Backlog()) for name in {**dict.fromkeys(_VENDORS), **found.events}}
    yield _by(
        "practice_vendor_events_waiting",
        "Events that came in and were not handled.",
        "vendor",
        {vendor: waiting.number for vendor, waiting in vendors.items()},
    )
    yield _by(
        "practice_oldest_vendor_event_seconds",
        "Since the first of them came in.",
        "vendor",
        {vendor: age(waiting.since) for vendor, waiting in vendors.items()},
    )
    yield _one("practice_webhook_deliveries_waiting", "Events that programs have not taken.", found.deliveries.number)
    yield _one(
        "practice_oldest_webhook_delivery_seconds", "Since the first of them was made.", age(found.deliveries.since)
    )


def _one(name: str, meaning: str, number: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=number)


def _by(name: str, meaning: str, label: str, numbers: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=(label,))
    for value, number in numbers.items():
        family.add_metric((value,), number)
    return family
