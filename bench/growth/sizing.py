"""What the counted figures come to for a practice of ten therapists, a group of a thousand and a platform of ten
thousand: arithmetic alone, on figures that other benchmarks have written down.

``python -m bench sizing`` writes the table into docs/performance.md, between two marks. A test holds the page to it.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.cost import SESSIONS
from bench.growth.measures import RESULTS

PAGE = RESULTS.parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- written by python -m bench sizing -->\n", "<!-- end -->\n"

THERAPISTS = (10, 1_000, 10_000)
SESSIONS_A_WEEK = 20  # of one therapist
RECORDS = 40  # open journeys of one therapist: as many rest as come every week
WEEKS_A_MONTH = 52 / 12
BUSIEST = 1 / 20  # of a week's sessions is charged in its busiest hour
ROUNDS_A_MONTH, ACTIONS_A_ROUND = 6 * 24 * 365 / 12, 50  # of the keeper; at most, as its own test holds
KEPT_DAYS = 30  # of histories that have ended: the engine's retention
SPARE = 2  # processes of a kind, at the least: one may be replaced
CONNECTIONS = 40  # that each process opens at most
BUSY = 0.5  # of its core is a worker in the busiest hour

# Temporal Cloud, pay as you go: https://docs.temporal.io/cloud/pricing, read in November 2026. Dollars.
TIERS = ((5, 50), (5, 45), (10, 40), (30, 35), (50, 30), (100, 25))  # millions of actions, and the price of each
PLAN, SHARE = 500, 0.10  # of the Business plan: the greater of the two
INCLUDED_ACTIONS, INCLUDED_ACTIVE, INCLUDED_RETAINED = 2.5e6, 2.5, 100  # in it; GB
ACTIVE_MONTH, RETAINED_MONTH = 0.042 * 744, 0.00105 * 744  # of a GB
DEVELOPER_ACTION = 50 / 1e6
DEVELOPER_SHARE = 1.10


@dataclass(frozen=True, kw_only=True)
class CountedFigures:
    """What was counted or measured. ``actions`` and ``history_kb`` of a journey of six sessions; ``stored_kb`` of the
    same in the database; ``open_kb`` of one open journey in the engine's store; ``charge_ms`` of a worker's processor
    for a charge with its receipt."""

    actions: int
    history_kb: float
    stored_kb: float
    open_kb: float
    charge_ms: float

    @classmethod
    def read(cls, results: Path = RESULTS) -> "CountedFigures":
        """From the files that the benchmarks write."""

        def figure(file: str, pattern: str) -> float:
            found: list[str] = re.findall(pattern, (results / f"{file}.txt").read_text())
            assert found, f"{file}.txt says nothing of {pattern}"
            return float(found[-1])

        return cls(
            actions=int(figure("cost", r"(\d+) billable actions")),
            history_kb=figure("cost", r"(\d+) bytes:") / 1000,
            stored_kb=figure("storage", r"([\d.]+) kB:"),
            open_kb=figure("growth_journeys", r"([\d.]+) kB in the engine"),
            charge_ms=figure("growth_workers", r" 1 worker processes: .*; (\d+) ms of their processor"),
        )


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """What a practice of so many therapists comes to."""

    therapists: int
    figures: CountedFigures

    @property
    def sessions_a_week(self) -> int:
        return self.therapists * SESSIONS_A_WEEK

    @property
    def journeys_a_month(self) -> float:
        """As if each were of six sessions: longer ones cost less."""
        return self.sessions_a_week * WEEKS_A_MONTH / SESSIONS

    @property
    def open_journeys(self) -> int:
        return self.therapists * RECORDS

    @property
    def charges_a_second(self) -> float:
        return self.sessions_a_week * BUSIEST / 3600

    @property
    def workers(self) -> int:
        return max(SPARE, math.ceil(self.charges_a_second * self.figures.charge_ms / 1000 / BUSY))

    @property
    def connections(self) -> int:
        return (self.workers + max(SPARE, self.workers)) * CONNECTIONS

    @property
    def actions_a_month(self) -> float:
        return self.journeys_a_month * self.figures.actions + ROUNDS_A_MONTH * ACTIONS_A_ROUND

    @property
    def stored_gb_a_year(self) -> float:
        return self.journeys_a_month * 12 * self.figures.stored_kb / 1e6

    @property
    def active_gb(self) -> float:
        return self.open_journeys * self.figures.open_kb / 1e6

    @property
    def retained_gb(self) -> float:
        return self.journeys_a_month * KEPT_DAYS / (365 / 12) * self.figures.history_kb / 1e6

    @property
    def dollars_a_month(self) -> float:
        """At Temporal Cloud, by the cheaper of its two plans without a contract."""
        stored = self.active_gb * ACTIVE_MONTH + self.retained_gb * RETAINED_MONTH
        developer = DEVELOPER_SHARE * (self.actions_a_month * DEVELOPER_ACTION + stored)
        used = _priced(max(0, self.actions_a_month - INCLUDED_ACTIONS))
        used += max(0, self.active_gb - INCLUDED_ACTIVE) * ACTIVE_MONTH
        used += max(0, self.retained_gb - INCLUDED_RETAINED) * RETAINED_MONTH
        return min(developer, used + max(PLAN, SHARE * used))


def _priced(actions: float) -> float:
    dollars, left = 0.0, actions / 1e6
    for millions, price in TIERS:
        dollars += min(left, millions) * price
        left = max(0, left - millions)
    assert not left, "Temporal publishes no price for so many"
    return dollars


def table(figures: CountedFigures) -> str:
    """As the page has it."""
    sizes = [Sizing(therapists=therapists, figures=figures) for therapists in THERAPISTS]
    return "".join(f"| {' | '.join(row)} |\n" for row in _rows(sizes))


def _rows(sizes: list[Sizing]) -> Iterator[list[str]]:
    told = {
        f"sessions a week ({SESSIONS_A_WEEK} each)": [f"{one.sessions_a_week:,}" for one in sizes],
        f"open journeys ({RECORDS} each)": [f"{one.open_journeys:,}" for one in sizes],
        f"journeys of {SESSIONS} sessions a month": [f"{one.journeys_a_month:,.0f}" for one in sizes],
        f"charges a second in the busiest hour ({BUSIEST:.0%} of a week)": [
            f"{one.charges_a_second:.2f}" for one in sizes
        ],
        f"workers ({sizes[0].figures.charge_ms:.0f} ms a charge, half busy; at least {SPARE})": [
            str(one.workers) for one in sizes
        ],
        f"connections to the database (as many servers; {CONNECTIONS} each)": [str(one.connections) for one in sizes],
        f"engine actions a month ({sizes[0].figures.actions} a journey, and the keeper's)": [
            f"{one.actions_a_month / 1e6:.2f} million" for one in sizes
        ],
        f"database, a year ({sizes[0].figures.stored_kb:.0f} kB a journey)": [
            f"{one.stored_gb_a_year:,.1f} GB" for one in sizes
        ],
        f"engine, what runs ({sizes[0].figures.open_kb:.0f} kB an open journey)": [
            f"{one.active_gb:,.2f} GB" for one in sizes
        ],
        f"engine, what has ended ({sizes[0].figures.history_kb:.0f} kB a journey, {KEPT_DAYS} days)": [
            f"{one.retained_gb:,.2f} GB" for one in sizes
        ],
        "Temporal Cloud, a month": [f"${one.dollars_a_month:,.0f}" for one in sizes],
    }
    yield ["", *(f"{one.therapists:,} therapists" for one in sizes)]
    yield ["---", *("---:" for _ in sizes)]
    for name, values in told.items():
        yield [name, *values]


async def run() -> None:
    before, _, rest = PAGE.read_text().partition(BEGIN)
    written = table(CountedFigures.read())
    print(written, end="")
    PAGE.write_text(f"{before}{BEGIN}{written}{END}{rest.partition(END)[2]}")
