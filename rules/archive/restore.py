"""What an unarchive can bring back of all that the archive cancelled, if it is asked to; and why not the rest.

The practice restores, so hours, grid, notice and buffers need not hold, as for anything that the practice books. Never
an overlap, and never the past; and nothing on a day on which the practice is closed by now, since nobody looks at each
date.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from rules.archive.plan import PaymentLine
from rules.booking.availability import CLOSED, Availability, Busy, check_slot, closure_of, rules_set_aside
from rules.enums import AppointmentStatus, AppointmentType, Mode, PaymentStatus
from rules.money.payment_states import PaymentEvent, after, can_be_restored

TIME_TO_PAY = timedelta(hours=24)
"""The least that a restored payment has until its deadline."""


@dataclass(frozen=True, kw_only=True)
class CancelledLine:
    """An appointment that the archive cancelled. ``therapist`` is the slug of whom it was with; ``touched``: it is not
    as the archive left it."""

    id: str
    type: AppointmentType
    mode: Mode
    therapist: str
    starts_at: datetime
    ends_at: datetime
    touched: bool = False


@dataclass(frozen=True, kw_only=True)
class RestoreSituation:
    """All that the archive cancelled, and what stands in the way of bringing it back.

    ``payments`` are those that were stopped by the archive, or since because of it, as they stand now. ``therapist`` is
    the client's present one, and ``availability``, ``busy`` and ``zoom`` (has a link) are theirs.
    """

    appointments: tuple[CancelledLine, ...]
    payments: tuple[PaymentLine, ...]
    chats: tuple[str, ...]
    therapist: str | None
    availability: Availability | None
    zoom: bool
    busy: tuple[Busy, ...] = ()
    client_busy: tuple[Busy, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NotRestored:
    """``kind`` is ``appointment``, ``payment`` or ``chat``; ``because`` a sentence for the practice."""

    kind: str
    id: str
    because: str


@dataclass(frozen=True, kw_only=True)
class RestorePlan:
    """``appointments`` are booked again at their old times, and ``payments`` tried at the times they have here.

    ``set_aside`` says by the old appointment's id which rules only the practice may set aside for it. Whatever is in
    the situation is either brought back or ``not_restored``.
    """

    appointments: tuple[CancelledLine, ...]
    payments: tuple[PaymentLine, ...]
    not_restored: tuple[NotRestored, ...]
    set_aside: Mapping[str, tuple[str, ...]]


def plan_restore(situation: RestoreSituation, *, now: datetime) -> RestorePlan:
    appointments: list[CancelledLine] = []
    set_aside: dict[str, tuple[str, ...]] = {}
    busy = list(situation.busy)
    lost: list[NotRestored] = []
    for line in sorted(situation.appointments, key=lambda line: (line.starts_at, line.id)):
        because = _why_not(line, situation, busy, now=now)
        if because is not None:
            lost.append(NotRestored(kind="appointment", id=line.id, because=because))
            continue
        broken = _set_aside(line, situation, busy, now=now)
        if broken:
            set_aside[line.id] = broken
        appointments.append(line)
        busy.append(Busy(id=line.id, type=line.type, starts_at=line.starts_at, ends_at=line.ends_at))
    payments = [again(payment, now=now) for payment in situation.payments if _comes_back(payment)]
    lost += [
        NotRestored(kind="payment", id=payment.id, because=_meanwhile(payment.status))
        for payment in situation.payments
        if not _comes_back(payment)
    ]
    lost += [
        NotRestored(kind="chat", id=id, because="Group chats are not rejoined; add the client again by hand.")
        for id in situation.chats
    ]
    return RestorePlan(
        appointments=tuple(appointments),
        payments=tuple(payments),
        not_restored=tuple(lost),
        set_aside=set_aside,
    )


def again(payment: PaymentLine, *, now: datetime) -> PaymentLine:
    """A stopped payment, scheduled again: never earlier than it was due, and with time enough to be made."""
    return replace(
        payment,
        status=after(payment.status, PaymentEvent.RESTORED),
        because=None,
        due_at=max(now, payment.due_at),
        deadline=max(payment.deadline, now + TIME_TO_PAY),
    )


def nothing_restored() -> dict[str, Any]:
    """The answer's part about a restore, where nothing was to be brought back."""
    return {"restored": {"appointments": [], "payments": []}, "not_restored": []}


def is_cancelled_by_archive(*, status: AppointmentStatus, changed_by: str | None, archive: str) -> bool:
    """Whether a row still stands as that archive left it; ``archive`` is the id of its change."""
    return status is AppointmentStatus.CANCELLED and changed_by == archive


def _comes_back(payment: PaymentLine) -> bool:
    return can_be_restored(status=payment.status, because=payment.because)


def _meanwhile(status: PaymentStatus) -> str:
    if status is PaymentStatus.CANCELLED:
        return "Nothing is due for it any more."
    return f"It is {status.value.replace('_', ' ')} meanwhile."


def _why_not(line: CancelledLine, situation: RestoreSituation, busy: Iterable[Busy], *, now: datetime) -> str | None:
    if line.touched:
        return "It was changed after the archive."
    if line.starts_at <= now:
        return "Its time is over."
    if situation.therapist is None or situation.availability is None:
        return "The client has no therapist."
    if line.therapist != situation.therapist:
        return "The client has another therapist now."
    if line.mode is Mode.ZOOM and not situation.zoom:
        return "The therapist has no Zoom link any more."
    if closure_of(availability=situation.availability, starts_at=line.starts_at, ends_at=line.ends_at) is not None:
        return CLOSED
    problem = check_slot(
        availability=situation.availability,
        type=line.type,
        starts_at=line.starts_at,
        ends_at=line.ends_at,
        busy=busy,
        client_busy=situation.client_busy,
        now=now,
        practice=True,
    )
    return problem.because if problem is not None else None


def _set_aside(
    line: CancelledLine, situation: RestoreSituation, busy: Iterable[Busy], *, now: datetime
) -> tuple[str, ...]:
    if situation.availability is None:
        return ()
    return tuple(
        rules_set_aside(
            availability=situation.availability,
            type=line.type,
            starts_at=line.starts_at,
            ends_at=line.ends_at,
            busy=busy,
            now=now,
            needs_grid=False,
            needs_horizon=False,
        )
    )
