"""What activities need from the outside world: a payment gateway, a mailer, and the engine's record of messages.

A bank's "no" is a value (``Intent.decline``), because the journey has a rule for it. Only broken machinery
raises: ``GatewayUnavailable`` and ``MailerUnavailable`` may pass when tried again, ``GatewayRejected`` and
``MailRejected`` never will. Amounts are integer minor units; currencies are upper-case ISO codes on this side
of the port.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from jinja2 import Environment


@dataclass(frozen=True, kw_only=True)
class Decline:
    """Why the bank said no. ``code`` is Stripe's error code (``card_declined``, ``expired_card``,
    ``authentication_required``...), ``decline_code`` the bank's own word where it gave one."""

    code: str | None
    decline_code: str | None
    message: str


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """Where the bank asks the client: the page at ``url``, which leads back to ``return_url``."""

    url: str
    return_url: str | None


@dataclass(frozen=True, kw_only=True)
class Intent:
    """One PaymentIntent as Stripe last told it.

    ``status`` is Stripe's: requires_payment_method, requires_confirmation, requires_action, processing,
    requires_capture, succeeded or canceled. ``payment_method`` is the method now on the intent, or after a
    decline the one that was declined. ``decline`` is the latest failed try, and only present while the intent
    still waits for another method. ``payment_id`` is from its metadata: the payment that it was made for. ``redirect``
    is where the client has to go, while the bank wants them at a page of its own.
    """

    id: str
    status: str
    amount: int
    currency: str
    customer: str | None
    payment_method: str | None
    client_secret: str | None
    decline: Decline | None = None
    amount_received: int = 0
    latest_charge: str | None = None
    payment_id: str | None = None
    created: datetime | None = None
    redirect: Redirect | None = None

    @property
    def our_payment(self) -> UUID | None:
        """``payment_id`` if it can be one of ours: another program at the same account may say anything."""
        try:
            return UUID(self.payment_id or "")
        except ValueError:
            return None


