"""What an archive stops, leaves and suspends: one rule, used by the preview and by the archive itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rules.archive.wording import charge_words, reminder_words
from rules.enums import AppointmentStatus, AppointmentType, ChatKind, FormStatus, PaymentStatus, TaskKind
from rules.local_time import WEEKDAYS
from rules.mail.kinds import MAILS, Mail, to_both_sides
from rules.mail.terms import Reader
from rules.money.payment_states import WAITING, Because, PaymentEvent, after, is_owed

LEFT_CHATS = frozenset({ChatKind.GROUP})
CLOSED_TASKS = frozenset({TaskKind.MATCH_BY_HAND, TaskKind.BOOKED_TIME_BUSY})
"""Nobody is looked for any more. All other tasks stay: what they are about is there after an archive as before."""


@dataclass(frozen=True, kw_only=True)
class AppointmentLine:
    id: str
    type: AppointmentType
    status: AppointmentStatus
    therapist: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class PaymentLine:
    """``amount`` is the whole fee, ``credit_used`` what of it is reserved or was taken from the client's credit.

    ``frozen``: nothing is charged by itself while a dispute of the client's is open.
    """

    id: str
    appointment_id: str
    status: PaymentStatus
    because: str | None
    amount: int
    credit_used: int
    currency: str
    due_at: datetime
    deadline: datetime
    next_try_at: datetime | None = None
    frozen: bool = False


@dataclass(frozen=True, kw_only=True)
class FormLine:
    kind: str
    status: FormStatus


@dataclass(frozen=True, kw_only=True)
class WaitlistLine:
    """A place on a therapist's waitlist."""

    therapist: str
    type: AppointmentType
    wished_from: datetime
    wished_until: datetime


@dataclass(frozen=True, kw_only=True)
class HoldLine:
    """A time that the client holds themself."""

    id: str
    therapist: str
    type: AppointmentType
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class ChatLine:
    """A chat that the client is in. Its title is no matter of the timeline, in which an archive is recorded."""

    id: str
    kind: ChatKind


@dataclass(frozen=True, kw_only=True)
class GoalLine:
    """An open goal with a weekly reminder: ``weekday`` is 0 (Monday) to 6, ``minute`` of the local day."""

    id: str
    weekday: int
    minute: int


@dataclass(frozen=True, kw_only=True)
class ReminderLine:
    """A timed message that would no longer go out; ``about`` is an appointment's id, or empty, and so is ``chat``."""

    kind: str
    at: datetime
    about: str = ""
    chat: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskLine:
    """An open task."""

    id: str
    kind: TaskKind


@dataclass(frozen=True, kw_only=True)
class MoneyLine:
    """Minor units of one currency."""

    currency: str
    credit: int
    owed: int


@dataclass(frozen=True, kw_only=True)
class ArchiveSituation:
    """All that an archive could touch at one instant. ``currency`` is what the client pays in now; ``credits`` has
    minor units by currency."""

    appointments: tuple[AppointmentLine, ...]
    payments: tuple[PaymentLine, ...]
    forms: tuple[FormLine, ...]
    reminders: tuple[ReminderLine, ...]
    currency: str
    waitlist: tuple[WaitlistLine, ...] = ()
    holds: tuple[HoldLine, ...] = ()
    chats: tuple[ChatLine, ...] = ()
    goals: tuple[GoalLine, ...] = ()
    tasks: tuple[TaskLine, ...] = ()
    credits: Mapping[str, int] = field(default_factory=dict)
    reachable: bool = True  # an address is known: the client gets cancellation mails
    time_zone: str = "UTC"  # the therapist's, in which times are told


@dataclass(frozen=True, kw_only=True)
class MailLine:
    """A mail that an archive sends: the ordinary cancellation of one appointment."""

    template: str
    to: str
    appointment_id: str


@dataclass(frozen=True, kw_only=True)
class ArchivePlan:
    appointments: tuple[AppointmentLine, ...]  # ahead: cancelled, never with a fee
    left: tuple[AppointmentLine, ...]  # past or running, not yet marked: left as they are
    payments: tuple[PaymentLine, ...]  # cancelled because archived
    in_flight: tuple[PaymentLine, ...]  # on the way to the card: waited for, recorded as they end
    forms: tuple[FormLine, ...]  # suspended
    reminders: tuple[ReminderLine, ...]
    waitlist: tuple[WaitlistLine, ...]  # released
    holds: tuple[HoldLine, ...]  # released
    chats_left: tuple[ChatLine, ...]  # live group chats
    chats_kept: tuple[ChatLine, ...]
    goals: tuple[GoalLine, ...]  # not reminded of while archived
    tasks_closed: tuple[TaskLine, ...]
    mails: tuple[MailLine, ...]
    money: tuple[MoneyLine, ...]  # as it is afterwards, in the order of the currencies' codes
    currency: str
    time_zone: str

    @property
    def own_money(self) -> MoneyLine:
        """What of it is in the client's own currency."""
        return next(line for line in self.money if line.currency == self.currency)

    def to_document(self) -> dict[str, Any]:
        """The preview's and the result's shape; amounts in minor units, instants in RFC 3339.

        ``credit``, ``owed`` and ``currency`` are of the client's own currency, ``money`` has every one.
        """
        zone = ZoneInfo(self.time_zone)
        return {
            "appointments": [_appointment(line) for line in self.appointments],
            "left_unmarked": [_appointment(line) for line in self.left],
            "payments": [_payment(line, zone) for line in self.payments],
            "in_flight": [_payment(line, zone) for line in self.in_flight],
            "forms": [{"kind": line.kind} for line in self.forms],
            "reminders": [
                {
                    "kind": line.kind,
                    "at": line.at.isoformat(),
                    "appointment_id": line.about or None,
                    "chat_id": line.chat or None,
                    "text": reminder_words(line.kind, line.at, zone=zone),
                }
                for line in self.reminders
            ],
            "waitlist": [
                {
                    "therapist": line.therapist,
                    "type": line.type.value,
                    "from": line.wished_from.isoformat(),
                    "to": line.wished_until.isoformat(),
                }
                for line in self.waitlist
            ],
            "holds": [
                {"id": line.id, "therapist": line.therapist, "type": line.type.value, **_times(line)}
                for line in self.holds
            ],
            "chats_left": [_chat(line) for line in self.chats_left],
            "chats_kept": [_chat(line) for line in self.chats_kept],
            "goals": [{"id": line.id, "remind": _weekly(line)} for line in self.goals],
            "tasks_closed": [{"id": line.id, "kind": line.kind.value} for line in self.tasks_closed],
            "mails": [
                {"template": line.template, "to": line.to, "appointment_id": line.appointment_id} for line in self.mails
            ],
            **_money(self.own_money),
            "money": [_money(line) for line in self.money],
            "time_zone": self.time_zone,
        }


