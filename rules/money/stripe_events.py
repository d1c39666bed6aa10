"""What Stripe can tell of the objects that the product uses, and what is done about it: one row an event.

No event is believed: whatever is acted on is fetched from Stripe again, so that it does not matter how late, how often
and in which order they come. Where nothing is done, the row says why.
"""

from collections.abc import Mapping
from enum import StrEnum


class Reaction(StrEnum):
    """What is looked at again, and so what may change."""

    PAYMENT = "payment"
    REFUND = "refund"
    CHARGE_REFUNDS = "charge_refunds"
    DISPUTE = "dispute"
    CARD = "card"
    CUSTOMER = "customer"
    SETUP = "setup"
    SESSION = "session"


class Ignored(StrEnum):
    """Why nothing is done, in a sentence."""

    OURS = "It is the echo of what this product has just done itself."
    TRY = "The try that runs hears it as the answer to its own question."
    ASKED = "The next try looks at the intent before it acts, and makes another one if it must."
    TWIN = "Another event tells the same."
    NO_MONEY = "It says that nothing has moved, or may move later."
    UNUSED = "The product uses nothing of this kind."
    FORM = "A card counts with the billing form, which asks Stripe itself."


ACTED_UPON: Mapping[str, tuple[Reaction, str]] = {
    "payment_intent.succeeded": (
        Reaction.PAYMENT,
        "The payment is paid if it waited for it; else a person is asked.",
    ),
    "charge.refunded": (Reaction.CHARGE_REFUNDS, "Every refund of that charge is looked at, as if it had been told."),
    "charge.refund.updated": (Reaction.REFUND, "The refund's end is recorded; one that failed gives its room back."),
    "refund.created": (Reaction.REFUND, "A refund made in the dashboard is written down at once."),
    "refund.updated": (Reaction.REFUND, "The refund's end is recorded; one that failed gives its room back."),
    "refund.failed": (
        Reaction.REFUND,
        "It has failed: its room is given back, and a task says what can be done.",
    ),
    "charge.dispute.created": (
        Reaction.DISPUTE,
        "A dispute holds up charges and opens a task; an inquiry opens one.",
    ),
    "charge.dispute.updated": (Reaction.DISPUTE, "How it stands is recorded; an inquiry that became a dispute is one."),
    "charge.dispute.funds_withdrawn": (Reaction.DISPUTE, "The same: this is how an inquiry becomes a dispute."),
    "charge.dispute.funds_reinstated": (Reaction.DISPUTE, "How it stands is recorded."),
    "charge.dispute.closed": (
        Reaction.DISPUTE,
        "The end is recorded, and in the task; an inquiry's task closes.",
    ),
    "payment_method.detached": (Reaction.CARD, "The card is no client's saved card any more."),
    "payment_method.updated": (Reaction.CARD, "The saved card is shown as it is now."),
    "payment_method.automatically_updated": (Reaction.CARD, "The saved card is shown as its bank has renewed it."),
    "customer.deleted": (Reaction.CUSTOMER, "Customer and card are forgotten; the next setup makes a new customer."),
    "setup_intent.setup_failed": (Reaction.SETUP, "It is told that a card was tried, and that the bank said no."),
    "setup_intent.requires_action": (Reaction.SETUP, "It is told that a card waits for the client at the bank."),
    "setup_intent.canceled": (Reaction.SETUP, "It is told that the saving of a card was given up."),
    "checkout.session.completed": (Reaction.SESSION, "The card that was saved on Stripe's page is taken over."),
    "checkout.session.expired": (Reaction.SESSION, "The page is closed; the next request makes another one."),
}

IGNORED: Mapping[str, Ignored] = {
    "payment_intent.created": Ignored.OURS,
    "payment_intent.canceled": Ignored.ASKED,
    "payment_intent.payment_failed": Ignored.TRY,
    "payment_intent.processing": Ignored.TRY,
    "payment_intent.requires_action": Ignored.TRY,
    "payment_intent.amount_capturable_updated": Ignored.UNUSED,
    "payment_intent.partially_funded": Ignored.UNUSED,
    "charge.succeeded": Ignored.TWIN,
    "charge.failed": Ignored.TRY,
    "charge.pending": Ignored.NO_MONEY,
    "charge.updated": Ignored.NO_MONEY,
    "charge.captured": Ignored.UNUSED,
    "charge.expired": Ignored.UNUSED,
    "setup_intent.created": Ignored.OURS,
    "setup_intent.succeeded": Ignored.FORM,
    "payment_method.attached": Ignored.FORM,
    "customer.created": Ignored.OURS,
    "customer.updated": Ignored.NO_MONEY,
    "checkout.session.async_payment_failed": Ignored.UNUSED,
    "checkout.session.async_payment_succeeded": Ignored.UNUSED,
    **dict.fromkeys(
        (
            "customer.discount.created",
            "customer.discount.deleted",
            "customer.discount.updated",
            "customer.source.created",
            "customer.source.deleted",
            "customer.source.expiring",
            "customer.source.updated",
            "customer.subscription.created",
            "customer.subscription.deleted",
            "customer.subscription.paused",
            "customer.subscription.pending_update_applied",
            "customer.subscription.pending_update_expired",
            "customer.subscription.resumed",
            "customer.subscription.trial_will_end",
            "customer.subscription.updated",
            "customer.tax_id.created",
            "customer.tax_id.deleted",
            "customer.tax_id.updated",
        ),
        Ignored.UNUSED,
    ),
}


def act_on(event: str) -> Reaction | None:
    """What is to be looked at again; None for what changes nothing here."""
    acted = ACTED_UPON.get(event)
    return acted[0] if acted else None
