"""What every made-up practice has, on whatever floor it is built: people, hours, senders, secrets."""

from typing import Any

from argon2 import PasswordHasher

from activities.base import Dependencies
from activities.gateways.calendars.sources import calendar_sources
from activities.gateways.outbound.door import Door
from activities.gateways.simulated import SimulatedGateway
from activities.ports import Mailer, PaymentGateway
from activities.practice import Links, Practice
from api.settings import ApiSettings, ServiceKey
from config.development import DEV_SENDGRID_WEBHOOK_PUBLIC_KEY
from engine.clock import Clock
from engine.codec import PayloadKeys
from engine.event_key import EventKey
from engine.signed_links import SignedLinks
from engine.vouching import Vouching
from models.database import Sessions
from models.sealed import RowKeys
from rules.accounts import vouching
from rules.chain import ChainKeys
from rules.enums import Role
from rules.forms.intake import STANDARD_FEE_POLICY
from rules.forms.wording import worded
from rules.mail import unsubscribe
from rules.money.receipts import Letterhead
from rules.money.terms import Terms
from rules.policy import JourneyPolicy

Json = dict[str, Any]

SITE_KEY, DESK_KEY, OFFICE_KEY, ADMIN_KEY = "site-key", "desk-key", "office-key", "root-key"
LETTERHEAD = Letterhead(
    name="Riverside Practice", address="12 Elm Street, Albany, NY 12203", state="NY", tax_id="12-3456789"
)
CARE_TEAM_EMAIL = "care@practice.example"
EMAIL_FROM = "hello@practice.example"
WEBHOOK_SECRET = "whsec_tests"
CHAIN_KEYS = ChainKeys((("tests", bytes(range(32))),))
ROW_KEYS = RowKeys((("tests", bytes(range(1, 33))),))
FIRST_FEE_POLICY = "1"  # the version with which every database begins
FIRST_FEE_POLICY_TEXT = worded(STANDARD_FEE_POLICY.body, Terms.of(JourneyPolicy()))
HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # a quick one
_DOOR = Door(private=True)
EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def weekly_hours(
    begins: str = "00:00", until: str = "24:00", types: tuple[str, ...] = ("intro_call", "session")
) -> list[Json]:
    """The same hours on each day of the week, as the API takes them."""
    return [{"weekday": day, "from": begins, "to": until, "types": [*types]} for day in EVERY_DAY]


def details(name: str = "Sara", **more: Any) -> Json:
    """A client's details, complete, with an address of their own."""
    return {
        "first_name": name,
        "last_name": "Lind",
        "email": f"{name.lower()}@example.com",
        "phone": "+12125550100",
        "time_zone": "America/New_York",
    } | more


def dependencies(
    *,
    sessions: Sessions,
    clock: Clock,
    payments: PaymentGateway,
    mailer: Mailer,
    keys: PayloadKeys,
    public_url: str,
    **more: Any,
) -> Dependencies:
    """What the activities stand on."""
    outward: dict[str, Any] = {"door": _DOOR, "calendar_sources": calendar_sources(_DOOR)}
    return Dependencies(
        sessions=sessions,
        clock=clock,
        payments=payments,
        simulated_payments=SimulatedGateway(),
        mailer=mailer,
        links=Links(public_url=public_url),
        practice=Practice(
            letterhead=LETTERHEAD,
            care_team_email=CARE_TEAM_EMAIL,
            insurance_email="insurance@practice.example",
        ),
        email_from=EMAIL_FROM,
        link_key=b"tests",
        unsubscribe_links=SignedLinks(keys, unsubscribe.PURPOSE),
        vouching=Vouching(keys, vouching.PURPOSE),
        **(outward | more),
    )


# For crowds that one program lets in within a minute, and people who are mailed more in a day than a stranger would be.
NO_LIMITS: dict[str, Any] = {
    "holds_per_visitor": 1000,
    "holds_per_calendar": 100,
    "journeys_per_visitor": 1000,
    "unconfirmed_bookings_per_visitor": 1000,
    "mails_per_address": 1000,
}


def api_settings(public_url: str, policy: JourneyPolicy, **more: Any) -> ApiSettings:
    keys = (
        (Role.BOOKING_SITE, "site", SITE_KEY),
        (Role.CARE_TEAM, "desk", DESK_KEY),
        (Role.CARE_TEAM, "office", OFFICE_KEY),
        (Role.ADMIN, "root", ADMIN_KEY),
    )
    return ApiSettings(
        public_url=public_url,
        staff_url=f"{public_url}/staff",
        email_from=EMAIL_FROM,
        care_team_email=CARE_TEAM_EMAIL,
        service_keys=tuple(ServiceKey(role=role, name=name, secret=secret) for role, name, secret in keys),
        letterhead=LETTERHEAD,
        allowed_hosts=("api", "localhost", "127.0.0.1"),
        docs=True,
        test_addresses=True,
        stripe_webhook_secret=WEBHOOK_SECRET,
        mail_event_key=EventKey.parse(DEV_SENDGRID_WEBHOOK_PUBLIC_KEY),
        policy=policy,
        **more,
    )
