"""What the API is told when it is put together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from urllib.parse import quote

from api.edge.proxies import Network
from engine.event_key import EventKey
from rules.accounts.oidc import TrustedFactor
from rules.booking.calendar_vendors import CalendarVendor
from rules.enums import CalendarKind, Role
from rules.logo import Logo
from rules.money.receipts import Letterhead
from rules.policy import JourneyPolicy
from rules.settings import SettingInForce


@dataclass(frozen=True, kw_only=True)
class ServiceKey:
    """A program's key: its role (booking site, care team or admin), its name, and the secret it sends."""

    role: Role
    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class OidcSettings:
    """By which provider staff may sign in (OpenID Connect). ``issuer`` is written as in its tokens. ``audience`` is
    that of its access tokens. ``trusted`` is what counts as a second factor. Browsers come back to an address below
    ``staff_url``, which has no slash at its end."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    audience: str
    staff_url: str
    trusted: tuple[TrustedFactor, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ApiSettings:
    """``public_url`` and ``staff_url``, where the practice's people sign in, have no slash at their end. ``email_from``
    is the organizer in calendar files, as in those of mails, and ``care_team_email`` gets the mails of test clients
    that a program made. ``mail_event_key`` fits what the mail service signs its
    events with; without one no event is believed. ``allowed_hosts`` are the names, without ports, that a request may
    be meant for. ``https_only`` tells browsers so. Behind ``trusted_proxies`` alone whoever asks is taken from what
    these say. ``docs`` shows the description of the API and the page for it. The ``letterhead`` heads
    papers, below the ``logo``, and its name tells an authenticator app whose its codes are. ``countries`` are
    ISO 3166-1 codes, the practice's own first: in whose states clients live. ``staff_second_factor``: people of the
    practice must have a second factor.
    ``ui_origins`` are where the Temporal UI is served from; ``trust_ui`` lets those read payloads without a token,
    which is for one machine alone, and refused where ``https_only``. ``admins_are_persons`` refuses keys with the role
    admin once an admin has an account. ``test_addresses``: an address may end in ``.test``, at which no mail
    arrives. ``private_addresses``: one that is given to be called may be plain http and
    private. ``calendar_vendors``: where therapists can connect a calendar. ``in_force`` are all settings, to be shown.
    ``temporal_ui``: below it a workflow is seen by its id."""

    public_url: str
    staff_url: str
    email_from: str
    care_team_email: str
    service_keys: tuple[ServiceKey, ...]
    allowed_hosts: tuple[str, ...]
    letterhead: Letterhead
    stripe_webhook_secret: str = field(repr=False)
    mail_event_key: EventKey | None = None
    trusted_proxies: tuple[Network, ...] = ()
    logo: Logo | None = None
    policy: JourneyPolicy = field(default_factory=JourneyPolicy)
    countries: tuple[str, ...] = ("US",)
    staff_second_factor: bool = False
    https_only: bool = False
    test_addresses: bool = False
    in_force: tuple[SettingInForce, ...] = ()
    temporal_ui: str | None = None
    docs: bool = False
    ui_origins: tuple[str, ...] = ()
    trust_ui: bool = False
    admins_are_persons: bool = False
    private_addresses: bool = False
    oidc: OidcSettings | None = None
    calendar_vendors: Mapping[CalendarKind, CalendarVendor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.trust_ui and self.https_only:
            raise ValueError("in production nobody reads payloads by the address of the UI alone")

    def seen_in_ui(self, workflow_id: str) -> str | None:
        return f"{self.temporal_ui}/{quote(workflow_id, safe='')}" if self.temporal_ui else None

    @cached_property
    def digest(self) -> str:
        """The same for the same settings, whoever runs with them. Some are lists, so there is no hash to go by."""
        return sha256(repr(self).encode()).hexdigest()

    @property
    def names_of_keys(self) -> tuple[str, ...]:
        return tuple(key.name for key in self.service_keys)
