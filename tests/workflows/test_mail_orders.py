"""What a journey orders by mail: keys that say the reason, and the ids that each kind of mail is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from activities.types.booking import Booked, BookingOrder, FollowingChanged
from activities.types.facts import AppointmentFacts
from rules.mail.orders import MailOrder
from rules.accounts.caller import Caller
from rules.enums import AppointmentStatus, AppointmentType, Mode, Role
from rules.journey.goals import GoalReminder
from rules.journey.stage import JourneyFacts
from rules.mail.kinds import Mail, kind_of
from workflows.parts.mail_orders import MailOrders

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
WEEK = timedelta(weeks=1)
FACTS = JourneyFacts(version=1, ref="R", archived=False, created_at=NOW, outstanding_forms=("billing_info",))
FIRST = AppointmentFacts(
    version=1,
    id="a1",
    client_id="c",
    ref="R",
    type=AppointmentType.SESSION,
    status=AppointmentStatus.SCHEDULED,
    therapist="ana",
    starts_at=NOW + WEEK,
    ends_at=NOW + WEEK + timedelta(minutes=50),
)
SECOND = replace(FIRST, id="a2", starts_at=FIRST.starts_at + WEEK, ends_at=FIRST.ends_at + WEEK)


def ordered(orders: MailOrders) -> list[tuple[str, str, bool]]:
    """To whom each goes, under which key, and whether it is vital; all that its kind is about is named."""
    for order in orders.box:
        assert order.key.startswith(f"{order.template}:{order.client_id}:")
        for field in kind_of(order.template).ids:
            assert getattr(order, field), f"{order.template} says no {field}"
    return [(order.to, order.key, order.vital) for order in orders.box]


def orders(*box: MailOrder) -> MailOrders:
    return MailOrders("c", list(box))


def test_a_first_booking_is_confirmed_to_both_sides_behind_the_welcome() -> None:
    made, by = orders(), Caller(role=Role.CARE_TEAM, name="desk")
    order = BookingOrder(
        request_id="r",
        client_id="c",
        by=by,
        type=AppointmentType.SESSION,
        starts_at=FIRST.starts_at,
        mode=Mode.VIDEO,
    )
    made.of_booking(order, Booked(appointments=(FIRST, SECOND), first=True, unarchived=True), FACTS)
    assert ordered(made) == [
        ("client", "welcome:c:first", True),
        ("client", "booking_confirmation:c:r", True),
        ("client", "forms_requested:c:first", False),
        ("therapist", "appointment_booked:c:r", True),
        ("therapist", "client_back:c:r", False),
    ]
    assert [order.appointment_ids for order in made.box] == [(), ("a1", "a2"), (), ("a1", "a2"), ("a1", "a2")]


def test_a_cancellation_is_told_to_both_sides_and_said_to_the_therapist_alone() -> None:
    made = orders()
    made.of_cancellation(FIRST)
    assert ordered(made) == [
        ("client", "appointment_cancelled:c:cancelled:a1", True),
        ("therapist", "appointment_changed:c:cancelled:a1", True),
    ]
    assert [order.text for order in made.box] == ["", "cancelled"]


def test_a_series_that_moves_tells_when_each_was_before() -> None:
    made, before = orders(), FIRST.starts_at - timedelta(hours=1)
    change = FollowingChanged(appointments=(FIRST, SECOND), moves={"a1": before, "a2": SECOND.starts_at}, changed=True)
    made.of_change_from_here_on("r", change, by_client=True)
    assert ordered(made) == [
        ("client", "appointment_rescheduled:c:r", True),
        ("therapist", "appointment_changed:c:r", True),
    ]
    assert [(order.text, order.by_client, order.moves) for order in made.box] == [
        ("", True, {"a1": before}),
        ("moved", True, {"a1": before}),
    ]


def test_what_waits_in_the_portal_is_told_once() -> None:
    made = orders()
    made.of_message("chat", 7)
    made.of_share("s")
    made.of_share("s")
    made.of_goals([GoalReminder(id="g", weekday=0, minute=540, since=NOW)], key="k")
    made.write(Mail.CARD_EXPIRING, key="k", text="2027-03:pm_1")
    assert ordered(made) == [
        ("client", "new_message:c:chat:7", False),
        ("client", "document_shared:c:s", False),
        ("client", "goal_reminder:c:k", False),
        ("client", "card_expiring:c:k", True),
    ]