@dataclass(frozen=True, kw_only=True)
class SetupIntent:
    """``status``: requires_payment_method, requires_confirmation, requires_action, processing, succeeded,
    canceled. ``client_id`` is from its metadata: our client for whom Checkout was to save a card."""

    id: str
    customer: str | None
    status: str
    client_secret: str | None
    payment_method: str | None
    usage: str
    client_id: str | None = None
    error: str | None = None  # Stripe's code of why the last card was not saved


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A Checkout Session as Stripe last told it. ``status``: open, complete or expired. ``url`` is the page to which
    the client is sent, while it is open; ``setup_intent`` saves the card."""

    id: str
    mode: str
    status: str
    customer: str | None
    setup_intent: str | None
    url: str | None
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Card:
    """What may be shown of a saved card. ``fingerprint`` is the same for the same number, however often it is saved;
    None where the gateway tells none. ``created`` is when the card was given. ``attached``: a customer has it, so that
    it can be charged again."""

    payment_method: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str | None = None
    created: datetime | None = None
    attached: bool = True


class GatewayUnavailable(Exception):
    """The gateway could not be asked, or did not answer.

    ``ambiguous``: the request may have taken effect all the same. ``retry_with_same_key``: send exactly the
    same request again (lost connection, or a twin of it still in flight); otherwise retrieve first, and make
    a new try under a new key, because a stored failure is replayed to the old one.
    """

    def __init__(self, message: str, *, ambiguous: bool, retry_with_same_key: bool) -> None:
        super().__init__(message)
        self.ambiguous = ambiguous
        self.retry_with_same_key = retry_with_same_key


class GatewayRejected(Exception):
    """The request can never work as it is: a wrong parameter, a wrong key, an unknown object."""

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class RefundMade:
    """A refund as Stripe last told it. ``status``: pending, requires_action, succeeded, failed or canceled; ``because``
    is the reason of a failure, which may come days after a success. ``refund_id`` is our own id, from its metadata."""

    id: str | None
    status: str
    amount: int = 0
    currency: str = ""
    intent: str | None = None
    charge: str | None = None
    refund_id: str | None = None
    because: str | None = None
    created: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class DisputeSeen:
    """A dispute or an inquiry as Stripe last told it (see ``rules.money.disputes``). ``answer_by``: until when Stripe
    takes an answer; None where it takes none."""

    id: str
    intent: str | None
    amount: int
    currency: str
    status: str
    reason: str
    charge: str | None = None
    created: datetime | None = None
    answer_by: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ChargeSeen:
    """One try at a card as Stripe last told it. ``status``: succeeded, pending or failed. ``amount_refunded`` counts
    refunds that are still pending, and none that failed."""

    id: str
    intent: str | None
    status: str
    amount: int
    amount_captured: int
    amount_refunded: int
    currency: str
    disputed: bool
    created: datetime | None = None


class PaymentGateway(Protocol):
    """Every ``key`` is an idempotency key made of stable ids: the same key means the same request."""

    async def create_customer(self, *, client_ref: str, key: str) -> str:
        """Returns the customer's id. ``client_ref`` is opaque and all that the gateway learns of the
        person."""
        ...

    async def has_customer(self, *, customer: str) -> bool:
        """False for one that was deleted, or never was."""
        ...

    async def create_setup_intent(self, *, customer: str, key: str) -> SetupIntent:
        """A way to save a card for charges when the client is not there (usage ``off_session``)."""
        ...

    async def create_checkout(
        self, *, customer: str, client_id: str, success_url: str, cancel_url: str, key: str
    ) -> Checkout:
        """A page of the gateway's own on which a card is saved for charges when the client is not there.
        ``{CHECKOUT_SESSION_ID}`` in ``success_url`` becomes its id. The opaque id is the setup's only metadata."""
        ...

    async def retrieve_checkout(self, *, id: str) -> Checkout | None: ...

    async def retrieve_setup_intent(self, *, id: str) -> SetupIntent | None: ...

    async def card(self, *, payment_method: str) -> Card | None:
        """None when there is no such method, or it is no card."""
        ...

    async def create_intent(
        self,
        *,
        payment_id: str,
        client_id: str,
        customer: str,
        amount: int,
        currency: str,
        key: str,
    ) -> Intent:
        """An unconfirmed intent; nothing is charged. The opaque ids are its only metadata."""
        ...

    async def confirm_intent(
        self, *, intent: str, payment_method: str, key: str, return_url: str | None = None
    ) -> Intent:
        """Charges off-session; or, with the ``return_url`` to which the bank's page leads back, on-session: the client
        is there, and ``Intent.redirect`` is that page if the bank wants them. A decline comes back as
        ``Intent.decline``. An intent that has already succeeded, is processing or was canceled is returned as it is,
        without another charge."""
        ...

    async def retrieve_intent(self, *, intent: str) -> Intent | None: ...

    async def intents_of(self, *, payment_id: str, customer: str | None) -> list[Intent]:
        """Every intent made for this payment: first those of ``customer``, newest first, as soon as they are made; then
        those of other customers, which Stripe's search knows, usually within a minute."""
        ...

    async def cancel_intent(self, *, intent: str, key: str) -> Intent:
        """Look at the status: one that was too late comes back ``succeeded``, and stays so."""
        ...

    async def refund(
        self,
        *,
        intent: str,
        refund_id: str,
        amount: int,
        currency: str,
        key: str,
    ) -> RefundMade:
        """Gives so much of a succeeded intent back to its card. ``refund_id`` is its only metadata. Raises
        GatewayRejected, with nothing given back, for another currency than the intent's, for more than is left, for an
        intent that never succeeded, and where nothing is left to give (``charge_already_refunded``,
        ``charge_disputed``)."""
        ...

    async def find_refund(self, *, intent: str, refund_id: str) -> RefundMade | None:
        """The refund of an intent that carries our id."""
        ...

    async def refunds_of(self, *, intent: str) -> list[RefundMade]:
        """Every refund of an intent, whoever made it, newest first."""
        ...

    async def retrieve_refund(self, *, id: str) -> RefundMade | None: ...

    async def retrieve_charge(self, *, id: str) -> ChargeSeen | None: ...

    async def retrieve_dispute(self, *, id: str) -> DisputeSeen | None: ...

    async def disputes_of(self, *, intent: str) -> list[DisputeSeen]:
        """Every dispute and inquiry about an intent."""
        ...

    def list_intents(self, *, since: datetime, until: datetime) -> AsyncIterator[Intent]:
        """Every intent created from ``since`` to ``until`` (aware), both included, newest first, page by page. A page
        that cannot be had raises as any other call; start again."""
        ...

    def list_refunds(self, *, since: datetime, until: datetime) -> AsyncIterator[RefundMade]:
        """By when they were made, as ``list_intents``. One made earlier may have failed since: retrieve it."""
        ...

    def list_disputes(self, *, since: datetime, until: datetime) -> AsyncIterator[DisputeSeen]:
        """By when they were opened, as ``list_intents``."""
        ...


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """``content_id``: of a picture that the HTML shows, as ``cid:<content_id>``; a file has none."""

    filename: str
    type: str
    content: bytes
    content_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class OutgoingMail:
    """One mail to one person. ``key`` is opaque and stable: one per reason to write. ``template`` is the
    folder's name, which the mail service shows as its category."""

    key: str
    to: str
    to_name: str | None
    from_: str
    subject: str
    text: str
    html: str
    template: str
    attachments: tuple[Attachment, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class MailRejected(Exception):
    """The mail service will never take this mail."""

    def __init__(self, *, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class MailerUnavailable(Exception):
    """The mail service could not be asked, or did not answer. ``ambiguous``: the mail may have gone out."""

    def __init__(self, message: str, *, ambiguous: bool) -> None:
        super().__init__(message)
        self.ambiguous = ambiguous


class Mailer(Protocol):
    async def send(self, mail: OutgoingMail) -> str:
        """Hands the mail over and returns the service's message id. The service knows no idempotency: claim
        the key in the database first."""
        ...


class MailTemplates(Protocol):
    @property
    def environment(self) -> Environment:
        """In which each file of a mail is a template, by its name such as ``welcome/body.txt``."""
        ...


class MessageRecord(Protocol):
    """What is not known for certain is None, and nothing here takes long."""

    async def sender_of(
        self, *, workflow_id: str, run_id: str, message: str, update_id: str | None = None, events: int = 0
    ) -> str | None:
        """The identity of whoever sent the update of this id; or, without one, a signal of this name that was taken
        in when the history of the run had so many ``events``."""
        ...

    async def canceller_of(self, *, workflow_id: str, run_id: str) -> str | None:
        """The identity of whoever asked that a run be cancelled."""
        ...
