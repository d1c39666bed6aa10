"""Made-up contexts to render mails from: one that has everything, what can be taken out of it, and how a mail may meet
its reader. Who words mails looks at them, and each mail is checked with them.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

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
from rules.mail.terms import Stopped
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

PAYMENT = MailPayment(
    reference="pay_1",
    kind="session",
    total=USD_120,
    appointment_starts_at=START,
    card_charged=MailMoney(amount=10000, currency="usd"),
    credit_used=MailMoney(amount=2000, currency="usd"),
    card_brand="Visa",
    card_last4="4242",
    deadline=START + timedelta(hours=49),
)
OWED = replace(PAYMENT, deadline=None, owed=True)
TRIED_AGAIN = START + timedelta(hours=31)
CARD = MailCard(brand="visa", last4="4242", exp_month=3, exp_year=2027)
LINK_TO_STOP = LINKS.unsubscribe("WyJhIl0.sig_n-ed")
NAMES = ("Sara", "Lind", "Nadia", "Osei")
"""Of the people in them."""


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
    unsubscribe_link=LINK_TO_STOP,
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
    payment=PAYMENT,
    pay_link=LINKS.payment("p1"),
    receipt=RECEIPT,
    card=CARD,
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


def each_way(template: str) -> Iterator[tuple[str, MailContext]]:
    """What a mail may be made of, in words and as a context."""
    yield "with everything", FULL
    yield "with no more than it needs", barest(template)
    yield "with four appointments", replace(FULL, appointments=weekly(4))
    yield "with an intro call", replace(FULL, appointments=(INTRO,), offer=replace(OFFER, type=INTRO.type))
    yield "with a late cancellation", replace(FULL, appointments=(LATE,), change="cancelled")
    yield "with two cancellations, one of them late", replace(FULL, appointments=weekly(2, late=1), change="cancelled")
    yield "with four late cancellations", replace(FULL, appointments=weekly(4, late=4), change="cancelled")
    yield "with a year of weeks", replace(FULL, appointments=weekly(52, late=3))
    yield "with the last offer", replace(FULL, offer=replace(OFFER, last=True))
    yield "with forms that are waited for later", replace(FULL, forms_gate=False)
    yield "with a payment that is tried again", replace(FULL, payment=replace(PAYMENT, tried_again_at=TRIED_AGAIN))
    yield "with a payment that is owed", replace(FULL, payment=OWED)
    yield "with an amount that no card can pay", replace(FULL, payment=replace(OWED, can_be_paid=False))
    yield "with a card that is over", replace(FULL, card=replace(CARD, over=True))
    yield "with no link to unsubscribe", replace(FULL, unsubscribe_link=LINK_TO_STOP if is_stopped(template) else None)
    yield "of a test client", replace(FULL, test=True)
    yield "in another zone", replace(FULL, time_zone="Asia/Kathmandu")


def is_stopped(template: str) -> bool:
    """Whether each mail of this kind has a link to unsubscribe."""
    return kind_of(template).stopped is Stopped.ALWAYS
