"""What a receipt and a statement say: who was paid by whom, for which service, how, and what was given back.

Nothing in them is clinical: a service is an appointment, told by its length or by how it was missed. Whom a receipt
names is kept with its payment from the moment at which that was made, so that it says the same for ever. What becomes
of the money later is added to it. Amounts are whole minor units.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from rules.enums import PaymentKind, PaymentStatus
from rules.money.fees import Money
from rules.money.payment_states import FORGIVEN, UNPAID, is_stopped
from rules.refusals import Problem, Refusal, invalid
from rules.time_words import in_words, minutes

MOST_DAYS = 366
MOST_LINES = 1000
"""Of one statement."""


# ---------------------------------------------------------------- whom it names


@dataclass(frozen=True, kw_only=True)
class Letterhead:
    """How the practice names itself in its papers. ``country`` is an ISO code of two letters; what is empty is left
    out."""

    name: str
    address: str = ""
    country: str = "US"
    state: str = ""
    tax_id: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """As they stand below one another: name, address, tax number."""
        tax = f"Tax number: {self.tax_id}" if self.tax_id else ""
        return tuple(line for line in (self.name, self.address, tax) if line)


@dataclass(frozen=True, kw_only=True)
class Licence:
    """The number under which a therapist may work in a state."""

    state: str
    number: str


@dataclass(frozen=True, kw_only=True)
class Practitioner:
    """The therapist, as papers name them. ``credentials`` such as LCSW."""

    name: str
    credentials: str | None = None
    licences: tuple[Licence, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.name}, {self.credentials}" if self.credentials else self.name

    @property
    def licence(self) -> str:
        """``Licence: NY 012345``; empty without one."""
        told = ", ".join(f"{one.state} {one.number}" for one in self.licences)
        return f"Licence{'' if len(self.licences) == 1 else 's'}: {told}" if told else ""


def licences_that_apply(
    licences: Iterable[Licence], *, clients_state: str | None, practices_state: str
) -> tuple[Licence, ...]:
    """Those for where the client lives, or for where the practice is while that is not known. A therapist who has none
    for there is named with all of them."""
    every = tuple(licences)
    where = (clients_state or practices_state).casefold()
    return tuple(one for one in every if one.state.casefold() == where) or every


@dataclass(frozen=True, kw_only=True)
class Stated:
    """Whom a receipt names, as they were when the payment was made. ``time_zone``: the client's, an IANA name."""

    practice: Letterhead
    therapist: Practitioner
    client_name: str
    client_ref: str
    time_zone: str

    def document(self) -> dict[str, Any]:
        """As it stands in the payment's row."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Stated":
        therapist = document["therapist"]
        licences = tuple(Licence(**one) for one in therapist["licences"])
        named = {
            "practice": Letterhead(**document["practice"]),
            "therapist": Practitioner(**{**therapist, "licences": licences}),
        }
        return cls(**{**document, **named})


# ---------------------------------------------------------------- what it says


def receipt_number(payment_id: str) -> str:
    """The payment's public number: it follows from the id, and tells nothing. ``3F2A-91C0-77DE``."""
    digits = payment_id.replace("-", "")[:12].upper()
    return "-".join(digits[at : at + 4] for at in range(0, 12, 4))


def service_of(kind: PaymentKind, *, starts_at: datetime, ends_at: datetime, notice_window: timedelta) -> str:
    """What was paid for, in words that are nobody's diagnosis."""
    if kind is PaymentKind.LATE_CANCELLATION:
        return f"Appointment cancelled less than {in_words(notice_window)} before"
    length = minutes(starts_at, ends_at)
    return f"Missed appointment, {length}" if kind is PaymentKind.NO_SHOW else f"Therapy session, {length}"


class GivenTo(StrEnum):
    """Where money went that was given back."""

    CARD = "card"
    CREDIT = "credit"
    BANK = "bank"  # the client's bank took it back, after a dispute


_GIVEN_TO = {
    GivenTo.CARD: "Given back to the card",
    GivenTo.CREDIT: "Given back as credit",
    GivenTo.BANK: "Taken back by the bank",
}


