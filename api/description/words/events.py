"""What has changed, for programs."""

from typing import Any

from rules.events.kinds import EventKind

_ID = "9a1c4b52-6f0e-4c8e-9f0a-0d7a3f5c2b11"
# The model of a kind is named after it: appointment.no_show is an AppointmentNoShowEvent.
_MODELS = ["".join(part.capitalize() for part in kind.name.split("_")) + "Event" for kind in EventKind]

WORDS: dict[str, tuple[Any, ...]] = {
    **{
        f"{model}.id": ("Rises from event to event. The same event has the same id for good.", 48213)
        for model in _MODELS
    },
    **{f"{model}.data": ("What the event is about, by its kind.",) for model in _MODELS},
    "?kinds": ("Events of these kinds alone.",),
    "ListedEvents.after": ("Where the next request goes on.", 48213),
    "more": ("Whether there are others behind these already.",),
    "MatchMadeData.how": ("By which way the match was made.",),
    "moved_from": ("When it was to begin before.", "2026-03-09T15:00:00Z"),
    "corrected": ("Whether another outcome had been marked before.",),
    "form": ("Which form.", "informed_consent"),
    "form_id": ("This asking for the form.", _ID),
    "PaymentData.status": ("How the payment stands.",),
    "RefundedData.status": ("How the payment stands.",),
    "refundable": ("What can still be given back, in minor units.", 6000),
    "offer_id": ("The offer.", _ID),
    "place_id": ("The place on the waitlist.", _ID),
    "MessageWaitsData.chat_id": ("In which chat.", _ID),
    "chat": ("What kind of chat it is.",),
    "MessageWaitsData.to": ("On which side it is still to be read.",),
    "DetailsChangedData.fields": ("Which details, and not what they are.", ["email", "phone"]),
    "TaskData.task_id": ("Which task.", _ID),
    "task": ("What it is about.",),
    "TherapistChangedData.what": ("What of the therapist.",),
    "calendar_id": ("Which of the therapist's other calendars.", _ID),
}
