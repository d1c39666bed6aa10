"""The end of a round: what is there, beside what has to be."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

SESSIONS = 6
REMINDERS = 2  # before each session
REMINDER, RECEIPT = "appointment_reminder", "receipt"


@dataclass(frozen=True, kw_only=True)
class SessionSeen:
    """A session as the practice's rows have it, with its payment, if it has one."""

    email: str
    status: str
    payment_id: str | None = None
    paid: bool = False
    due_at: datetime | None = None
    paid_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SentMail:
    """A mail as it arrived. ``key`` is its reason: two with one key are one mail sent twice."""

    to: str
    template: str
    key: str


@dataclass(frozen=True, kw_only=True)
class RoundEnd:
    """How often something is not as it has to be. ``reminders_in_doubt``: did not arrive, and the practice's rows
    say that nobody knows, as the worker was killed while they were on their way."""

    sessions_wrong: int = 0
    charges_missing: int = 0
    charges_doubled: int = 0
    charges_unwanted: int = 0
    receipts_missing: int = 0
    receipts_doubled: int = 0
    reminders_missing: int = 0
    reminders_in_doubt: int = 0
    reminders_doubled: int = 0
    mails_unwanted: int = 0

    @property
    def whole(self) -> bool:
        return not any(getattr(self, field.name) for field in fields(self))

    def said(self) -> str:
        wrong = [(field.name.replace("_", " "), getattr(self, field.name)) for field in fields(self)]
        return ", ".join(f"{count} {name}" for name, count in wrong if count) or "nothing lost, nothing doubled"


def ending(
    *,
    clients: Mapping[str, bool],
    sessions: Sequence[SessionSeen],
    charged: Collection[str],
    mails: Sequence[SentMail],
    in_doubt: Collection[SentMail] = (),
) -> RoundEnd:
    """Compare.

    Args:
        clients: by address, whether they were archived before the first session.
        sessions: all of theirs.
        charged: the payment ids of the intents that succeeded at Stripe, one for each intent.
        mails: all that arrived.
        in_doubt: those of which the practice's rows say that they may have been sent.
    """
    wrong = missing = doubled = unwanted = 0
    times = Counter(charged)
    of = {email: [one for one in sessions if one.email == email] for email in clients}
    for email, archived in clients.items():
        wanted = "cancelled" if archived else "occurred"
        found = of[email]
        wrong += sum(one.status != wanted for one in found) + abs(SESSIONS - len(found))
        for one in found:
            count = times.pop(one.payment_id, 0) if one.payment_id else 0
            unwanted += count if archived else 0
            if not archived:
                missing += not (count and one.paid)
                doubled += max(0, count - 1)
    unwanted += sum(times.values())
    receipts, reminders = (
        _mails(clients, mails, RECEIPT, SESSIONS),
        _mails(clients, mails, REMINDER, SESSIONS * REMINDERS),
    )
    arrived = {(mail.to, mail.key) for mail in mails}
    doubtful = sum(
        one.template == REMINDER and not clients.get(one.to, True) and (one.to, one.key) not in arrived
        for one in in_doubt
    )
    return RoundEnd(
        sessions_wrong=wrong,
        charges_missing=missing,
        charges_doubled=doubled,
        charges_unwanted=unwanted,
        receipts_missing=receipts[0],
        receipts_doubled=receipts[1],
        reminders_missing=reminders[0] - doubtful,
        reminders_in_doubt=doubtful,
        reminders_doubled=reminders[1],
        mails_unwanted=reminders[2] + receipts[2],
    )


def _mails(clients: Mapping[str, bool], mails: Sequence[SentMail], template: str, each: int) -> tuple[int, int, int]:
    """Missing, doubled, and sent to those who were archived."""
    missing = doubled = unwanted = 0
    for email, archived in clients.items():
        keys = [mail.key for mail in mails if mail.template == template and mail.to == email]
        if archived:
            unwanted += len(keys)
            continue
        missing += max(0, each - len(set(keys)))
        doubled += len(keys) - len(set(keys))
    return missing, doubled, unwanted


def lateness(sessions: Sequence[SessionSeen]) -> list[float]:
    """Seconds from when a charge was due until it was noted as paid, in order; NaN if none was."""
    late = sorted((one.paid_at - one.due_at) / timedelta(seconds=1) for one in sessions if one.paid_at and one.due_at)
    return late or [float("nan")]
