"""Who may settle what waits for a second person is told by mail: each of them once, and nothing of whom it is about."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from activities.ports import OutgoingMail
from models.tables import Account, OutboxItem
from models.tables.booking.therapist import Therapist
from models.tables.mail.outbox import OutboxStatus
from rules.accounts.caller import Caller
from rules.enums import ApprovalAct, Role
from rules.mail.kinds import Mail
from tests.activities.mail.test_account_mails import deliver
from tests.activities.money.approvals.ceiling import Ceilinged
from tests.care.crash_points import Death
from tests.care.practice import DESK
from tests.care.rows import Rows

ACTS = {
    ApprovalAct.CREDIT: "a credit",
    ApprovalAct.REFUND: "a refund",
    ApprovalAct.WAIVE: "a waiver",
    ApprovalAct.WRITE_OFF: "a write-off",
}


@pytest.fixture
def rows(ceiling: Ceilinged) -> Rows:
    return Rows(ceiling.practice.sessions)


async def told(ceiling: Ceilinged) -> list[OutgoingMail]:
    await deliver(ceiling.practice)
    return [mail for mail in ceiling.practice.post.sent if mail.template == Mail.SECOND_PERSON_ASKED]


async def ordered(ceiling: Ceilinged) -> dict[str, OutboxStatus]:
    async with ceiling.practice.sessions() as session:
        theirs = select(OutboxItem).where(col(OutboxItem.template) == Mail.SECOND_PERSON_ASKED.value)
        return {row.key: row.status for row in (await session.exec(theirs)).all()}


async def staff(ceiling: Ceilinged, rows: Rows) -> list[Account]:
    """Those who may settle what maria asks for; beside them some who may not."""
    async with ceiling.practice.sessions() as session:
        client = await ceiling.practice.row(ceiling.money.client)
        ana = await session.get_one(Therapist, client.therapist_id)
    await rows.staff("maria", Role.CARE_TEAM, Role.ADMIN)  # who asks
    await rows.staff("gone", Role.CARE_TEAM, deactivated_at=ceiling.practice.clock.instant)
    await rows.staff("invited", Role.CARE_TEAM, activated_at=None)
    await rows.staff("olga", Role.ADMIN)  # who sees no client
    await rows.staff("zoe", Role.THERAPIST, therapist=await rows.therapist("zoe"))
    return [
        await rows.staff("ivo", Role.CARE_TEAM),
        await rows.staff("eva", Role.CARE_TEAM),
        await rows.staff("ana", Role.THERAPIST, therapist=ana),
    ]


@pytest.mark.parametrize("act", ACTS)
async def test_each_who_may_settle_it_is_told_once(ceiling: Ceilinged, rows: Rows, act: ApprovalAct) -> None:
    others = await staff(ceiling, rows)
    order = await ceiling.order(act)
    row = await ceiling.asked(order, act)
    await ceiling.asked(order, act)  # the same request again
    mails = await told(ceiling)
    assert sorted(mail.to for mail in mails) == sorted(other.email or "" for other in others)
    assert await told(ceiling) == mails
    client = await ceiling.practice.row(ceiling.money.client)
    for mail in mails:
        assert mail.subject == "Something waits for your approval"
        assert f"Maria has asked for {ACTS[act]} of 120.00 USD, which is more than one person may" in mail.text
        assert f"{row.lapses_at:%Y}" in mail.text
        for body in (mail.text, mail.html):
            assert "/staff/approvals" in body
            for name in (client.first_name, client.last_name, client.ref, order.reason):
                assert name is not None
                assert name not in body


async def test_a_program_is_named_by_its_name_and_gets_none(ceiling: Ceilinged, rows: Rows) -> None:
    await ceiling.asked(await ceiling.order(ApprovalAct.CREDIT, by=DESK), ApprovalAct.CREDIT)
    assert await told(ceiling) == []  # nobody has an address, and nothing breaks
    await rows.staff("ivo", Role.CARE_TEAM)
    await ceiling.asked(await ceiling.order(ApprovalAct.CREDIT, by=DESK), ApprovalAct.CREDIT)
    [mail] = await told(ceiling)
    assert f"{DESK.name} has asked for a credit" in mail.text


async def test_who_asks_in_another_of_their_roles_is_not_told_of_their_own(ceiling: Ceilinged, rows: Rows) -> None:
    [ivo, eva, ana] = await staff(ceiling, rows)
    async with ceiling.practice.sessions() as session:
        client = await ceiling.practice.row(ceiling.money.client)
        slug = (await session.get_one(Therapist, client.therapist_id)).slug
    by = Caller(role=Role.THERAPIST, name=slug, therapist=slug)
    await ceiling.asked(await ceiling.order(ApprovalAct.CREDIT, by=by), ApprovalAct.CREDIT)
    assert {mail.to for mail in await told(ceiling)} == {ivo.email, eva.email, "maria@practice.example"}
    assert ana.email not in {mail.to for mail in ceiling.practice.post.sent}


@pytest.mark.parametrize("end", ["approved", "refused", "lapsed", "role", "account"])
async def test_once_it_waits_for_them_no_more_nothing_is_sent(ceiling: Ceilinged, rows: Rows, end: str) -> None:
    ivo = await rows.staff("ivo", Role.CARE_TEAM)
    order = await ceiling.order(ApprovalAct.CREDIT)
    row = await ceiling.asked(order, ApprovalAct.CREDIT)
    if end == "approved":
        await ceiling.approves(order, ApprovalAct.CREDIT)
    elif end == "refused":
        await ceiling.refuses(order)
    elif end == "lapsed":
        ceiling.practice.clock.instant = row.lapses_at + timedelta(seconds=1)
    elif end == "role":
        await rows.change(ivo, roles=[Role.THERAPIST.value])
    else:
        await rows.change(ivo, deactivated_at=ceiling.practice.clock.instant)
    assert await told(ceiling) == []
    assert await ordered(ceiling) == {f"{Mail.SECOND_PERSON_ASKED}:{row.id}:{ivo.id}": OutboxStatus.NOT_WANTED}


async def test_dead_before_the_commit_nobody_is_told_of_what_does_not_wait(ceiling: Ceilinged, rows: Rows) -> None:
    await rows.staff("ivo", Role.CARE_TEAM)
    order = await ceiling.order(ApprovalAct.CREDIT)
    ceiling.practice.points.reset(1)
    with pytest.raises(Death):
        await ceiling.step(ApprovalAct.CREDIT)(order)
    ceiling.practice.points.reset()
    assert await ordered(ceiling) == {}
    await ceiling.asked(order, ApprovalAct.CREDIT)
    assert len(await told(ceiling)) == 1
