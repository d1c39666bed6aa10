"""What stands in the way of a booking, a move or a cancellation."""

from collections.abc import Mapping

from api.explained.explained import (
    ALTERNATIVES,
    CLOSURE,
    ID,
    INSTANT,
    TEXT,
    AddedMember,
    Explained,
    listed,
    ref,
    with_parts,
)
from rules.refusals import Problem

_BOOK = "POST /v1/clients/{client_id}/appointments"
_INTRO_CALL = {"type": "intro_call", "starts_at": "2026-03-09T15:00:00Z", "mode": "video"}
_SESSION = {"type": "session", "starts_at": "2026-03-09T15:00:00Z", "mode": "video"}
_TAKEN_TIME = with_parts(appointment_id=ID, starts_at=INSTANT, ends_at=INSTANT)

EXPLAINED: Mapping[Problem, Explained] = {
    Problem.CLIENT_DETAILS_REQUIRED: Explained(
        meaning="Some of the client's details are needed first, and are not known yet.",
        remedy="Ask for those in `missing`, and send them as `details` with the same booking.",
        request=_BOOK,
        body=_INTRO_CALL,
        detail="Some details are needed first: email, first_name.",
        members={
            "missing": AddedMember(
                meaning="The names of the details.", schema=listed(TEXT), example=["email", "first_name"], always=True
            )
        },
    ),
    Problem.NO_THERAPIST_ASSIGNED: Explained(
        meaning="Nobody fitted the form, and nobody was chosen by hand yet.",
        remedy="Tell the client that the practice answers; the care team has a task.",
        request=_BOOK,
        body=_INTRO_CALL,
        detail="No therapist is assigned yet.",
    ),
    Problem.INTRO_CALL_REQUIRED: Explained(
        meaning="This therapist wants an intro call before the first session.",
        remedy="Offer the intro call: `GET /v1/clients/{client_id}/offers` says what may be booked.",
        request=_BOOK,
        body=_SESSION,
        detail="An intro call has to come first.",
    ),
    Problem.INTRO_CALL_NOT_OFFERED: Explained(
        meaning="The client had an intro call already, or this therapist offers none.",
        remedy="Offer a session.",
        request=_BOOK,
        body=_INTRO_CALL,
        detail="An intro call is not offered any more.",
    ),
    Problem.INTAKE_FORMS_INCOMPLETE: Explained(
        meaning="Sessions can be booked once the intake forms are complete.",
        remedy="Lead to the forms in `outstanding`.",
        request=_BOOK,
        body=_SESSION,
        detail="The client has forms to complete first.",
        members={
            "outstanding": AddedMember(
                meaning="Which forms.", schema=listed(TEXT), example=["informed_consent", "billing_info"], always=True
            )
        },
    ),
    Problem.BOOKING_DISABLED: Explained(
        meaning="The practice has switched booking off for this client.",
        remedy="Let the client write to or call the practice.",
        request=_BOOK,
        body=_SESSION,
        detail="Booking online is switched off. Please contact the practice.",
    ),
    Problem.SLOT_TAKEN: Explained(
        meaning="Somebody has this time by now; or two records that are joined have something at the same time.",
        remedy="Offer the `alternatives`, and keep what was typed.",
        request=_BOOK,
        body=_SESSION,
        detail="This time is taken.",
        members={
            "alternatives": ALTERNATIVES,
            "closure": CLOSURE,
            "overlapping": AddedMember(
                meaning="Of records that are joined: each pair that lies at the same time.",
                schema=listed(listed(_TAKEN_TIME)),
                example=[],
            ),
        },
    ),
    Problem.SLOT_UNAVAILABLE: Explained(
        meaning="The therapist does not offer this time: outside the hours, too soon, too far ahead, off the grid, or "
        "on a day on which the practice is closed.",
        remedy="Offer the `alternatives`, and read the open times again.",
        request=_BOOK,
        body={"type": "session", "starts_at": "2026-03-09T03:00:00Z", "mode": "video"},
        detail="This time is outside the therapist's hours.",
        members={"alternatives": ALTERNATIVES, "closure": CLOSURE},
    ),
    Problem.SERIES_CONFLICT: Explained(
        meaning="Some dates of the series are not free. Nothing was booked.",
        remedy="Show the conflicts with their alternatives; send it again with `skip_conflicts` to book the rest.",
        request=_BOOK,
        body={**_SESSION, "weeks": 6},
        detail="1 of 6 dates are not free; nothing was changed.",
        members={
            "conflicts": AddedMember(
                meaning="Each date that is not free, with other times in its week.",
                schema=listed(ref("SkippedDateView")),
                example=[
                    {
                        "week": 3,
                        "starts_at": "2026-03-23T15:00:00Z",
                        "because": "is under time off",
                        "alternatives": [ALTERNATIVES.example[0]],
                    }
                ],
                always=True,
            )
        },
    ),
    Problem.LATE_CHANGE: Explained(
        meaning="It is too late for the client to cancel or move this online; the fee is due.",
        remedy="Say what it costs, and let the client contact the therapist.",
        request="POST /v1/appointments/{appointment_id}/cancel",
        body={"reason": "Travelling"},
        detail="It is too late to change this appointment here: less than 24 hours are left until it begins. Please "
        "contact your therapist; the full fee is due.",
        members={
            "therapist": AddedMember(meaning="The therapist, by slug.", schema=TEXT, example="ana", always=True),
            "fee": AddedMember(
                meaning="What would be due.",
                schema=ref("MoneyView"),
                example={"amount": 12000, "currency": "USD"},
                always=True,
            ),
            "notice_window": AddedMember(
                meaning="How long before the beginning it could be changed, in words.",
                schema=TEXT,
                example="24 hours",
                always=True,
            ),
        },
    ),
    Problem.APPOINTMENT_NOT_OPEN: Explained(
        meaning="The appointment was called off, took place, or has begun: it cannot be changed any more.",
        remedy="Read it again, and show how it stands.",
        request="POST /v1/appointments/{appointment_id}/cancel",
        body={},
        detail="This appointment was cancelled.",
        members={
            "appointment_status": AddedMember(
                meaning="How it stands.", schema=ref("AppointmentStatus"), example="cancelled"
            )
        },
    ),
    Problem.APPOINTMENT_NOT_STARTED: Explained(
        meaning="What is asked for can be said only once the appointment has begun.",
        remedy="Offer it again after its beginning.",
        request="POST /v1/appointments/{appointment_id}/outcome",
        body={"outcome": "occurred"},
        detail="This appointment has not started yet.",
        members={"starts_at": AddedMember(meaning="When it begins.", schema=INSTANT, example="2026-03-09T15:00:00Z")},
    ),
}
