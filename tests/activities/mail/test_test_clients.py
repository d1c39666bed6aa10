"""The mails of a test client: marked, and to whoever of the practice made it (S16)."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from models.tables.accounts.account import Account
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from rules.enums import Role, TaskKind
from rules.mail.kinds import Mail
from rules.mail.orders import MailOrder, mail_order
from tests.activities.mail.sending import send
from tests.care.defaults import CARE_TEAM_EMAIL
from tests.care.practice import Practice
from tests.care.rows import NOW, Rows


async def made_by(rows: Rows, actor: str, **columns: Any) -> Client:
    cleo = await rows.therapist("cleo")
    address = "sara@mail.example"
    return await rows.client(
        cleo, test=True, made_by=actor, email=address, email_folded=address, first_name="Sara", **columns
    )


async def told(practice: Practice, order: MailOrder) -> Any:
    assert await send(practice, order) == "sent"
    return practice.post.sent[-1]


def reminder(client: Client) -> MailOrder:
    return mail_order(Mail.BOOK_FIRST, key=f"book_first:{client.id}", client_id=str(client.id))


@pytest.mark.parametrize("mail", [Mail.BOOK_FIRST, Mail.NEW_CLIENT])
async def test_all_go_to_the_person_who_made_it_and_say_so(practice: Practice, mail: Mail) -> None:
    rows = Rows(practice.sessions)
    await rows.staff("jo", Role.CARE_TEAM)
    sara = await made_by(rows, "care_team:jo")
    sent = await told(practice, mail_order(mail, key="k", client_id=str(sara.id)))
    assert (sent.to, sent.to_name) == ("jo@practice.example", None)
    assert sent.subject.startswith("[TEST] ")
    for body in (sent.text, sent.html):
        assert "Test client:" in body


async def test_a_task_about_it_too(practice: Practice) -> None:
    rows = Rows(practice.sessions)
    await rows.staff("jo", Role.CARE_TEAM)
    sara = await made_by(rows, "care_team:jo")
    task = Task(key="t", id=uuid4(), client_id=sara.id, kind=TaskKind.MATCH_BY_HAND, text="Look.", opened_at=NOW)
    await rows.add(task)
    order = replace(mail_order(Mail.TASK_OPENED, key="k", client_id=str(sara.id)), text="t")
    sent = await told(practice, order)
    assert sent.to == "jo@practice.example"
    assert sent.subject.startswith("[TEST] Task: ")
    assert "Test client:" in sent.text


async def test_a_therapist_who_made_it_gets_them(practice: Practice) -> None:
    rows = Rows(practice.sessions)
    sara = await made_by(rows, "therapist:ben")
    await rows.staff("benno", Role.THERAPIST, therapist=await rows.therapist("ben"))
    assert (await told(practice, reminder(sara))).to == "benno@practice.example"


@pytest.mark.parametrize(
    "actor", ["care_team:desk", "booking_site:site", "therapist:ana", "via Temporal (jo@laptop)", "care_team:sara"]
)
async def test_what_a_program_made_goes_to_the_care_team(practice: Practice, actor: str) -> None:
    sara = await made_by(Rows(practice.sessions), actor)
    assert (await told(practice, reminder(sara))).to == CARE_TEAM_EMAIL


@pytest.mark.parametrize(
    "gone", [{"deactivated_at": NOW}, {"locked_at": NOW, "locked_by": "x"}, {"activated_at": None}]
)
async def test_of_somebody_who_is_not_there_too(practice: Practice, gone: dict[str, Any]) -> None:
    rows = Rows(practice.sessions)
    jo: Account = await rows.staff("jo", Role.CARE_TEAM)
    await rows.change(jo, **gone)
    sara = await made_by(rows, "care_team:jo")
    assert (await told(practice, reminder(sara))).to == CARE_TEAM_EMAIL


async def test_they_follow_the_person_to_another_address(practice: Practice) -> None:
    rows = Rows(practice.sessions)
    jo = await rows.staff("jo", Role.CARE_TEAM)
    sara = await made_by(rows, "care_team:jo")
    await rows.change(jo, email="jo@elsewhere.example", email_folded="jo@elsewhere.example")
    assert (await told(practice, reminder(sara))).to == "jo@elsewhere.example"


async def test_no_day_has_a_budget_for_them_and_they_can_be_stopped(practice: Practice) -> None:
    """They reach nobody whom a form could name; and unsubscribing is tried on a test client like all else."""
    rows = Rows(practice.sessions)
    sara = await made_by(rows, "care_team:desk", account_active=False)
    for number in range(practice.delivery.deps.policy.mails_per_address + 2):
        sent = await told(practice, replace(reminder(sara), key=f"k{number}"))
        assert "List-Unsubscribe" in sent.headers
    await rows.change(sara, unsubscribed=True)
    assert await send(practice, reminder(sara)) == "not_wanted"


async def test_any_other_clients_go_to_themselves(practice: Practice) -> None:
    rows = Rows(practice.sessions)
    await rows.staff("jo", Role.CARE_TEAM)
    sara = await made_by(rows, "care_team:jo")
    await rows.change(sara, test=False)
    sent = await told(practice, reminder(sara))
    assert (sent.to, "[TEST]" in sent.subject) == ("sara@mail.example", False)
