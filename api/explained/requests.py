"""What any request may be refused for."""

from collections.abc import Mapping

from api.explained.explained import TEXT, WHOLE, AddedMember, Explained, listed, with_parts
from rules.refusals import Problem

_ERROR = with_parts(field=TEXT, message=TEXT)
_ERROR["properties"]["nearest"] = listed(with_parts(code=TEXT, name=TEXT))

EXPLAINED: Mapping[Problem, Explained] = {
    Problem.VALIDATION_FAILED: Explained(
        meaning="Something in the request cannot be accepted. Nothing was changed.",
        remedy="Show each message beside its field. Where there are `nearest` words, one of them may have been meant.",
        request="POST /v1/journeys",
        body={"source": "matching_form", "answers": {"state": "XX", "modality": "individual"}},
        detail="answers.state: there is no such state",
        members={
            "errors": AddedMember(
                meaning="Every wrong field, as `answers.preferred_times[0].part`, with what is wrong.",
                schema=listed(_ERROR),
                example=[{"field": "answers.state", "message": "there is no such state"}],
                always=True,
            ),
            "note_id": AddedMember(
                meaning="The note that the appointment has already.",
                schema={"type": "string", "format": "uuid"},
                example="9a1c4b52-6f0e-4c8e-9f0a-0d7a3f5c2b11",
            ),
        },
    ),
    Problem.NOT_FOUND: Explained(
        meaning="There is no such thing, or none that whoever asks may see: the two are answered alike.",
        remedy="Look at the ids in the address, and for whom the request speaks.",
        request="GET /v1/appointments/00000000-0000-4000-8000-000000000000",
        detail="There is no such appointment.",
    ),
    Problem.IDEMPOTENCY_KEY_REUSED: Explained(
        meaning="The same `Idempotency-Key` was sent before with another body or another query.",
        remedy="Send the first request again as it was, or this one with a key of its own.",
        request="POST /v1/clients/{client_id}/appointments",
        body={"type": "session", "starts_at": "2026-03-09T16:00:00Z", "mode": "video"},
        detail="This Idempotency-Key was used for another request.",
    ),
    Problem.EVENTS_GONE: Explained(
        meaning="Some of the events behind `after` are so old that they are not kept any more.",
        remedy="Read what you keep of clients and appointments anew, and go on with the `after` of this document.",
        request="GET /v1/events?after=1200",
        detail="Some of these events are not kept any more: read what you need anew, and go on from here.",
        members={
            "after": AddedMember(meaning="Behind this all events are kept.", schema=WHOLE, example=48213, always=True)
        },
    ),
    Problem.RATE_LIMITED: Explained(
        meaning="Too much was asked for by this person or visitor within a time.",
        remedy="Wait as many seconds as `Retry-After` says.",
        request="POST /v1/sessions",
        body={"email": "sara@mail.example", "password": "…"},
        detail="Too many attempts; please try again in a few minutes.",
    ),
    Problem.ENGINE_UNAVAILABLE: Explained(
        meaning="The engine or the database did not answer in time. Whatever was done is not done twice.",
        remedy="Send the same request with the same `Idempotency-Key` again, after the seconds of `Retry-After`.",
        request="POST /v1/clients/{client_id}/appointments",
        body={"type": "session", "starts_at": "2026-03-09T15:00:00Z", "mode": "video"},
        detail="This could not be finished just now. Repeat the request with the same Idempotency-Key: whatever was "
        "done already is not done twice.",
    ),
}
