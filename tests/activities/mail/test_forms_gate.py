"""What a mail about forms says of the client's own bookings, from what was asked for: at once, or with a grace."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from models.tables.forms.form import FormRequest
from rules.mail.orders import MailOrder
from rules.time_words import local_time
from tests.activities.forms.test_new_versions import CONSENT, Sara
from tests.activities.mail.sending import send
from tests.activities.test_twice import Story
from tests.care.practice import DESK, Practice

NEW_YORK = "America/New_York"
WAITS, WILL_WAIT = "you can book further appointments yourself.", "You have until"


async def told(practice: Practice, client: str, template: str, **about: Any) -> str:
    order = MailOrder(key=str(uuid4()), template=template, client_id=client, **about)
    assert await send(practice, order) == "sent"
    return practice.post.sent[-1].text


async def test_the_first_bookings_forms_are_waited_for_at_once(practice: Practice) -> None:
    client = await practice.client()
    await practice.booked(client)
    for template in ("forms_requested", "forms_reminder"):
        text = await told(practice, client, template)
        assert (WAITS in text, WILL_WAIT in text) == (True, False)


async def test_a_form_that_is_asked_for_again_says_until_when_and_then_that_it_is_waited_for(
    practice: Practice,
) -> None:
    sara = Sara(Story(practice, await practice.client()))
    await sara.books(by=DESK)
    await sara.completes(CONSENT)
    await sara.publishes()
    [asked] = await sara.told()
    assert asked.gates_from is not None
    by_mail: dict[str, dict[str, Any]] = {
        "forms_requested": {"form_ids": (asked.id,)},
        "forms_reminder": {"form_id": asked.id},
    }
    for template, about in by_mail.items():
        practice.clock.instant = asked.gates_from - timedelta(microseconds=1)
        text = await told(practice, sara.client, template, **about)
        assert f"You have until {local_time(asked.gates_from, NEW_YORK)}." in text
        assert WAITS not in text
        practice.clock.instant = asked.gates_from
        text = await told(practice, sara.client, template, **about)
        assert (WAITS in text, WILL_WAIT in text) == (True, False)


async def test_a_form_that_the_practice_has_made_is_never_waited_for(practice: Practice) -> None:
    client = await practice.client()
    async with practice.sessions() as session:
        form = FormRequest(
            id=uuid4(),
            client_id=UUID(client),
            kind="diary",
            version=1,
            requested_at=practice.clock.instant,
            requested_by="x",
        )
        session.add(form)
        await session.commit()
    for template in ("forms_requested", "forms_reminder"):
        text = await told(practice, client, template, form_id=str(form.id))
        assert (WAITS in text, WILL_WAIT in text) == (False, False)
