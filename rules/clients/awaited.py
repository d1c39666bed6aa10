"""What a journey waits for: until when, who can act, and by which call. From the facts alone, as its stage is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from rules.archive.plan import PaymentLine
from rules.enums import AppointmentType, PaymentStatus, Role, Stage, TaskKind
from rules.journey.reminders import ANONYMOUS_EXPIRY, FIRST_SESSION_TASK, Due
from rules.journey.stage import JourneyFacts, OpenAppointment, stage_of
from rules.policy import JourneyPolicy

CLIENT, THERAPIST, CARE_TEAM = Role.CLIENT, Role.THERAPIST, Role.CARE_TEAM


@dataclass(frozen=True, kw_only=True)
class Way:
    """Who can act, and how: a call of the API, or a sentence where it is none."""

    who: Role
    how: str


@dataclass(frozen=True, kw_only=True)
class AwaitedThing:
    """``until`` is when something else happens if nobody acts; None where nothing does. ``about``: the id of the
    appointment, payment or task that it is about, if it is about one."""

    what: str
    until: datetime | None
    ways: tuple[Way, ...]
    about: str | None = None


def awaited_of(
    facts: JourneyFacts,
    *,
    client_id: str,
    plan: Iterable[Due],
    payments: Iterable[PaymentLine],
    policy: JourneyPolicy,
    now: datetime,
) -> list[AwaitedThing]:
    """What the stage waits for comes first; then appointments, payments and tasks. ``plan``: what is timed, the
    earliest first."""
    found = [*_of_stage(facts, f"/v1/clients/{client_id}", list(plan))]
    found += [_of_appointment(appointment, policy=policy, now=now) for appointment in facts.open_appointments]
    for payment in payments:
        found += _of_payment(payment, client_id)
    found += [
        AwaitedThing(
            what=TaskKind(task.kind).label,
            until=None,
            ways=(Way(who=CARE_TEAM, how=f"POST /v1/tasks/{task.id}/resolve"),),
            about=task.id,
        )
        for task in facts.open_tasks
    ]
    return found


def _of_stage(facts: JourneyFacts, client: str, plan: list[Due]) -> Iterator[AwaitedThing]:
    book = f"POST {client}/appointments"
    everybody = tuple(Way(who=who, how=book) for who in (CLIENT, THERAPIST, CARE_TEAM))
    stage = stage_of(facts)
    if stage is Stage.ARCHIVED:
        back = tuple(Way(who=who, how=f"POST {client}/unarchive") for who in (THERAPIST, CARE_TEAM))
        yield AwaitedThing(what="being made active again, or a booking", until=None, ways=(*back, *everybody))
        return
    if stage is Stage.MATCHING:
        by_hand = Way(who=CARE_TEAM, how=f"PUT {client}/match")
        yield AwaitedThing(what="a person to assign a therapist", until=None, ways=(by_hand,))
    elif stage is Stage.FIRST_BOOKING:
        yield AwaitedThing(what="the first booking", until=_when(plan, ANONYMOUS_EXPIRY), ways=everybody)
    elif stage is Stage.SCHEDULING or (stage is Stage.IN_CARE and not facts.open_appointments):
        yield AwaitedThing(what="the next booking", until=_when(plan, FIRST_SESSION_TASK), ways=everybody)
    if facts.first_booked_at is not None and not facts.account_active:
        again = tuple(Way(who=who, how=f"POST {client}/activation") for who in (THERAPIST, CARE_TEAM))
        ways = (Way(who=CLIENT, how="the link in the welcome mail"), *again)
        yield AwaitedThing(what="the client to activate the account", until=None, ways=ways)
    if facts.first_booked_at is not None and facts.outstanding_forms:
        ways = tuple(
            Way(who=who, how=f"PUT {client}/forms/{kind}")
            for kind in facts.outstanding_forms
            for who in (CLIENT, THERAPIST, CARE_TEAM)
        )
        yield AwaitedThing(what="the intake forms", until=None, ways=ways)


def _when(plan: Iterable[Due], kind: str) -> datetime | None:
    return next((due.at for due in plan if due.kind == kind), None)


def _of_appointment(appointment: OpenAppointment, *, policy: JourneyPolicy, now: datetime) -> AwaitedThing:
    name = appointment.type.value.replace("_", " ")
    call = f"POST /v1/appointments/{appointment.id}"
    if now < appointment.starts_at:
        changes = tuple(
            Way(who=who, how=f"{call}/{act}")
            for act in ("cancel", "reschedule")
            for who in (CLIENT, THERAPIST, CARE_TEAM)
        )
        return AwaitedThing(what=f"the {name}", until=appointment.starts_at, ways=changes, about=appointment.id)
    charged = appointment.type is AppointmentType.SESSION
    return AwaitedThing(
        what=f"somebody to say how the {name} went",
        until=appointment.ends_at + (policy.charge_deadline if charged else policy.outcome_task),
        ways=tuple(Way(who=who, how=f"{call}/outcome") for who in (THERAPIST, CARE_TEAM)),
        about=appointment.id,
    )


def _of_payment(payment: PaymentLine, client_id: str) -> Iterator[AwaitedThing]:
    call = f"POST /v1/payments/{payment.id}"
    confirms = Way(who=CLIENT, how=f"{call}/confirmation")
    decides = tuple(Way(who=who, how=f"{call}/{act}") for act in ("retry", "waive") for who in (THERAPIST, CARE_TEAM))
    card = Way(who=CLIENT, how=f"POST /v1/clients/{client_id}/card-setup")
    what: str | None = None
    until: datetime | None = payment.deadline
    ways: tuple[Way, ...] = decides
    match payment.status:
        case PaymentStatus.SCHEDULED:
            what, until = "a payment to be due", payment.due_at
        case PaymentStatus.FAILED if payment.next_try_at is not None:
            what, until = "another try of a payment", payment.next_try_at
        case PaymentStatus.FAILED:
            what, ways = "a card that a payment can be made with", (card, *decides)
        case PaymentStatus.REQUIRES_ACTION:
            what, ways = "the client to confirm a payment", (confirms, *decides)
        case PaymentStatus.OWED:
            what, until, ways = "a payment that is owed", None, (confirms, card, *decides)
        case _:
            pass
    if what is not None:
        yield AwaitedThing(what=what, until=until, ways=ways, about=payment.id)
