"""A booking site without pages: one visitor's way from the matching form to an appointment, by the generated client.

Three times it is refused, and goes on by the name of what refused it. What it asks twice happens once.
"""

import os
import re
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import httpx
from care_journeys_client.api.accounts import activate_account
from care_journeys_client.api.appointments import book_appointment, get_appointment, list_offers
from care_journeys_client.api.journeys import get_matching_form, start_journey
from care_journeys_client.api.slots import hold_slot, list_slots
from care_journeys_client.api.therapists import list_therapists
from care_journeys_client.models import (
    Activation,
    AnswersBody,
    AppointmentType,
    AppointmentView,
    BookedView,
    BookingBody,
    ClientDetailsBody,
    ClientDetailsRequiredProblem,
    HoldBody,
    HoldView,
    IntakeFormsIncompleteProblem,
    JourneyBody,
    JourneyView,
    ListedTherapistView,
    MatchingFormView,
    Modality,
    Mode,
    OffersView,
    SignedIn,
    SlotsView,
    SlotTakenProblem,
    Source,
)

from connection import API, Journey, OtherAnswer, visitor_of, wanted

ZONE = "America/New_York"


@dataclass(frozen=True)
class Refusal:
    """Its name, and what to go on with: details that are missing, other times, or forms."""

    name: str
    instead: list[str]


def show_therapists() -> list[str]:
    listed = wanted(ListedTherapistView, list_therapists.sync_detailed(client=API, accepting_clients=True))
    return [f"{therapist.name} ({therapist.slug})" for therapist in listed.items]


def fill_in_the_form(visitor: str) -> Journey:
    form = wanted(MatchingFormView, get_matching_form.sync_detailed(client=API))
    answers = AnswersBody(
        state="NY",
        modality=Modality.INDIVIDUAL,
        concerns=[word.code for word in form.concerns if word.offered_by][:2],
        languages=["en"],
    )
    body = JourneyBody(source=Source.MATCHING_FORM, answers=answers)
    return journey_of(body, visitor)


def come_to(therapist: str, visitor: str) -> Journey:
    return journey_of(JourneyBody(source=Source.DIRECT_BOOKING, therapist=therapist), visitor)


def journey_of(body: JourneyBody, visitor: str) -> Journey:
    begun = wanted(
        JourneyView,
        start_journey.sync_detailed(client=API, body=body, idempotency_key=str(uuid4()), visitor=visitor),
    )
    if begun.match is None or begun.match.therapist is None or not begun.pass_:
        raise OtherAnswer("Nobody fits: the care team looks for somebody, and the page says so.")
    return Journey(begun.client_id, begun.match.therapist, f"Bearer {begun.pass_}", visitor)


def what_is_offered(journey: Journey) -> AppointmentType:
    offers = wanted(
        OffersView,
        list_offers.sync_detailed(journey.client_id, client=API, on_behalf_of=journey.speaks, visitor=journey.visitor),
    )
    return next(offer.type_ for offer in offers.offers if offer.offered)


def free_times(journey: Journey, kind: AppointmentType) -> list[datetime]:
    slots = wanted(SlotsView, list_slots.sync_detailed(journey.therapist, client=API, type_=kind, time_zone=ZONE))
    return [slot.starts_at for day in slots.days for slot in day.slots]


def hold(journey: Journey, kind: AppointmentType, starts_at: datetime) -> UUID:
    held = wanted(
        HoldView,
        hold_slot.sync_detailed(
            journey.therapist,
            client=API,
            body=HoldBody(type_=kind, starts_at=starts_at),
            idempotency_key=str(uuid4()),
            on_behalf_of=journey.speaks,
            visitor=journey.visitor,
        ),
    )
    return held.hold_id