@dataclass(frozen=True, kw_only=True)
class GivenBack:
    """``on_its_way``: the bank has not said yet that it arrived."""

    amount: int
    to: GivenTo
    at: datetime
    on_its_way: bool = False

    @property
    def words(self) -> str:
        return _GIVEN_TO[self.to] + (", on its way" if self.on_its_way else "")


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """One payment that was made. ``credit`` is what credit gave of the ``fee``, the card gave the rest."""

    number: str
    stated: Stated
    service: str
    starts_at: datetime
    paid_at: datetime
    fee: Money
    credit: int = 0
    given_back: tuple[GivenBack, ...] = ()
    test: bool = False

    @property
    def by_card(self) -> int:
        return self.fee.amount - self.credit

    @property
    def returned(self) -> int:
        return sum(one.amount for one in self.given_back)

    @property
    def kept(self) -> int:
        """What the practice has of it in the end: never less than nothing, whatever a bank took back."""
        return max(self.fee.amount - self.returned, 0)

    @property
    def as_of(self) -> datetime:
        """The last thing that it tells of."""
        return max((self.paid_at, *(one.at for one in self.given_back)))


_NOTHING_PAID = "Nothing has been paid: there is a receipt once the payment is made."
_LET_GO = "This fee was let go of and nothing was paid, so there is no receipt."


def no_receipt(status: PaymentStatus) -> Refusal:
    """Why there is none. What an archive stopped is told as what has not been paid yet: its client learns of none."""
    detail = _LET_GO if status in FORGIVEN else _NOTHING_PAID
    return Refusal(name=Problem.PAYMENT_NOT_OPEN, detail=detail)


# ---------------------------------------------------------------- a period


class FeeStanding(StrEnum):
    """How a fee stands, in a statement's words."""

    PAID = "Paid"
    GIVEN_BACK_IN_PART = "Partly given back"
    GIVEN_BACK = "Given back"
    NOT_PAID = "Not paid"
    LET_GO = "Nothing to pay"


def standing_of(status: PaymentStatus, because: str | None, receipt: Receipt | None) -> FeeStanding | None:
    """None for what is in no statement: a fee that was called off, because nothing was due. What an archive stopped is
    not paid, as it was before."""
    if receipt is not None:
        whole = FeeStanding.GIVEN_BACK if receipt.kept == 0 else FeeStanding.GIVEN_BACK_IN_PART
        return whole if receipt.returned else FeeStanding.PAID
    if status in UNPAID or is_stopped(status=status, because=because):
        return FeeStanding.NOT_PAID
    return FeeStanding.LET_GO if status in FORGIVEN else None


@dataclass(frozen=True, kw_only=True)
class StatementLine:
    """One fee of the period; ``receipt`` once it was paid."""

    number: str
    service: str
    starts_at: datetime
    therapist: Practitioner
    fee: Money
    standing: FeeStanding
    receipt: Receipt | None = None


@dataclass(frozen=True, kw_only=True)
class StatementTotal:
    """What the lines of one currency come to."""

    currency: str
    paid: int = 0
    credit: int = 0
    by_card: int = 0
    returned: int = 0
    kept: int = 0
    not_paid: int = 0


@dataclass(frozen=True, kw_only=True)
class Statement:
    """The fees for a client's appointments from ``first`` to ``last``, dates of the zone, both included."""

    practice: Letterhead
    client_name: str
    client_ref: str
    time_zone: str
    first: date
    last: date
    begins_at: datetime
    lines: tuple[StatementLine, ...] = field(default=())
    test: bool = False

    @property
    def totals(self) -> tuple[StatementTotal, ...]:
        """One for each currency, by its code."""
        return tuple(self._total(currency) for currency in sorted({line.fee.currency for line in self.lines}))

    @property
    def as_of(self) -> datetime:
        """The last thing that it tells of; its beginning, if it tells of nothing."""
        told = (line.receipt.as_of if line.receipt else line.starts_at for line in self.lines)
        return max(told, default=self.begins_at)

    def _total(self, currency: str) -> StatementTotal:
        lines = [line for line in self.lines if line.fee.currency == currency]
        made = [line.receipt for line in lines if line.receipt is not None]
        return StatementTotal(
            currency=currency,
            paid=sum(one.fee.amount for one in made),
            credit=sum(one.credit for one in made),
            by_card=sum(one.by_card for one in made),
            returned=sum(one.returned for one in made),
            kept=sum(one.kept for one in made),
            not_paid=sum(line.fee.amount for line in lines if line.standing is FeeStanding.NOT_PAID),
        )


def refuse_period(first: date, last: date) -> Refusal | None:
    """Why a statement cannot be of these dates."""
    for name, day in (("from", first), ("to", last)):
        if not 2000 <= day.year < 2200:
            return invalid(name, "must lie between 2000 and 2200")
    if last < first:
        return invalid("to", "must not be before from")
    if (last - first).days >= MOST_DAYS:
        return invalid("to", f"a statement is of at most {MOST_DAYS} days: must be that near to from")
    return None


TOO_MANY_LINES = invalid("to", f"there are more than {MOST_LINES} fees in this time: ask for a shorter one")
