"""Every setting, its default, and how its text is read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import pycountry
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from config import hosts, oidc
from config.development import (
    DEV_API_KEYS,
    DEV_CHAIN_KEYS,
    DEV_PAYLOAD_KEYS,
    DEV_SENDGRID_API_KEY,
    DEV_SENDGRID_WEBHOOK_PUBLIC_KEY,
    DEV_STRIPE_API_KEY,
    DEV_STRIPE_WEBHOOK_SECRET,
)
from config.logo import read_logo
from config.problems import SettingsProblem
from engine.codec import PayloadKeys
from engine.connect import TASK_QUEUE, EngineAddress
from engine.event_key import EventKey
from models.sealed import RowKeys
from rules.accounts.oidc import TrustedFactor
from rules.accounts.programs import KEY_ROLES
from rules.chain import ChainKeys
from rules.enums import Role
from rules.local_time import find_zone
from rules.logo import Logo
from rules.mail.colours import HOUSE, colour
from rules.money.receipts import Letterhead
from rules.policy import JourneyPolicy


@dataclass(frozen=True)
class ApiKey:
    """A service key: who holds it (``name``), as what (``role``)."""

    role: Role
    name: str
    secret: SecretStr


def _from_text(read: Callable[[str], object]) -> BeforeValidator:
    """A value that is written as one text, and read by this; ``read`` raises ValueError with a sentence."""
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def _api_keys(text: str) -> tuple[ApiKey, ...]:
    keys: list[ApiKey] = []
    for number, entry in enumerate((part.strip() for part in text.split(",") if part.strip()), start=1):
        role, _, rest = entry.partition(":")
        name, _, secret = rest.partition(":")
        if not (role and name and secret):
            raise ValueError(f"entry {number} is not role:name:secret")
        if role not in KEY_ROLES:
            raise ValueError(f"entry {number} has the role {role!r}, which is none of {', '.join(KEY_ROLES)}")
        if any(name == known.name for known in keys):
            raise ValueError(f"the name {name!r} is given twice")
        if any(secret == known.secret.get_secret_value() for known in keys):
            raise ValueError(f"{name!r} has the same secret as another name")
        keys.append(ApiKey(Role(role), name, SecretStr(secret)))
    if not keys:
        raise ValueError("at least one key is needed, as role:name:secret")
    return tuple(keys)


def _chain_keys(text: str) -> ChainKeys:
    return ChainKeys(PayloadKeys.parse(text).keys)  # written in the same form


def _postgres_url(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not re.match(r"postgres(ql)?://", value.get_secret_value()):
        raise ValueError("it must start with postgresql://")
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise ValueError("it is not an e-mail address")
    return value


def _no_or_address(value: str | None) -> str | None:
    return None if value is None else _address(value)


def _time_zone(value: str) -> str:
    if find_zone(value) is None:
        raise ValueError("it is not the name of a time zone, such as America/New_York")
    return value


def _country(code: str) -> str:
    if not pycountry.countries.get(alpha_2=code):
        raise ValueError("it is not a country's code of two capital letters, such as US")
    return code


def _countries(text: str) -> str:
    codes = list(dict.fromkeys(part.strip().upper() for part in text.split(",") if part.strip()))
    if not all(pycountry.countries.get(alpha_2=code) for code in codes):
        raise ValueError("it must name countries by their ISO codes, separated by commas, such as US,CA")
    return ",".join(codes)


def _web(value: str | None) -> str | None:
    if value is not None and not re.match(r"https?://[^/\s]+", value):
        raise ValueError("it must start with http:// or https://")
    return value.rstrip("/") if value else None


def _build_name(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", value):
        raise ValueError("it may have letters, digits, dots, hyphens and underscores, 100 at most")
    return value


def _folder(value: Path | None) -> Path | None:
    if value is not None and not value.is_dir():
        raise ValueError(f"{value} is no folder")
    return value


Port = Annotated[int, Field(ge=1, le=65535)]
WebAddress = Annotated[str | None, AfterValidator(_web)]
MailAddress = Annotated[str, AfterValidator(_address)]
BuildName = Annotated[str | None, AfterValidator(_build_name)]


class Settings(BaseSettings):
    """Every setting; see docs/production.md. Read them with :func:`read_settings`."""

    model_config = SettingsConfigDict(
        extra="ignore",
        frozen=True,
        arbitrary_types_allowed=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    environment: Literal["development", "production"] = "development"
    database_url: Annotated[SecretStr | None, AfterValidator(_postgres_url)] = None
    database_owner_url: Annotated[SecretStr | None, AfterValidator(_postgres_url)] = None

    stripe_api_key: SecretStr = SecretStr(DEV_STRIPE_API_KEY)
    stripe_api_base: WebAddress = None
    stripe_webhook_secret: SecretStr = SecretStr(DEV_STRIPE_WEBHOOK_SECRET)
    sendgrid_api_key: SecretStr = SecretStr(DEV_SENDGRID_API_KEY)
    sendgrid_api_host: WebAddress = None
    sendgrid_webhook_public_key: Annotated[EventKey, NoDecode, _from_text(EventKey.parse)] = Field(
        default=DEV_SENDGRID_WEBHOOK_PUBLIC_KEY, validate_default=True
    )
    email_from: MailAddress = "care@practice.example"

    api_keys: Annotated[tuple[ApiKey, ...], NoDecode, _from_text(_api_keys)] = Field(
        default=DEV_API_KEYS, validate_default=True
    )
    payload_keys: Annotated[PayloadKeys, NoDecode, _from_text(PayloadKeys.parse)] = Field(
        default=DEV_PAYLOAD_KEYS, validate_default=True
    )
    chain_keys: Annotated[ChainKeys, NoDecode, _from_text(_chain_keys)] = Field(
        default=DEV_CHAIN_KEYS, validate_default=True
    )
    anchor_email: Annotated[str | None, AfterValidator(_no_or_address)] = None
    anchor_file: Path | None = None

    api_host: str = "127.0.0.1"
    api_port: Port = 8000
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, _from_text(hosts.allowed_hosts)] = ()
    trusted_proxies: Annotated[tuple[hosts.Network, ...], NoDecode, _from_text(hosts.networks)] = ()
    api_docs: bool | None = None
    private_network: bool = False
    staff_second_factor: Literal["optional", "required"] = "optional"
    oidc_issuer: Annotated[str | None, AfterValidator(oidc.issuer)] = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_audience: str | None = None
    oidc_second_factor: Annotated[tuple[TrustedFactor, ...], NoDecode, _from_text(oidc.trusted_factors)] = ()
    google_calendar_client_id: str | None = None
    google_calendar_client_secret: SecretStr | None = None
    google_calendar_base: WebAddress = None
    outlook_calendar_client_id: str | None = None
    outlook_calendar_client_secret: SecretStr | None = None
    outlook_calendar_tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,100}$")] = "common"
    outlook_calendar_base: WebAddress = None
    temporal_port: Port = 7233
    temporal_ui_port: Port = 8233
    sandbox_port: Port = 8400
    web_port: Port = 8080
    data_dir: Path = Path(".data")
    public_url: WebAddress = None
    staff_url: WebAddress = None
    temporal_ui_url: WebAddress = None
    api_public_url: WebAddress = None
    practice_name: str = "Care Journeys"
    practice_address: str = ""
    practice_logo: Annotated[Logo | None, NoDecode, _from_text(lambda text: read_logo(Path(text)))] = None
    practice_colour: Annotated[str, AfterValidator(colour)] = HOUSE
    practice_country: Annotated[str, AfterValidator(_country)] = "US"
    practice_state: str = ""
    practice_tax_id: str = ""
    practice_time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    practice_countries: Annotated[str, AfterValidator(_countries)] = ""
    insurance_email: MailAddress = "insurance@practice.example"
    care_team_email: MailAddress = "care-team@practice.example"
    mail_templates: Annotated[Path | None, AfterValidator(_folder)] = None

    otel_exporter_otlp_endpoint: WebAddress = None
    otel_exporter_otlp_traces_endpoint: WebAddress = None
    otel_sdk_disabled: bool = False

    temporal_task_queue: str = TASK_QUEUE
    worker_host: str = "127.0.0.1"
    worker_port: Port | None = None
    worker_cached_workflows: Annotated[int, Field(ge=0)] = 1000
    worker_deployment: BuildName = None
    worker_build_id: BuildName = None
    worker_holds_patches: bool = False
    time_travel_address: str | None = None
    codec_origins: str = ""

    policy: Annotated[JourneyPolicy, NoDecode] = JourneyPolicy()
    engine: Annotated[EngineAddress, NoDecode] = EngineAddress()

    @property
    def row_keys(self) -> RowKeys:
        """By which rows are sealed at rest."""
        return RowKeys(self.payload_keys.keys)

    @property
    def countries(self) -> tuple[str, ...]:
        """In whose states clients live: the practice's own first."""
        return tuple(
            dict.fromkeys(code for code in (self.practice_country, *self.practice_countries.split(",")) if code)
        )

    @property
    def letterhead(self) -> Letterhead:
        return Letterhead(
            name=self.practice_name,
            address=self.practice_address,
            country=self.practice_country,
            state=self.practice_state,
            tax_id=self.practice_tax_id,
        )

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def traces(self) -> bool:
        """Whether traces are sent, by OpenTelemetry's own settings."""
        there = self.otel_exporter_otlp_traces_endpoint or self.otel_exporter_otlp_endpoint
        return bool(there) and not self.otel_sdk_disabled

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def stripe_base(self) -> str | None:
        """Where Stripe is: the setting, else the stand-in for the development key, else Stripe (None)."""
        stand_in = self.stripe_api_key.get_secret_value() == DEV_STRIPE_API_KEY
        return self.stripe_api_base or (f"{self.sandbox_url}/stripe" if stand_in else None)

    @property
    def sendgrid_host(self) -> str | None:
        """Where SendGrid is, by the same rule as for Stripe."""
        stand_in = self.sendgrid_api_key.get_secret_value() == DEV_SENDGRID_API_KEY
        return self.sendgrid_api_host or (f"{self.sandbox_url}/sendgrid" if stand_in else None)

    @property
    def site_url(self) -> str:
        """What mails link to, without a slash at the end."""
        return self.public_url or f"http://localhost:{self.web_port}"  # passkeys refuse an address that is a number

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """What the API may be called by, without ports."""
        site = urlsplit(self.public_url or "").hostname or ""
        local = () if self.production else ("localhost", "127.0.0.1", "::1")
        named = (name for host in (site, self.api_host, *local) for name in hosts.names_of(host))
        return tuple(dict.fromkeys((*self.allowed_hosts, *named)))

    @property
    def shows_docs(self) -> bool:
        """Whether the API's description can be read: away from production, unless said otherwise."""
        return not self.production if self.api_docs is None else self.api_docs

    @property
    def staff_site_url(self) -> str:
        """Where the practice's own pages are, without a slash at the end."""
        return self.staff_url or f"{self.site_url}/staff"

    @property
    def temporal_ui(self) -> str | None:
        """Where the workflows of this namespace are seen in the Temporal UI; None where that is not known."""
        local = None if self.production or self.time_travel_address else f"http://localhost:{self.temporal_ui_port}"
        url = self.temporal_ui_url or local
        return f"{url}/namespaces/{self.engine.namespace}/workflows" if url else None

    @property
    def trusts_ui(self) -> bool:
        """Whether the Temporal UI reads payloads by its address alone: away from production, and where nobody but this
        machine reaches the API, since any program can say where it comes from."""
        return not self.production and hosts.is_this_machine(self.api_host)

    @property
    def calls_private_addresses(self) -> bool:
        """Whether an address that somebody gives, to be called or fetched from, may be plain http and private: on a
        private network, and away from production, where this machine plays all parts."""
        return self.private_network or not self.production

    @property
    def ui_origins(self) -> tuple[str, ...]:
        """Web origins from which the Temporal UI may ask the codec endpoint."""
        given = tuple(part.strip().rstrip("/") for part in self.codec_origins.split(",") if part.strip())
        local = tuple(f"http://{host}:{self.temporal_ui_port}" for host in ("127.0.0.1", "localhost"))
        return given if self.production else (*given, *local)

    @property
    def database(self) -> str:
        """The database's URL. Raises SettingsProblem when there is none: that needs the local stack."""
        if self.database_url is None:
            raise SettingsProblem(["DATABASE_URL is not set: give one, or start the local stack with `make run`."])
        return self.database_url.get_secret_value()

    @property
    def owners_database(self) -> str:
        """The URL by which migrations are run: in development the programs' own, unless another is given.

        Raises SettingsProblem when there is none."""
        if self.database_owner_url is not None:
            return self.database_owner_url.get_secret_value()
        if self.production:
            raise SettingsProblem(["DATABASE_OWNER_URL must be set to migrate: the programs' own role owns no table."])
        return self.database


def half_versioned(settings: Settings) -> list[str]:
    if (settings.worker_deployment is None) == (settings.worker_build_id is None):
        return []
    return ["WORKER_DEPLOYMENT and WORKER_BUILD_ID belong together: set both, or neither."]