def book(journey: Journey, wish: BookingBody, key: str) -> BookedView | Refusal:
    """``key`` is of this one wish: sent again, however often, it is answered as it was."""
    answer = book_appointment.sync_detailed(
        journey.client_id,
        client=API,
        body=wish,
        idempotency_key=key,
        on_behalf_of=journey.speaks,
        visitor=journey.visitor,
    )
    match answer.parsed:
        case BookedView() as booked:
            return booked
        case ClientDetailsRequiredProblem() as refused:
            return Refusal("client-details-required", refused.missing)
        case SlotTakenProblem() as refused:
            return Refusal("slot-taken", [str(free.starts_at) for free in refused.alternatives])
        case IntakeFormsIncompleteProblem() as refused:
            return Refusal("intake-forms-incomplete", refused.outstanding)
        case other:
            raise OtherAnswer(f"HTTP {answer.status_code}: {other}")


def activate(journey: Journey, token: str) -> Journey:
    """The page of ``/activate/<token>``: from here on the site speaks for a person who has signed in."""
    signed_in = wanted(
        SignedIn,
        activate_account.sync_detailed(
            client=API,
            body=Activation(token=token, password="a long made-up password"),  # noqa: S106 - the client types it
            idempotency_key=str(uuid4()),
            visitor=journey.visitor,
        ),
    )
    return Journey(journey.client_id, journey.therapist, f"Bearer {signed_in.token}", journey.visitor)


def read(journey: Journey, appointment_id: UUID) -> AppointmentView:
    return wanted(
        AppointmentView,
        get_appointment.sync_detailed(appointment_id, client=API, on_behalf_of=journey.speaks, visitor=journey.visitor),
    )


def mailed_link(address: object) -> str:
    """What a client clicks in the mail; here it is read where the local stack keeps all mails."""
    for _ in range(60):
        mails = httpx.get(f"{os.environ['MAILS_URL']}/outbox", params={"to": str(address)}).json()
        for mail in mails:
            found = re.search(r"/activate/(\S+)", mail["text"])
            if found:
                return found[1]
        time.sleep(0.5)
    raise OtherAnswer(f"No mail with a link came to {address}.")


def main() -> None:
    said(f"therapists: {', '.join(show_therapists())}")
    sara = fill_in_the_form(visitor_of("203.0.113.7"))
    kind = what_is_offered(sara)
    starts_at = free_times(sara, kind)[-1]
    wish = BookingBody(type_=kind, starts_at=starts_at, mode=Mode.VIDEO, hold_id=hold(sara, kind, starts_at))
    said(f"{sara.therapist} offers {kind}, and {starts_at} is held")
    must_be_refused("client-details-required", book(sara, wish, str(uuid4())))

    wish.details = details_of("Sara")
    key = str(uuid4())
    booked = book(sara, wish, key)
    if not isinstance(booked, BookedView) or book(sara, wish, key) != booked:
        raise OtherAnswer(f"Sent twice, it is one booking with one answer, not {booked}")
    [appointment] = booked.appointments
    said(f"booked, and the same again by the same key: {appointment.id}")

    tom = come_to(sara.therapist, visitor_of("198.51.100.9"))
    late = BookingBody(type_=kind, starts_at=starts_at, mode=Mode.VIDEO, details=details_of("Tom"))
    must_be_refused("slot-taken", book(tom, late, str(uuid4())))

    sara = activate(sara, mailed_link(wish.details.email))
    session = AppointmentType.SESSION
    another = BookingBody(type_=session, starts_at=free_times(sara, session)[-1], mode=Mode.VIDEO)
    must_be_refused("intake-forms-incomplete", book(sara, another, str(uuid4())))

    seen = read(sara, appointment.id)
    said(f"the appointment is {seen.status}, from {seen.starts_at} to {seen.ends_at}")


def details_of(first_name: str) -> ClientDetailsBody:
    return ClientDetailsBody(
        first_name=first_name,
        last_name="Lind",
        email=f"{first_name.lower()}.{uuid4()}@example.com",
        phone="+12125550100",
        time_zone=ZONE,
    )


def must_be_refused(name: str, answer: BookedView | Refusal) -> None:
    if not isinstance(answer, Refusal) or answer.name != name or not answer.instead:
        raise OtherAnswer(f"{name} was expected, and not {answer}")
    said(f"refused, {name}: {', '.join(answer.instead)}")


def said(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
