"""The entity state of an appointment: its facts and its plan; and how its workflow is started and told of changes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from temporalio import exceptions, workflow
from temporalio.common import SearchAttributeKey

from workflows.parts import payment as money
from workflows.parts.outbox import Outbox
from workflows.parts.search_attributes import (
    CHARGE_DUE_AT,
    CLIENT_REF,
    NEXT_APPOINTMENT_AT,
    THERAPIST_SLUG,
    Value,
    with_own_epoch,
)
from workflows.parts.wait import Wait
from workflows.shown.appointment import summary_of

with workflow.unsafe.imports_passed_through():
    from activities.types.booking import AppointmentResumed, Changed
    from activities.types.facts import AppointmentFacts, PaymentFacts
    from activities.types.money import AttemptOrder, Settled, Tried
    from rules.enums import AppointmentStatus, PaymentStatus
    from rules.journey.reminders import Due, appointment_plan, open_plan
    from rules.journey.settings import PlanSettings, plan_in_force
    from rules.journey.settling import next_step
    from rules.journey.stage import JourneyFacts
    from rules.mail.kinds import Mail
    from workflows.messages import (
        APPOINTMENT_JOURNEY,
        APPOINTMENT_REPORTED,
        FACTS_CHANGED,
        AppointmentInput,
        appointment_workflow_id,
        journey_id,
    )


class FollowedAppointment:
    """One appointment as its own workflow follows it: the newest facts, and the plan that follows from them."""

    def __init__(self, read: AppointmentResumed, wait: Wait) -> None:
        self.facts = read.facts
        self.settings = read.settings
        self.done = {key.removeprefix(f"{read.facts.id}:") for key in read.mailed}  # keys of the plan's steps
        self.former = set(read.former)
        self.wait = wait
        self.outbox = Outbox(read.facts.client_id, read.facts.id)
        self.outbox.note(read.facts.deliver_at)
        self.plan: list[Due] = []
        self.replan()

    def is_over(self) -> bool:
        return self.facts.status is not AppointmentStatus.SCHEDULED and not money.is_open(self.facts.payment)

    async def follow(self, answer: Changed | Settled) -> None:
        """Take the facts over and tell the journey: always before anybody gets an answer. What was refused, or only
        asked, has none."""
        if answer.appointment is None or answer.journey is None:
            return
        if self.take(answer.appointment) or answer.changed:
            await self._report(answer.journey)

    async def follow_try(self, tried: Tried) -> None:
        self.take(tried.appointment)
        if tried.is_news:
            await self._report(tried.journey)

    def begin_try(self, payment: PaymentFacts) -> AttemptOrder:
        """What is about to be asked. That it is can be seen meanwhile; whether the payment was won, the answer says."""
        order = AttemptOrder(payment_id=payment.id, attempt=money.number_of(payment))
        processing = replace(payment, status=PaymentStatus.PROCESSING, attempts=order.attempt)
        self.take(replace(self.facts, payment=processing, deliver_at=None))
        return order

    def take(self, facts: AppointmentFacts) -> bool:
        """Keep the newer facts, and deliver what they say is due. False if these are old.

        What Stripe reports may be here before the answer of the step that charged: one of them is new, once.

        Once the client's record was joined into another, the versions are that one's, and what still comes from the
        former is old.
        """
        if facts == self.facts:
            return False  # when something is due is part of them, and was noted when they came first
        self.outbox.note(facts.deliver_at)
        if facts.client_id in self.former:
            return False
        if facts.client_id != self.facts.client_id:
            self.former.add(self.facts.client_id)
            self.outbox.client_id = facts.client_id
        elif facts.version < self.facts.version:
            return False
        self.facts = facts
        self.wait.note_change()
        self.replan()
        return True

    def replan(self) -> None:
        facts = self.facts
        self.plan = []
        if facts.status is not AppointmentStatus.SCHEDULED or facts.client_archived:
            return
        plan = plan_in_force(
            self.settings,
            lambda policy: appointment_plan(
                starts_at=facts.starts_at,
                ends_at=facts.ends_at,
                type=facts.type,
                policy=policy,
                charge_deadline=facts.charge_deadline,
                since=facts.planned_at,
            ),
        )
        now = workflow.now()
        left = open_plan(plan, done=self.done)
        # Of several reminders that nobody sent in time the last one goes out, and none once it has begun.
        late = [due for due in left if due.kind == Mail.APPOINTMENT_REMINDER and due.at <= now]
        useless = late if now >= facts.starts_at else late[:-1]
        self.plan = [due for due in left if due not in useless]

    def go_by(self, settings: PlanSettings) -> None:
        """Settings have changed: plan anew."""
        if settings == self.settings:
            return
        self.settings = settings
        self.wait.note_change()
        self.replan()

    def note_done(self, due: Due) -> None:
        self.done.add(due.key)
        self.replan()

    async def _report(self, journey: JourneyFacts) -> None:
        handle = workflow.get_external_workflow_handle(journey_id(self.facts.client_id))
        try:
            await handle.signal(APPOINTMENT_REPORTED, journey)
        except exceptions.FailureError as error:
            # A journey that is gone cannot act on it; the database knows all the same.
            workflow.logger.warning("the journey could not be told: %s", error)


def attributes_of(facts: AppointmentFacts, *, now: datetime) -> Mapping[SearchAttributeKey[Any], Value]:
    payment = facts.payment
    ahead = facts.status is AppointmentStatus.SCHEDULED and facts.starts_at > now
    return {
        CLIENT_REF: facts.ref,
        THERAPIST_SLUG: facts.therapist,
        NEXT_APPOINTMENT_AT: facts.starts_at if ahead else None,
        CHARGE_DUE_AT: next_step(payment).at if payment and money.is_open(payment) else None,
    }


# ---------------------------------------------------------------- from a client's journey


async def start_appointment(facts: AppointmentFacts, *, settings: PlanSettings, new: bool = False) -> None:
    """Every appointment is a workflow of its own. It outlives the runs of the journey, and is started once.

    Of a ``new`` one there is nothing in the rows but these facts: they are handed to it, without what is only shown.
    """
    read = AppointmentResumed(facts=replace(facts, shown=None), settings=settings) if new else None
    try:
        _ = await workflow.start_child_workflow(
            APPOINTMENT_JOURNEY,
            AppointmentInput(appointment_id=facts.id, read=read),
            id=appointment_workflow_id(facts.id),
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            search_attributes=with_own_epoch(attributes_of(facts, now=workflow.now())),
            static_summary=summary_of(facts, zone=settings.present.time_zone),
        )
    except exceptions.WorkflowAlreadyStartedError:
        workflow.logger.info("appointment %s is started already", facts.id)


async def notify_appointment(facts: AppointmentFacts) -> bool:
    """Tell an appointment's workflow what became of it. False if it has ended, and needs no telling."""
    handle = workflow.get_external_workflow_handle(appointment_workflow_id(facts.id))
    try:
        await handle.signal(FACTS_CHANGED, facts)
    except exceptions.FailureError:
        workflow.logger.info("appointment %s has ended already", facts.id)
        return False
    return True
