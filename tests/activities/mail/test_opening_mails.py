"""The mail that something of a client's record was opened: to whom it goes, and what it tells each of them."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from models.tables import Account
from models.writes.accounts.openings import begin_opening
from models.writes.locks import lock_client
from rules.accounts.caller import Caller
from rules.accounts.openings import OpeningKind
from rules.enums import ClientStatus, Role
from tests.activities.mail.test_account_mails import deliver
from tests.care.practice import Practice
from tests.care.rows import Rows

MARIA = Caller(role=Role.CARE_TEAM, name="maria")
SUBJECT = "A record was opened"


@pytest.fixture
def rows(practice: Practice) -> Rows:
    return Rows(practice.sessions)


async def opens(practice: Practice, client_id: UUID) -> None:
    async with practice.sessions() as session:
        client = await lock_client(session, client_id)
        await begin_opening(
            session,
            client,
            OpeningKind.PRIVATE_NOTES,
            id=uuid4(),
            by=MARIA,
            account=None,
            reason="the therapist is ill",
            at=practice.clock.instant,
        )
        await session.commit()
    await deliver(practice)


@pytest.mark.parametrize("status", ClientStatus)
async def test_the_therapist_is_told_whose_also_of_an_archived_client(
    practice: Practice, rows: Rows, status: ClientStatus
) -> None:
    ana = await rows.therapist("ana-silva", name="Ana Silva")
    sara = await rows.client(ana, first_name="Sara", last_name="Lind", status=status)
    await opens(practice, sara.id)
    [mail] = practice.post.sent
    assert (mail.to, mail.subject) == ("ana-silva@practice.example", SUBJECT)
    for body in (mail.text, mail.html):
        assert "Somebody opened the private notes of Sara Lind for an hour" in body
        assert "ill" not in body.replace("will", "")
    assert await practice.facts(str(sara.id)) == ["opening_begun", "mail_sent"]


async def test_each_admin_is_told_by_the_reference_alone(practice: Practice, rows: Rows) -> None:
    admins: list[Account] = [await rows.staff(handle, Role.ADMIN) for handle in ("olga", "otto")]
    await rows.staff("maria", Role.CARE_TEAM)
    sara = await rows.client(first_name="Sara", last_name="Lind")
    await opens(practice, sara.id)
    assert {mail.to for mail in practice.post.sent} == {admin.email for admin in admins}
    for mail in practice.post.sent:
        assert f"the private notes of {sara.ref}" in mail.text
        for body in (mail.text, mail.html, mail.subject):
            assert not {"Sara", "Lind"} & set(body.split())


async def test_a_test_clients_goes_to_whoever_made_them(practice: Practice, rows: Rows) -> None:
    test: dict[str, Any] = {"test": True, "made_by": "care_team:jo"}
    await rows.staff("olga", Role.ADMIN)
    await rows.staff("jo", Role.CARE_TEAM)
    for therapist in (await rows.therapist("ana-silva"), None):
        await opens(practice, (await rows.client(therapist, **test)).id)
    assert [(mail.to, mail.subject) for mail in practice.post.sent] == [
        ("jo@practice.example", f"[TEST] {SUBJECT}")
    ] * 2
