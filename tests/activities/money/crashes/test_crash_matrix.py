"""X2: whatever crashes, and whatever goes wrong at Stripe meanwhile, a payment is made once and the books agree.

Every named point at which a process can die, with every fault of the stand-in: the process dies there, the call or the
webhook goes wrong, and the steps are run again until they end.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from itertools import product
from typing import get_args

import pytest

from sandbox.stripe.faults import Kind
from tests.activities.money.crashes.failpoints import CLOSING, POINTS
from tests.activities.money.crashes.proof import PaymentRecords, check_chains, check_reconciler
from tests.activities.money.crashes.side_by_side import Fee, Lanes
from tests.activities.money.crashes.steps import PaymentSteps

DEATHS: tuple[tuple[str, ...], ...] = (*((point,) for point in (*POINTS, *CLOSING)), ())
CALL_FAULTS = ("lost_request", "lost_answer", "error_before", "error_after", "rate_limited", "conflict", "slow")
EVENT_FAULTS = ("webhook_dropped", "webhook_doubled", "webhook_late", "webhook_reordered")
KEY_IS_SPOILT = ("error_before", "error_after", "rate_limited")  # whoever tries again takes another key
TROUBLES = {
    "create": [f"{kind}@create" for kind in CALL_FAULTS],
    "confirm": [f"{kind}@confirm" for kind in CALL_FAULTS],
    "webhook": ["", *EVENT_FAULTS],
}


def test_the_matrix_is_whole() -> None:
    """Every fault that the stand-in knows, with every death: a new kind of fault belongs here too."""
    assert {*CALL_FAULTS, *EVENT_FAULTS} == set(get_args(Kind))
    assert sum(len(DEATHS) * len(troubles) for troubles in TROUBLES.values()) >= 200


async def pay(fee: Fee) -> None:
    await fee.next_step()


def tell(title: str, fees: Sequence[Fee], steps: PaymentSteps) -> None:
    """The figures, and that the matrix is what it claims: each death and each fault really came."""
    died, met = sum(fee.died for fee in fees), sum(fee.met for fee in fees)
    both = len({(fee.deaths, fee.trouble) for fee in fees if fee.died and fee.met})
    print(f"{title}: {len(fees)} combinations, {died} deaths, {met} faults, {both} with both")  # noqa: T201 - with -s


@pytest.mark.crowd  # half a minute each
@pytest.mark.parametrize("where", TROUBLES)
async def test_x2_every_death_with_every_fault_charges_once(steps: PaymentSteps, where: str) -> None:
    lanes = await Lanes.of(steps, len(DEATHS))
    async with lanes.hearing() if where == "webhook" else nullcontext():
        for trouble in TROUBLES[where]:
            fees = await lanes.week(DEATHS, trouble)
            await lanes.in_trouble(fees, pay)
    tell(where, lanes.fees, steps)
    assert {(fee.deaths, fee.trouble) for fee in lanes.fees} == set(product(DEATHS, TROUBLES[where]))
    for fee in lanes.fees:
        assert fee.met or not fee.trouble, fee.label
        closes = fee.trouble.partition("@")[0] in KEY_IS_SPOILT
        assert fee.died == any(closes or point not in CLOSING for point in fee.deaths), fee.label
    records = await PaymentRecords.read(lanes)
    for fee in lanes.fees:
        records.check_paid(fee)
    assert records.left_over(lanes.fees) == []  # what a lost answer made was found, and used
    lanes.practice.clock.instant += timedelta(hours=2)
    await check_reconciler(lanes, heals=Counter())
    await check_chains(lanes)