def plan_archive(situation: ArchiveSituation, *, now: datetime, notify: bool = True) -> ArchivePlan:
    """What archiving at this instant does; with ``notify``, cancellation mails go out."""
    scheduled = [a for a in situation.appointments if a.status is AppointmentStatus.SCHEDULED]
    stopped = tuple(p for p in situation.payments if p.status in WAITING)
    ahead = tuple(a for a in scheduled if a.starts_at > now)
    return ArchivePlan(
        appointments=ahead,
        left=tuple(a for a in scheduled if a.starts_at <= now),
        payments=stopped,
        in_flight=tuple(p for p in situation.payments if p.status is PaymentStatus.PROCESSING),
        forms=tuple(form for form in situation.forms if form.status is FormStatus.REQUESTED),
        reminders=situation.reminders,
        waitlist=situation.waitlist,
        holds=situation.holds,
        chats_left=tuple(chat for chat in situation.chats if chat.kind in LEFT_CHATS),
        chats_kept=tuple(chat for chat in situation.chats if chat.kind not in LEFT_CHATS),
        goals=situation.goals,
        tasks_closed=tuple(task for task in situation.tasks if task.kind in CLOSED_TASKS),
        mails=tuple(
            MailLine(template=mail.value, to=MAILS[mail].to.value, appointment_id=appointment.id)
            for appointment in ahead
            for mail in to_both_sides(Mail.APPOINTMENT_CANCELLED)
            if notify and (MAILS[mail].to is not Reader.CLIENT or situation.reachable)
        ),
        money=_money_after(situation, now=now),
        currency=situation.currency,
        time_zone=situation.time_zone,
    )


def money_of(
    payments: Iterable[PaymentLine], *, credits: Mapping[str, int], currency: str, now: datetime
) -> tuple[MoneyLine, ...]:
    """A client's credit and debt in every currency in which there is any, and in their own ``currency``; by code."""
    owed = owed_by_currency(payments, now=now)
    given = {code: amount for code, amount in credits.items() if amount}
    return tuple(
        MoneyLine(currency=code, credit=given.get(code, 0), owed=owed.get(code, 0))
        for code in sorted({currency, *given, *owed})
    )


def owed_by_currency(payments: Iterable[PaymentLine], *, now: datetime) -> dict[str, int]:
    """Minor units; a currency in which nothing is owed is not named."""
    owed: dict[str, int] = {}
    for payment in payments:
        if is_owed(payment, now=now) and payment.amount > payment.credit_used:
            owed[payment.currency] = owed.get(payment.currency, 0) + payment.amount - payment.credit_used
    return owed


def _money_after(situation: ArchiveSituation, *, now: datetime) -> tuple[MoneyLine, ...]:
    """What a stopped payment had reserved is the client's again, and the whole fee is owed."""
    credits = dict(situation.credits)
    payments = []
    for payment in situation.payments:
        if payment.status in WAITING:
            credits[payment.currency] = credits.get(payment.currency, 0) + payment.credit_used
            status = after(payment.status, PaymentEvent.STOPPED)
            payments.append(replace(payment, status=status, because=Because.ARCHIVED.value, credit_used=0))
        else:
            payments.append(payment)
    return money_of(payments, credits=credits, currency=situation.currency, now=now)


def _times(line: AppointmentLine | HoldLine) -> dict[str, str]:
    return {"starts_at": line.starts_at.isoformat(), "ends_at": line.ends_at.isoformat()}


def _appointment(line: AppointmentLine) -> dict[str, Any]:
    return {"id": line.id, "type": line.type.value, "therapist": line.therapist, **_times(line)}


def _payment(line: PaymentLine, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": line.id,
        "appointment_id": line.appointment_id,
        "amount": line.amount,
        "currency": line.currency,
        "status": line.status.value,
        "due_at": line.due_at.isoformat(),
        "text": charge_words(line, zone=zone),
    }


def _money(line: MoneyLine) -> dict[str, Any]:
    return {"currency": line.currency, "credit": line.credit, "owed": line.owed}


def _chat(line: ChatLine) -> dict[str, Any]:
    return {"id": line.id, "kind": line.kind.value}


def _weekly(line: GoalLine) -> dict[str, str]:
    hour, minute = divmod(line.minute, 60)
    return {"weekday": WEEKDAYS[line.weekday], "at": f"{hour:02}:{minute:02}"}
