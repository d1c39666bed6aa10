"""What a mail may say (the context of its templates), as plain values.

Instants are aware datetimes (any zone); they are shown in ``MailContext.time_zone``, which every mail names.
"""

from dataclasses import dataclass
from datetime import datetime

from activities.practice import Practice
from rules.money.receipts import Receipt


@dataclass(frozen=True, kw_only=True)
class MailTherapist:
    """``licensed_in``: state codes, named where a mail asks the client to check their insurance cover."""

    name: str
    licensed_in: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MailMoney:
    """``amount`` in the currency's minor unit (cents, or whole yen); ``currency`` an ISO code in any case."""

    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class MailAppointment:
    """One appointment as a mail shows it.

    ``type`` and ``mode`` are the words of `rules.enums`. ``fee`` is left out where nothing is owed (intro
    calls). ``outstanding_forms`` are titles; they are shown where
    ``complete_forms_in_session`` is set. ``every``: of a series, how many weeks its appointments lie
    apart. ``previous_starts_at`` is where a moved appointment was before,
    ``late_fee`` what its late cancellation costs. ``notice``: until when before it a client may change a session.
    """

    id: str
    type: str
    starts_at: datetime
    ends_at: datetime
    mode: str
    join_url: str | None = None
    fee: MailMoney | None = None
    complete_forms_in_session: bool = False
    outstanding_forms: tuple[str, ...] = ()
    every: int | None = None
    previous_starts_at: datetime | None = None
    late_fee: MailMoney | None = None
    notice: str | None = None


@dataclass(frozen=True, kw_only=True)
class MailOffer:
    """A time that is held for a client on the waitlist until ``held_until``.

    ``type`` is a word of `rules.enums`. ``last``: the client's place in line ends if they let it go by.
    """

    type: str
    starts_at: datetime
    ends_at: datetime
    held_until: datetime
    last: bool = False


@dataclass(frozen=True, kw_only=True)
class MailPayment:
    """The payment a mail is about.

    ``total`` is the whole fee, ``credit_used`` and ``card_charged`` its two parts (one may be absent),
    ``kind`` a `rules.enums.PaymentKind`. ``reference`` is an opaque id that the client may quote. Of one
    that could not be made: ``tried_again_at`` is when it is by itself, ``deadline`` when it is owed at the
    latest; once it is ``owed``, neither. ``can_be_paid``: by a card, in whatever way; a person looks at any other.
    """

    reference: str
    kind: str
    total: MailMoney
    appointment_starts_at: datetime
    card_charged: MailMoney | None = None
    credit_used: MailMoney | None = None
    card_brand: str | None = None
    card_last4: str | None = None
    tried_again_at: datetime | None = None
    deadline: datetime | None = None
    owed: bool = False
    can_be_paid: bool = True


@dataclass(frozen=True, kw_only=True)
class MailCard:
    """The saved card. It works to the end of its month; ``over``: that has passed."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int
    over: bool = False


@dataclass(frozen=True, kw_only=True)
class MailTask:
    """What the care team must look at: ``title`` names the kind in plain words, ``text`` is one plain
    sentence.
    """

    title: str
    text: str
    client_ref: str | None = None


@dataclass(frozen=True, kw_only=True)
class MailAnchor:
    """An anchor of the chains: ``line`` is what is to be kept."""

    number: int
    date: str
    chains: int
    line: str


@dataclass(frozen=True, kw_only=True)
class MailApproval:
    """What waits for a second person until ``lapses_at``. ``asked_by``: a person's name, or a program's; ``act`` is a
    `rules.enums.ApprovalAct`."""

    asked_by: str
    act: str
    amount: MailMoney
    lapses_at: datetime


@dataclass(frozen=True, kw_only=True)
class MailContext:
    """Everything a mail may say. The first four parts belong to every mail; the entry of each in `rules.mail.kinds`
    lists what else it cannot do without.

    ``recipient_name``: how to greet the reader; empty greets nobody by name. ``time_zone``: the reader's
    IANA zone. ``test``: the journey is a test client's; the mail says so. ``link``: where the mail's one
    button leads, made by `Links`. ``link_expires_at``: until when. ``forms``: titles of forms,
    ``forms_gate``: the client's own bookings wait for them, ``forms_due``: they will from then on.
    ``unsubscribe_link``: where mails like this one can be ended. ``check_insurance``: ask the client to
    check their cover (the intro call and the first session with each therapist). ``change``: ``"moved"``,
    ``"cancelled"`` or ``"linked"`` (joined by another link), for the therapist, with ``changed_by_client``.
    ``factor_change``: a `rules.accounts.second_factors.FactorChange`.
    ``pay_link``: where the payment itself is, and can be paid.
    ``opened``: what was opened of the client's record, as a sentence names it.
    """

    recipient_name: str
    time_zone: str
    practice: Practice
    test: bool = False

    link: str | None = None
    link_expires_at: datetime | None = None
    unsubscribe_link: str | None = None
    client_name: str | None = None
    therapist: MailTherapist | None = None
    appointments: tuple[MailAppointment, ...] = ()
    forms: tuple[str, ...] = ()
    forms_gate: bool = False
    forms_due: datetime | None = None
    check_insurance: bool = False
    change: str | None = None
    changed_by_client: bool = False
    offer: MailOffer | None = None
    payment: MailPayment | None = None
    pay_link: str | None = None
    receipt: Receipt | None = None
    card: MailCard | None = None
    task: MailTask | None = None
    anchor: MailAnchor | None = None
    approval: MailApproval | None = None
    factor_change: str | None = None
    opened: str | None = None
