"""New versions of forms, step by step: done twice is done once, and the gate closes at its very instant."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from activities.forms.asking import AskingActivities
from activities.types.archive import ArchiveOrder, UnarchiveOrder
from activities.types.booking import Booked
from activities.types.clients import DetailsOrder, Done
from activities.types.forms import FormSubmission, GateOrder
from models.reads.forms.requests import clients_to_ask_again
from models.tables.booking.therapist import Therapist
from models.tables.forms.form import FormRequest
from models.tables.forms.text import PracticeText
from models.tables.mail.outbox import OutboxItem
from models.writes.booking.hours import save_availability
from models.writes.forms.texts import add_version
from rules.accounts.caller import Caller
from rules.booking.availability import read_availability
from rules.enums import FormStatus, Role
from rules.forms.fields import FieldType, FormField
from rules.forms.intake import INTAKE_FORMS
from rules.journey.stage import AskedForm
from rules.mail.kinds import Mail
from rules.refusals import Problem
from tests.activities.test_twice import Story
from tests.care.practice import DESK, MONDAY, POLICY, Practice
from tests.care.rows import TERMS
from tests.care.story import ALL_DAY

SITE = Caller(role=Role.BOOKING_SITE, name="site")
CONSENT = "informed_consent"
ANSWERS: dict[str, dict[str, Any]] = {
    "informed_consent": {"agrees": True},
    "initial_consultation": {"reason": "Sleep", "emergency_contact": {"name": "Jo", "phone": "+12125550101"}},
}


class Sara:
    """A client who has booked once and completed the three forms."""

    def __init__(self, story: Story) -> None:
        self.story, self.practice, self.client = story, story.practice, story.client
        self.asking = AskingActivities(story.practice.accounts.deps)
        self.weeks = 0

    async def books(self, *, by: Caller = SITE) -> Booked:
        self.weeks += 1
        start = MONDAY + timedelta(weeks=self.weeks)
        return await self.practice.booking.book(replace(self.practice.booking_order(self.client, start), by=by))

    async def completes(self, kind: str) -> Done:
        order = FormSubmission(
            request_id=str(uuid4()), client_id=self.client, by=SITE, kind=kind, answers=ANSWERS[kind], signature="Sara"
        )
        return await self.practice.forms.submit_form(order)

    async def publishes(self, kind: str = CONSENT) -> PracticeText:
        async with self.practice.sessions() as session:
            made = await add_version(
                session,
                id=uuid4(),
                kind=kind,
                title=INTAKE_FORMS[kind].title,
                fields=[field.to_document() for field in INTAKE_FORMS[kind].fields],
                by="admin:root",
                at=self.practice.clock.instant,
            )
            await session.commit()
            return made

    async def told(self) -> tuple[AskedForm, ...]:
        """What is asked for after the journey heard of a new version."""
        done = await self.asking.request_new_versions(self.client)
        assert done.facts is not None
        return done.facts.asked_forms

    async def books_and_is_asked(self) -> tuple[AskedForm, ...]:
        booked = await self.books()
        assert booked.facts is not None
        return booked.facts.asked_forms

    async def mails(self) -> int:
        """How often this client was asked for forms by mail."""
        mails = select(OutboxItem).where(
            OutboxItem.client_id == UUID(self.client),
            col(OutboxItem.template).in_((Mail.FORMS_REQUESTED, Mail.FORM_NEW_VERSION)),
        )
        async with self.practice.sessions() as session:
            return len((await session.exec(mails)).all())

    async def to_be_told(self, template: PracticeText) -> bool:
        async with self.practice.sessions() as session:
            return UUID(self.client) in await clients_to_ask_again(session, template, after=None, limit=10)

    async def shows_forms(self, *, shown: bool) -> None:
        order = DetailsOrder(request_id=str(uuid4()), client_id=self.client, by=DESK, portal_settings={"forms": shown})
        assert (await self.practice.accounts.change_details(order)).refusal is None

    async def forms(self, kind: str = CONSENT) -> list[FormRequest]:
        async with self.practice.sessions() as session:
            found = await session.exec(select(FormRequest).where(FormRequest.kind == kind))
            return sorted(found, key=lambda form: form.version)


@pytest.fixture
async def sara(practice: Practice) -> Sara:
    always = {"weekly": ALL_DAY, "overrides": [], "time_off": [], "settings": {"session": {"horizon_days": 365}}}
    async with practice.sessions() as session:
        ana = (await session.exec(select(Therapist))).one()
        await save_availability(session, ana, read_availability(always, time_zone=ana.time_zone))
        await session.commit()
    sara = Sara(Story(practice, await practice.client()))
    assert (await sara.books()).refusal is None
    for kind in ANSWERS:
        assert (await sara.completes(kind)).refusal is None
    assert (await practice.forms.submit_form(await practice.billing_form(sara.client))).refusal is None
    return sara


async def test_a_new_version_is_asked_for_once_whoever_tells_of_it(sara: Sara) -> None:
    assert await sara.told() == ()
    template = await sara.publishes()
    assert await sara.to_be_told(template)
    first, second = await sara.story.twice(sara.told)
    assert first == second  # the answer may have been lost: it is given again, and nobody is mailed twice
    assert await sara.mails() == 2  # with the first booking, and now
    [form] = first
    assert form.gates_from == form.asked_at + POLICY.form_grace
    assert (await sara.asking.request_new_versions(sara.client)).facts.outstanding_forms == ()  # type: ignore[union-attr]
    assert not await sara.to_be_told(template)
    assert await sara.books_and_is_asked() == (form,)
    assert await sara.mails() == 2


async def test_the_gate_closes_at_its_very_instant(sara: Sara) -> None:
    await sara.publishes()
    [form] = await sara.told()
    assert form.gates_from is not None
    gates_from, clock = form.gates_from, sara.practice.clock
    clock.instant = gates_from - timedelta(microseconds=1)
    booked = await sara.books()
    assert (booked.refusal, booked.facts and booked.facts.outstanding_forms) == (None, ())
    # Nobody has told of it yet, and the booking's own look at the time is enough.
    clock.instant = gates_from
    refusal = (await sara.books()).refusal
    assert refusal is not None
    assert (refusal.name, refusal.data) == (Problem.INTAKE_FORMS_INCOMPLETE, {"outstanding": [CONSENT]})
    # The engine's timer may be a little ahead of this machine's clock.
    clock.instant = gates_from - timedelta(seconds=1)
    order = GateOrder(client_id=sara.client, at=gates_from)
    first, second = await sara.story.twice(lambda: sara.asking.form_gates(order))
    assert (first.facts, first.changed, second.changed) == (second.facts, True, False)
    assert first.facts.outstanding_forms == (CONSENT,)
    assert first.facts.asked_forms == (replace(form, gates_from=None),)
    clock.instant = gates_from + timedelta(seconds=1)
    stamped = await sara.books(by=DESK)
    assert stamped.refusal is None
    assert "forms_gate_opened" in await sara.practice.facts(sara.client)
    assert (await sara.completes(CONSENT)).facts.outstanding_forms == ()  # type: ignore[union-attr]
    assert (await sara.books()).refusal is None


async def test_to_whom_the_portal_shows_no_forms_nothing_is_sent_so_nothing_is_asked_for_again(
    sara: Sara,
) -> None:
    await sara.shows_forms(shown=False)
    template = await sara.publishes()
    assert await sara.told() == ()
    assert await sara.books_and_is_asked() == ()
    assert [form.version for form in await sara.forms()] == [1]
    await sara.shows_forms(shown=True)
    assert await sara.to_be_told(template)
    [form] = await sara.books_and_is_asked()
    assert form.gates_from == form.asked_at + POLICY.form_grace


async def test_a_gate_that_was_opened_meanwhile_tells_nothing(sara: Sara) -> None:
    await sara.publishes()
    [form] = await sara.told()
    assert form.gates_from is not None
    await sara.completes(CONSENT)
    before = await sara.story.rows()
    done = await sara.asking.form_gates(GateOrder(client_id=sara.client, at=form.gates_from))
    assert not done.changed
    assert await sara.story.rows() == before


async def test_who_is_archived_is_asked_in_the_step_that_makes_active(sara: Sara) -> None:
    practice = sara.practice
    archive = ArchiveOrder(client_id=sara.client, request_id=str(uuid4()), by="desk")
    await practice.archive.archive_client(archive)
    template = await sara.publishes()
    assert not await sara.to_be_told(template)
    before = await sara.story.rows()
    assert await sara.told() == ()
    assert await sara.story.rows() == before
    back = UnarchiveOrder(client_id=sara.client, request_id=str(uuid4()), by="desk")
    first, second = await sara.story.twice(lambda: practice.archive.unarchive_client(back))
    assert first.facts.asked_forms == second.facts.asked_forms
    assert len(first.facts.asked_forms) == 1

    await practice.archive.archive_client(replace(archive, request_id=str(uuid4())))
    [_, open_still] = await sara.forms()
    assert open_still.status is FormStatus.SUSPENDED
    await sara.publishes()
    await sara.publishes("initial_consultation")
    order = replace(practice.booking_order(sara.client, MONDAY + timedelta(weeks=20)), by=SITE)
    booked, again = await sara.story.twice(lambda: practice.booking.book(order))
    assert booked.facts is not None
    assert again.facts is not None
    assert booked.facts.asked_forms == again.facts.asked_forms
    assert booked.unarchived
    assert {form.id for form in booked.facts.asked_forms} == {
        str(open_still.id), *(str(form.id) for form in (await sara.forms("initial_consultation"))[1:])
    }  # fmt: skip
    assert [form.version for form in await sara.forms()] == [1, 3]


async def test_a_fourth_intake_form_is_a_row_and_asks_everybody_as_any_new_version(sara: Sara) -> None:
    """Whoever has booked is asked with the grace, whoever has not with the first booking: nobody else is locked out."""
    practice = sara.practice
    async with practice.sessions() as session:
        template = PracticeText(
            id=uuid4(),
            kind="telehealth_consent",
            version=1,
            title="Telehealth",
            terms=TERMS,
            fields=[field.to_document() for field in INTAKE_FORMS[CONSENT].fields],
            intake_place=3,
            made_by="admin:root",
            made_at=practice.clock.instant,
        )
        session.add(template)
        await session.commit()
    assert await sara.to_be_told(template)
    assert (await sara.books_and_is_asked())[0].gates_from == practice.clock.instant + POLICY.form_grace
    assert not await sara.to_be_told(template)

    otto = Sara(Story(practice, await practice.client(name="Otto")))
    assert not await otto.to_be_told(template)
    otto.weeks = 30
    booked = await otto.books()
    assert booked.facts is not None
    assert booked.facts.asked_forms == ()
    assert booked.facts.outstanding_forms == (*INTAKE_FORMS, "telehealth_consent")


async def test_answers_are_checked_against_the_version_that_is_asked_for(sara: Sara) -> None:
    practice = sara.practice
    copy = FormField(name="copy", label="I have a copy", type=FieldType.YES_NO, required=True)
    fields = [field.to_document() for field in (*INTAKE_FORMS[CONSENT].fields, copy)]
    async with practice.sessions() as session:
        await add_version(
            session,
            id=uuid4(),
            kind=CONSENT,
            title="Consent",
            fields=fields,
            by="admin:root",
            at=practice.clock.instant,
        )
        await session.commit()
    # The first version is still the one that was asked for; it can be signed again.
    assert (await sara.completes(CONSENT)).refusal is None
    await sara.told()
    refusal = (await sara.completes(CONSENT)).refusal
    assert refusal is not None
    assert [error["field"] for error in refusal.data["errors"]] == ["answers.copy"]
    assert [(form.version, form.status) for form in await sara.forms()] == [
        (1, FormStatus.COMPLETE), (2, FormStatus.REQUESTED)
    ]  # fmt: skip
