"""50, 500 and 5,000 therapists: a journey begun over HTTP, with a match among all of them."""

from functools import partial

import httpx

from bench.figures import HEADER, line
from bench.growth.measures import Report, sizes, timed
from bench.start_journey import ANSWERS, MANY
from bench.therapists import add_therapists
from local.stack import LocalStack, Ports

SIZES = (50, 500, 5_000)
ROUNDS, WARM_UP, BOOKED = 20, 3, 4
SITE = {"Authorization": "Bearer dev-booking-site"}


async def run() -> None:
    report = Report("growth_therapists")
    report.tell(f"A journey begun over HTTP, matched with all therapists; {ROUNDS} rounds, one caller (milliseconds)")
    report.tell(HEADER)
    for size in sizes(SIZES):
        async with await LocalStack.start(ports=Ports.free(), seed=False, env=MANY) as stack:
            await add_therapists(stack.database_url, size, now=await stack.clock.now(), booked=BOOKED)
            async with httpx.AsyncClient(base_url=stack.api_url, headers=SITE, timeout=60, trust_env=False) as http:
                body = {"source": "matching_form", "answers": ANSWERS}
                calls = [partial(http.post, "/v1/journeys", json=body)] * (WARM_UP + ROUNDS)
                await timed(calls[:WARM_UP])
                report.tell(line(f"{size} therapists", await timed(calls[WARM_UP:])))
    report.keep()
