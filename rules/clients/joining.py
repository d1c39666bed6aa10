"""Two records of one person become one: which records may be joined, and what of each then counts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rules.enums import FormStatus
from rules.refusals import Problem, Refusal, invalid

DETAILS = ("first_name", "last_name", "email", "phone", "time_zone", "state")


@dataclass(frozen=True, kw_only=True)
class TakenTime:
    """A time that an appointment which stands takes."""

    appointment_id: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class ClientRecord:
    """One of the two. ``ahead`` are its times that are not over; ``on_their_way`` its payments that are being made."""

    id: str
    ref: str
    test: bool = False
    closed: bool = False
    joined: bool = False  # into another record itself
    account_active: bool = False
    booking_enabled: bool = True
    ahead: tuple[TakenTime, ...] = ()
    on_their_way: tuple[str, ...] = ()


def refuse_join(duplicate: ClientRecord, into: ClientRecord, *, by_staff: bool) -> Refusal | None:
    """Why ``duplicate`` cannot be joined into the other record, or None.

    What is not done by staff is done with the link that was mailed to the record's own address.
    """
    if duplicate.id == into.id:
        return invalid("into", "is this very record")
    if into.joined:
        return invalid("into", f"client {into.ref} was joined into another record; join into that one")
    if into.closed:
        return invalid("into", f"the journey of client {into.ref} was closed")
    if duplicate.test != into.test:
        return invalid("into", "one of the two is a test client, and the other is not")
    if duplicate.account_active and not into.account_active:
        message = (
            f"client {duplicate.ref} has an account, and client {into.ref} has none: join them the other way round"
        )
        return invalid("into", message)
    if not by_staff and not into.booking_enabled and duplicate.ahead:
        return Refusal(
            name=Problem.BOOKING_DISABLED, detail="Booking online is switched off. Please contact the practice."
        )
    return _refuse_for_money(duplicate, into) or _refuse_for_times(duplicate, into)


def _refuse_for_money(duplicate: ClientRecord, into: ClientRecord) -> Refusal | None:
    payments = [*duplicate.on_their_way, *into.on_their_way]
    if not payments:
        return None
    return Refusal(
        name=Problem.PAYMENT_NOT_OPEN,
        detail="A payment is on its way to the card. It has to be settled first; please try again in a few minutes.",
        data={"payments": payments},
    )


def _refuse_for_times(duplicate: ClientRecord, into: ClientRecord) -> Refusal | None:
    pairs = overlapping(duplicate.ahead, into.ahead)
    if not pairs:
        return None
    return Refusal(
        name=Problem.SLOT_TAKEN,
        detail="Both records have an appointment at the same time. Cancel or move one of the two first.",
        data={"overlapping": [[_shown(one), _shown(other)] for one, other in pairs], "alternatives": []},
    )


def _shown(time: TakenTime) -> dict[str, str]:
    return {
        "appointment_id": time.appointment_id,
        "starts_at": time.starts_at.isoformat(),
        "ends_at": time.ends_at.isoformat(),
    }


def overlapping(ours: Iterable[TakenTime], theirs: Sequence[TakenTime]) -> list[tuple[TakenTime, TakenTime]]:
    """The pairs that take the same time; one that ends when the other begins does not."""
    return [
        (one, other)
        for one in ours
        for other in theirs
        if one.starts_at < other.ends_at and other.starts_at < one.ends_at
    ]


# ---------------------------------------------------------------- what counts afterwards


def is_active_again(*, archived: bool, other_archived: bool, by_staff: bool, books: bool) -> bool:
    """Whether an archived record becomes active with the join. A link that somebody follows does no more than a booking
    would: it takes one that is still ahead (``books``)."""
    return archived and not other_archived and (by_staff or books)


def missing_details(known: Mapping[str, str | None], others: Mapping[str, str | None]) -> dict[str, str]:
    """The details that the other record has and this one lacks; what is known stays as it is."""
    found = {name: others.get(name) for name in DETAILS if not (known.get(name) or "").strip()}
    return {name: value for name, value in found.items() if value and value.strip()}


@dataclass(frozen=True, kw_only=True)
class FormRecord:
    """A form as one record was asked for it."""

    status: FormStatus
    completed_at: datetime | None = None


def form_counts(theirs: FormRecord, *, mine: FormRecord | None) -> bool:
    """Whether the duplicate's form (of one kind and version) takes the place of the record's own.

    The newest that is complete counts; one that is only asked for counts where the other record was never asked.
    """
    if mine is None:
        return True
    if theirs.status is not FormStatus.COMPLETE or theirs.completed_at is None:
        return False
    if mine.status is not FormStatus.COMPLETE or mine.completed_at is None:
        return True
    return theirs.completed_at > mine.completed_at


def read_afterwards(*, theirs: int, of_theirs: int, mine: int, of_mine: int) -> int:
    """How far somebody has read a chat behind which another's messages were moved.

    ``theirs`` of ``of_theirs`` messages of the moved ones were read, ``mine`` of ``of_mine`` before them. Whoever had
    not read all of the first has the moved ones still to read.
    """
    return of_mine + min(theirs, of_theirs) if mine >= of_mine else mine


@dataclass(frozen=True, kw_only=True)
class MovedChat:
    """Where the messages of a chat are now: mostly in another chat, each with its number and ``behind`` more."""

    chat_id: str
    behind: int
