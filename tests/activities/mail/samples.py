"""Contexts to render mails from: one full one, and what can be taken out of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.mail.context import (
    MailAnchor,
    MailAppointment,
    MailApproval,
    MailCard,
    MailContext,
    MailMoney,
    MailOffer,
    MailPayment,
    MailTask,
    MailTherapist,
)
from activities.practice import Links, Practice
from rules.mail.kinds import kind_of
from rules.money.fees import Money
from rules.money.receipts import Letterhead, Licence, Practitioner, Receipt, Stated

START = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)  # 09:00 in New York
JOIN = "https://meet.example/room?id=7&key=a"
LINKS = Links(public_url="https://practice.example/")
USD_120 = MailMoney(amount=12000, currency="usd")

INTRO = MailAppointment(
    id="intro-1", type="intro_call", starts_at=START, ends_at=START + timedelta(minutes=15), mode="phone"
)
SESSION = MailAppointment(
    id="session-1",
    type="session",
    starts_at=START,
    ends_at=START + timedelta(minutes=50),
    mode="video",
    join_url=JOIN,
    fee=USD_120,
    previous_starts_at=START - timedelta(days=1),
)
LATE = replace(SESSION, late_fee=USD_120)
OFFER = MailOffer(
    type="session", starts_at=START, ends_at=START + timedelta(minutes=50), held_until=START - timedelta(days=3)
)


def weekly(count: int, *, late: int = 0) -> tuple[MailAppointment, ...]:
    """So many a week apart, each a day later than it was; the first ``late`` of them cost a fee."""
    return tuple(
        replace(
            LATE if k < late else SESSION,
            id=f"s{k}",
            starts_at=SESSION.starts_at + timedelta(weeks=k),
            ends_at=SESSION.ends_at + timedelta(weeks=k),
            previous_starts_at=SESSION.starts_at + timedelta(weeks=k, days=-1),
        )
        for k in range(count)
    )


HARBOUR = Letterhead(name="Harbour Practice", address="1 Quay, Albany, NY 12203", tax_id="12-3456789")
RECEIPT = Receipt(
    number="3F2A-91C0-77DE",
    stated=Stated(
        practice=HARBOUR,
        therapist=Practitioner(
            name="Dr. Nadia Osei", credentials="PhD", licences=(Licence(state="NY", number="012345"),)
        ),
        client_name="Sara Lind",
        client_ref="AB23CD45EF",
        time_zone="America/New_York",
    ),
    service="Therapy session, 50 minutes",
    starts_at=START,
    paid_at=START + timedelta(hours=25),
    fee=Money(12000, "USD"),
    credit=2000,
)

FULL = MailContext(
    recipient_name="Sara",
    time_zone="America/New_York",
    practice=Practice(
        letterhead=HARBOUR,
        care_team_email="care@practice.example",
        insurance_email="cover@practice.example",
    ),
    link=LINKS.activation("tok&en/1") + "?from=mail&again=1",
    link_expires_at=START + timedelta(days=7),
    unsubscribe_link=LINKS.unsubscribe("WyJhIl0.sig_n-ed"),
    client_name="Sara Lind",
    therapist=MailTherapist(name="Dr. Nadia Osei", licensed_in=("NY", "NJ", "CT")),
    appointments=(replace(SESSION, notice="48 hours"),),
    forms=("Informed Consent & Confidentiality", "Billing Info"),
    forms_gate=True,
    forms_due=START + timedelta(days=14),
    check_insurance=True,
    change="moved",
    changed_by_client=True,
    offer=OFFER,
    payment=MailPayment(
        reference="pay_1",
        kind="session",
        total=USD_120,
        appointment_starts_at=START,
        card_charged=MailMoney(amount=10000, currency="usd"),
        credit_used=MailMoney(amount=2000, currency="usd"),
        card_brand="Visa",
        card_last4="4242",
    ),
    receipt=RECEIPT,
    card=MailCard(brand="visa", last4="4242", exp_month=3, exp_year=2027),
    task=MailTask(title="Match by hand", text="Nobody fits this client.", client_ref="C-1042"),
    anchor=MailAnchor(number=7, date="2026-12-01", chains=120, line='{"anchor":7,"root":"0f"}'),
    approval=MailApproval(asked_by="Maria", act="write_off", amount=USD_120, lapses_at=START + timedelta(days=7)),
    factor_change="added",
    opened="the private notes",
)


def barest(template: str) -> MailContext:
    """Only what this mail cannot do without."""
    bare = MailContext(recipient_name="", time_zone="UTC", practice=FULL.practice)
    return replace(bare, **{part: getattr(FULL, part) for part in kind_of(template).parts})


def without(context: MailContext, part: str) -> MailContext:
    nothing: Any = () if isinstance(getattr(context, part), tuple) else None
    return replace(context, **{part: nothing})
