"""Starting a journey with a match over 200 therapists: how long one caller waits for the answer, and where it goes.

On the whole local stack as ``make run`` starts it: API, worker, dev server and PostgreSQL as programs of their own.
Measured from outside, one request at a time. Beside it, in the same run, two floors: the same journey with no match to
make (a direct booking), and an API call that touches the database alone. The ratios hold when the machine's speed
drifts; the milliseconds are this machine's.
"""

import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from bench.therapists import add_therapists
from local.stack import LocalStack, Ports

THERAPISTS = 200
ROUNDS = 60
WARM_UP = 10
GOAL_MS = 80.0
MANY = {"POLICY__JOURNEYS_PER_VISITOR": "1000"}  # as one program begins them all
ANSWERS = {
    "state": "NY",
    "concerns": ["anxiety", "grief", "sleep"],
    "languages": ["en", "es"],
    "modality": "individual",
    "insurance": "Aetna",
    "preferred_times": [{"weekday": "mon", "part": "morning"}, {"weekday": "thu", "part": "evening"}],
}

Call = Callable[[], Awaitable[httpx.Response]]


async def run() -> None:
    async with await LocalStack.start(ports=Ports.free(), seed=False, env=MANY) as stack:
        await add_therapists(stack.database_url, THERAPISTS, now=await stack.clock.now())
        headers = {"Authorization": "Bearer dev-booking-site"}
        async with httpx.AsyncClient(base_url=stack.api_url, headers=headers, timeout=30, trust_env=False) as http:

            def post(body: dict[str, Any]) -> Call:
                return lambda: http.post("/v1/journeys", json=body)

            calls: dict[str, Call] = {
                "matching form": post({"source": "matching_form", "answers": ANSWERS}),
                "direct booking": post({"source": "direct_booking", "therapist": "therapist-0"}),
                "one therapist read": lambda: http.get("/v1/therapists/therapist-0"),
            }
            times = await _in_turn(calls)
    _tell(times)


async def _in_turn(calls: dict[str, Call]) -> dict[str, list[float]]:
    """Milliseconds of each call, taken in turn, so that a slow moment of the machine meets all of them."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(WARM_UP + ROUNDS):
        for name, call in calls.items():
            began = time.perf_counter()
            answer = await call()
            took = (time.perf_counter() - began) * 1000
            assert answer.status_code in (200, 201), answer.text
            if number >= WARM_UP:
                times[name].append(took)
    return times


def _tell(times: dict[str, list[float]]) -> None:
    print(f"Starting a journey, {THERAPISTS} therapists, {ROUNDS} rounds, one caller (milliseconds)")
    print(f"  {'':20} {'median':>8} {'p95':>8} {'min':>8} {'max':>8}")
    for name, taken in times.items():
        ordered = sorted(taken)
        p95 = ordered[int(len(ordered) * 0.95)]
        print(f"  {name:20} {statistics.median(taken):8.1f} {p95:8.1f} {ordered[0]:8.1f} {ordered[-1]:8.1f}")
    form, direct = statistics.median(times["matching form"]), statistics.median(times["direct booking"])
    print(f"  a match costs {form / direct:.2f} times a journey without one")
    print(f"  goal: a median under {GOAL_MS:.0f} ms - {'met' if form < GOAL_MS else 'missed'}")
