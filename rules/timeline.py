"""The timeline: what a fact can be about, and what of it its place in the client's chain is signed over."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from rules.chain import instant
from rules.enums import OfferEnd, PaymentStatus


class FactKind(StrEnum):
    """What a fact of a client's timeline is about. A payment's facts are named after the status that it then has."""

    JOURNEY_STARTED = "journey_started"
    MATCHED = "matched"
    REMATCHED = "rematched"
    NOBODY_FITS = "nobody_fits"
    JOURNEY_CLOSED = "journey_closed"
    JOURNEY_RESUMED = "journey_resumed"
    EPOCH_BEGAN = "epoch_began"
    RECORD_JOINED = "record_joined"
    JOINED_INTO = "joined_into"
    DETAILS_CHANGED = "details_changed"
    GROUP_CHANGED = "group_changed"
    PORTAL_SETTINGS_CHANGED = "portal_settings_changed"
    UNSUBSCRIBED = "unsubscribed"
    SUBSCRIBED = "subscribed"
    ACCOUNT_ACTIVATED = "account_activated"
    ACCOUNT_PASSWORD_CHANGED = "account_password_changed"  # noqa: S105 - a kind
    ACCOUNT_LOCKED = "account_locked"
    ACCOUNT_UNLOCKED = "account_unlocked"
    SECOND_FACTOR_ADDED = "second_factor_added"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    TASK_OPENED = "task_opened"
    TASK_RESOLVED = "task_resolved"
    BOOKED = "booked"
    APPOINTMENT_CANCELLED = "appointment_cancelled"
    APPOINTMENT_RESCHEDULED = "appointment_rescheduled"
    LINKS_CHANGED = "links_changed"
    OUTCOME_RECORDED = "outcome_recorded"
    OUTCOME_CORRECTED = "outcome_corrected"
    OUTCOME_UNMARKED = "outcome_unmarked"
    OUTCOME_BREACH = "outcome_breach"
    FORMS_GATE_OPENED = "forms_gate_opened"
    FORMS_INCOMPLETE_AT_START = "forms_incomplete_at_start"
    WAITLIST_JOINED = "waitlist_joined"
    WAITLIST_WISH_CHANGED = "waitlist_wish_changed"
    WAITLIST_LEFT = "waitlist_left"
    TIME_OFFERED = "time_offered"
    OFFER_BOOKED = "offer_booked"
    OFFER_RAN_OUT = "offer_ran_out"
    OFFER_DECLINED = "offer_declined"
    OFFER_WITHDRAWN = "offer_withdrawn"
    FORMS_REQUESTED = "forms_requested"
    FORM_REQUESTED = "form_requested"
    FORM_GATES = "form_gates"
    FORM_COMPLETED = "form_completed"
    PAYMENT_SCHEDULED = "payment_scheduled"
    PAYMENT_PROCESSING = "payment_processing"
    PAYMENT_PAID = "payment_paid"
    PAYMENT_REQUIRES_ACTION = "payment_requires_action"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_OWED = "payment_owed"
    PAYMENT_CANCELLED = "payment_cancelled"
    PAYMENT_WAIVED = "payment_waived"
    PAYMENT_WRITTEN_OFF = "payment_written_off"
    PAYMENT_REFUNDED = "payment_refunded"
    PAYMENT_PARTIALLY_REFUNDED = "payment_partially_refunded"
    PAYMENT_RETRY_ASKED = "payment_retry_asked"
    CHARGE_BREACH = "charge_breach"
    CARD_SAVED = "card_saved"
    CARD_RENEWED = "card_renewed"
    CARD_REMOVED = "card_removed"
    CARD_SETUP_UNFINISHED = "card_setup_unfinished"
    CUSTOMER_DELETED = "customer_deleted"
    CREDIT_GRANTED = "credit_granted"
    CREDIT_REVERSED = "credit_reversed"
    REFUND_BEGUN = "refund_begun"
    REFUND_MADE = "refund_made"
    REFUND_FAILED = "refund_failed"
    REFUND_FOUND = "refund_found"
    REFUND_REFUSED = "refund_refused"
    APPROVAL_ASKED = "approval_asked"
    APPROVAL_REFUSED = "approval_refused"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_CHANGED = "dispute_changed"
    DISPUTE_CLOSED = "dispute_closed"
    OPENING_BEGUN = "opening_begun"
    OPENING_ENDED = "opening_ended"
    DOCUMENT_SHARED = "document_shared"
    DOCUMENT_UNSHARED = "document_unshared"
    NOTE_SHARED = "note_shared"
    NOTE_UNSHARED = "note_unshared"
    GOAL_SET = "goal_set"
    GOAL_CHANGED = "goal_changed"
    GOAL_COMPLETED = "goal_completed"
    GOAL_REOPENED = "goal_reopened"
    ARCHIVED = "archived"
    UNARCHIVED = "unarchived"
    CANCELLATION_ASKED = "cancellation_asked"
    MAIL_SENT = "mail_sent"
    MAIL_UNCERTAIN = "mail_uncertain"
    MAIL_UNDELIVERABLE = "mail_undeliverable"

    @classmethod
    def of_payment(cls, status: PaymentStatus) -> "FactKind":
        return cls(f"payment_{status.value}")

    @classmethod
    def of_offer(cls, end: OfferEnd) -> "FactKind":
        return cls(f"offer_{end.value}")


def clear_of(*, at: datetime, actor: str, kind: str) -> dict[str, str]:
    """What a fact's signature covers as it stands."""
    return {"at": instant(at), "actor": actor, "kind": kind}


def content_of(*, text: str, data: Mapping[str, Any], words: str | None) -> dict[str, Any]:
    """What it covers by its digest. ``words`` are a person's own, which stand beside the fact; None where nobody said
    anything."""
    return {"text": text, "data": dict(data), **({"words": words} if words is not None else {})}


def chain_of(client_id: object) -> str:
    """The name of a client's chain, which every signature in it covers."""
    return f"timeline:{client_id}"
