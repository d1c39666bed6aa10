"""Mail and Stripe are away for a day, while the client's workflows begin new runs every few steps: deadlines are kept
meanwhile, and then all that is still wanted goes out, once."""

from collections import Counter
from datetime import timedelta

import pytest

from activities.ports import MailerUnavailable, OutgoingMail
from tests.care.story import Care
from tests.journeys.money.amounts import goes_well_again, goes_wrong, payment_of
from tests.workflows.conftest import run_of, with_short_histories
from tests.workflows.test_continue_as_new import burst

HOUR = timedelta(hours=1)


async def test_a_day_without_mail_and_stripe(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sara's card has expired, so that her fee becomes a debt meanwhile; Tom's fee falls due meanwhile."""
    sara, tom = await care.client_in_care(), await care.client_in_care(name="Tom")
    hers = sara.session(1)
    await tom.session(1).moved(hers.starts_at + 16 * HOUR, by="desk")
    his = tom.session(1)
    await with_short_histories(care, sara, tom)
    await hers.occurs()
    await sara.bank_says("expired_card")
    await his.occurs()
    await care.until(his.ends_at + 20 * HOUR)
    assert (await payment_of(hers))["status"] == "failed"
    before, told = await care.mail_counts(), {person.name: Counter(await person.facts()) for person in (sara, tom)}

    mailer = care.house.dependencies.mailer
    send, away = mailer.send, True

    async def sometimes(mail: OutgoingMail) -> str:
        if away:
            raise MailerUnavailable("nobody answers", ambiguous=False)
        return await send(mail)

    monkeypatch.setattr(mailer, "send", sometimes)
    await goes_wrong(care, {"kind": "lost_request", "call": "*", "times": 100_000})
    runs = {await run_of(person.journey) for person in (sara, tom)}
    for number in range(4):
        for person in (sara, tom):
            await burst(person, number)
            runs.add(await run_of(person.journey))
        await care.pass_time(hours=6)
        is_over = await care.now() >= hers.ends_at + 48 * HOUR
        assert ((await payment_of(hers))["status"] == "owed") is is_over
        assert (await payment_of(his))["status"] == "processing"
    assert len(runs) == 10
    assert await care.mail_counts() == before

    away = False
    await goes_well_again(care)
    await care.pass_time(hours=1)
    assert await care.now() < his.ends_at + 48 * HOUR
    assert [(await payment_of(session))["status"] for session in (hers, his)] == ["owed", "paid"]
    assert await care.charges_at_stripe() == [12000]
    assert await care.mail_counts() - before == Counter(payment_failed=1, task_opened=1, receipt=1)
    for person, kinds in ((sara, ["payment_owed"]), (tom, ["payment_processing", "payment_paid"])):
        new = Counter(await person.facts()) - told[person.name]
        assert [new[kind] for kind in kinds] == [1] * len(kinds)
    assert [task["kind"] for task in await care.tasks()] == ["payment_owed"]


async def test_what_was_put_off_is_delivered_by_the_next_run(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    sara = await care.client_in_care()
    session = sara.session(1)
    await with_short_histories(care, sara)
    mailer, told = care.house.dependencies.mailer, (await care.mail_counts(to=sara.email))["appointment_reminder"]

    async def away(_: OutgoingMail) -> str:
        raise MailerUnavailable("nobody answers", ambiguous=False)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(mailer, "send", away)
        await care.until(session.starts_at - timedelta(hours=24) + timedelta(seconds=10))
    before = await run_of(session.workflow)
    while await run_of(session.workflow) == before:
        await care.refused(
            "POST",
            f"/v1/appointments/{session.id}/outcome",
            {"outcome": "occurred"},
            by="desk",
            name="appointment-not-started",
        )
    await care.pass_time(minutes=5)
    assert (await care.mail_counts(to=sara.email))["appointment_reminder"] == told + 1
