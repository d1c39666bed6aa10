"""How measured times are told: plain lines, with the goal beside them."""

import statistics
import time
from collections.abc import Sequence

HEADER = f"  {'':34} {'median':>8} {'p95':>8} {'min':>8} {'max':>8}"


def now_ms() -> float:
    """Milliseconds of a clock that only differences are taken of."""
    return time.perf_counter() * 1000


def median(times: Sequence[float]) -> float:
    return statistics.median(times)


def p95(times: Sequence[float]) -> float:
    """What 95 in 100 stayed under or met."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def line(name: str, times: Sequence[float]) -> str:
    """One row under HEADER, in milliseconds."""
    return f"  {name:34} {median(times):8.1f} {p95(times):8.1f} {min(times):8.1f} {max(times):8.1f}"


def against(goal: str, *, met: bool) -> str:
    return f"  goal: {goal} - {'met' if met else 'missed'}"
