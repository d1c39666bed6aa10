"""What holds of every restore: each line that the archive cancelled is either brought back or named, with why."""

from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from rules.archive.plan import PaymentLine
from rules.archive.restore import CancelledLine, RestoreSituation, plan_restore
from rules.booking.availability import Availability, Busy
from rules.enums import AppointmentType, Mode, PaymentStatus

NOW = datetime(2026, 11, 30, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
OPEN = Availability(time_zone="America/New_York", weekly=(), overrides=(), time_off=())
moments = st.integers(-6, 12).map(lambda half_hours: NOW + half_hours * HOUR / 2)


@st.composite
def situations(draw: st.DrawFn) -> RestoreSituation:
    number = count(1)

    def appointment() -> CancelledLine:
        starts_at = draw(moments)
        return CancelledLine(
            id=f"appointment {next(number)}",
            type=AppointmentType.SESSION,
            mode=draw(st.sampled_from(Mode)),
            therapist=draw(st.sampled_from(("ana", "ben"))),
            starts_at=starts_at,
            ends_at=starts_at + HOUR,
            touched=draw(st.booleans()),
        )

    def payment() -> PaymentLine:
        return PaymentLine(
            id=f"payment {next(number)}",
            appointment_id="held",
            status=draw(st.sampled_from(PaymentStatus)),
            because=draw(st.sampled_from((None, "archived", "waived"))),
            amount=12000,
            credit_used=0,
            currency="USD",
            due_at=draw(moments),
            deadline=NOW,
        )

    def busy() -> Busy:
        starts_at = draw(moments)
        id = f"busy {next(number)}"
        return Busy(id=id, type=AppointmentType.SESSION, starts_at=starts_at, ends_at=starts_at + HOUR)

    few = st.integers(0, 4)
    therapist = draw(st.sampled_from((None, "ana", "ben")))
    return RestoreSituation(
        appointments=tuple(appointment() for _ in range(draw(few))),
        payments=tuple(payment() for _ in range(draw(few))),
        chats=tuple(f"chat {next(number)}" for _ in range(draw(few))),
        therapist=therapist,
        availability=OPEN if therapist else None,
        zoom=draw(st.booleans()),
        busy=tuple(busy() for _ in range(draw(few))),
        client_busy=tuple(busy() for _ in range(draw(few))),
    )


@given(situations())
def test_every_line_is_brought_back_or_named_and_none_is_both(situation: RestoreSituation) -> None:
    plan = plan_restore(situation, now=NOW)
    back = [*(line.id for line in plan.appointments), *(line.id for line in plan.payments)]
    named = [line.id for line in plan.not_restored]
    lines = [line.id for line in situation.appointments] + [line.id for line in situation.payments]
    lines += situation.chats
    assert sorted([*back, *named]) == sorted(lines)
    assert all(line.because.endswith(".") for line in plan.not_restored)
    assert all(line.id.startswith(line.kind) for line in plan.not_restored)
    assert not [line for line in plan.appointments if line.touched or line.starts_at <= NOW]
    assert {(line.status, line.because) for line in plan.payments} <= {(PaymentStatus.SCHEDULED, None)}
