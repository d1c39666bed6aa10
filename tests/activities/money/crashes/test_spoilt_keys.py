"""What Stripe answered with a failure, it answers so to the same key for a day, even where nothing was done."""

import pytest

from activities.ports import GatewayUnavailable, Intent
from rules.enums import PaymentStatus
from tests.activities.money.crashes.decisions import grant
from tests.activities.money.crashes.proof import PaymentRecords, check_reconciler
from tests.activities.money.crashes.side_by_side import Lanes
from tests.activities.money.crashes.steps import PaymentSteps
from tests.care.practice import FEE


@pytest.mark.parametrize("credit", [5000, FEE])
async def test_an_intent_that_credit_outdates_is_called_off_under_another_key(
    steps: PaymentSteps, monkeypatch: pytest.MonkeyPatch, credit: int
) -> None:
    lanes = await Lanes.of(steps, 1)
    [fee] = await lanes.week([()])
    await lanes.practice.bank_says(fee.client, "insufficient_funds")
    await fee.next_step()
    assert fee.payment.status is PaymentStatus.FAILED
    await lanes.practice.bank_says(fee.client, None)
    await grant(lanes.practice, fee.client, credit)
    cancel, spoilt = steps.gateway.cancel_intent, list[str]()

    async def failing(*, intent: str, key: str) -> Intent:
        if key in spoilt or len(spoilt) < 2:
            spoilt.append(key)
            raise GatewayUnavailable("a stored failure", ambiguous=True, retry_with_same_key=False)
        return await cancel(intent=intent, key=key)

    monkeypatch.setattr(steps.gateway, "cancel_intent", failing)
    assert fee.payment.next_try_at is not None
    lanes.practice.clock.instant = fee.payment.next_try_at
    await fee.next_step()
    assert len(spoilt) == len(set(spoilt)) == 2
    (await PaymentRecords.read(lanes)).check_paid(fee, credit=credit, declines=1)
    await check_reconciler(lanes)
