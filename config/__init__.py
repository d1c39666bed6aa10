"""The settings, read from the environment once, by the programs and the migrations alone.

Everything has a default that works on one machine. ``ENVIRONMENT=production`` takes no default for anything secret or
public, and refuses the development values, weak secrets and plain connections; every problem is named at once.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from config import connections, hosts, strength
from engine.codec import PayloadKeys
from engine.connect import TASK_QUEUE, EngineAddress
from engine.event_key import EventKey
from rules.chain import ChainKeys
from rules.enums import Role
from rules.local_time import find_zone
from rules.policy import JourneyPolicy

# Development values are public: they protect nothing, and production refuses them.
DEV_API_KEYS = "booking_site:site:dev-booking-site,care_team:desk:dev-care-team,admin:root:dev-admin"
DEV_PAYLOAD_KEYS = "dev:Y2FyZS1qb3VybmV5cy1kZXZlbG9wbWVudC1rZXktMzI="  # "care-journeys-development-key-32"
DEV_CHAIN_KEYS = "dev:Y2FyZS1qb3VybmV5cy1kZXZlbG9wbWVudC1jaGFpbi0="  # "care-journeys-development-chain-"
DEV_STRIPE_API_KEY = "sk_test_care_journeys_development"
DEV_STRIPE_WEBHOOK_SECRET = "whsec_care_journeys_development"  # noqa: S105 - public, as said above
DEV_SENDGRID_API_KEY = "SG.care_journeys_development"
DEV_SENDGRID_WEBHOOK_PUBLIC_KEY = (  # of the stand-in's key pair
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEWA8ULxjBFTNeh0ToVzg3d2uqxhasHQzT91DAm2s705LwoiFNJ7h1fWKKu9bCauvtGYM/BuQZh8c"
    "mJ43xNincw=="
)
KEY_ROLES = (Role.BOOKING_SITE, Role.CARE_TEAM, Role.ADMIN)


class SettingsProblem(ValueError):
    """Settings that cannot be used: ``problems`` has one sentence each, naming the variable and no secret."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


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


def _web(value: str | None) -> str | None:
    if value is not None and not re.match(r"https?://[^/\s]+", value):
        raise ValueError("it must start with http:// or https://")
    return value.rstrip("/") if value else None


Port = Annotated[int, Field(ge=1, le=65535)]
WebAddress = Annotated[str | None, AfterValidator(_web)]
MailAddress = Annotated[str, AfterValidator(_address)]


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
    api_docs: bool | None = None
    private_network: bool = False
    temporal_port: Port = 7233
    temporal_ui_port: Port = 8233
    sandbox_port: Port = 8400
    data_dir: Path = Path(".data")
    public_url: WebAddress = None
    staff_url: WebAddress = None
    practice_name: str = "Care Journeys"
    practice_time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    insurance_email: MailAddress = "insurance@practice.example"
    care_team_email: MailAddress = "care-team@practice.example"

    temporal_task_queue: str = TASK_QUEUE
    worker_cached_workflows: Annotated[int, Field(ge=0)] = 1000
    time_travel_address: str | None = None
    codec_origins: str = ""

    policy: Annotated[JourneyPolicy, NoDecode] = JourneyPolicy()
    engine: Annotated[EngineAddress, NoDecode] = EngineAddress()

    @property
    def production(self) -> bool:
        return self.environment == "production"

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
        return self.public_url or f"http://127.0.0.1:{self.api_port}"

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


def _sentence(detail: Mapping[str, Any]) -> str:
    name = str(detail["loc"][0]).upper() if detail["loc"] else "The settings"
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "literal_error":
        message = f"it must be {detail['ctx']['expected']}"
    return f"{name} cannot be used: {message[:1].lower()}{message[1:]}."


def _read_engine(environment: Mapping[str, str]) -> EngineAddress:
    port = environment.get("TEMPORAL_PORT") or "7233"
    try:
        return EngineAddress.from_environment(environment, default_address=f"127.0.0.1:{port}")
    except (ValueError, RuntimeError, OSError) as error:
        raise SettingsProblem([f"The TEMPORAL_* settings cannot be used: {error}."]) from None


def _read_policy(environment: Mapping[str, str]) -> JourneyPolicy:
    prefix = "POLICY__"
    readers = {field.name: _POLICY_READERS[field.type] for field in fields(JourneyPolicy) if field.name != "time_zone"}
    given: dict[str, Any] = {}
    problems = []
    for variable in sorted(name for name in environment if name.upper().startswith(prefix)):
        name = variable[len(prefix) :].lower()
        if name not in readers:
            problems.append(f"{variable} is no setting of the policy; there are {', '.join(sorted(readers))}.")
            continue
        try:
            given[name] = readers[name](environment[variable].strip())
        except ValueError as error:
            problems.append(f"{variable} cannot be used: {error}.")
    if problems:
        raise SettingsProblem(problems)
    try:
        policy = JourneyPolicy(**given)
    except ValueError as error:  # its first word is the field
        name, _, why = str(error).partition(" ")
        raise SettingsProblem([f"{prefix}{name.upper()} {why}."]) from None
    if policy.charge_after > policy.charge_deadline:
        raise SettingsProblem(["POLICY__CHARGE_AFTER must not be longer than POLICY__CHARGE_DEADLINE."])
    return policy


def _whole_number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _duration(text: str) -> timedelta:
    try:
        # Only the ISO form: a bare number would not say of what, and a sign would mean the past.
        return TypeAdapter(timedelta).validate_python(text if text.startswith("P") else "")
    except ValidationError:
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as PT48H, P1D or PT5S") from None


def _durations(text: str) -> tuple[timedelta, ...]:
    return tuple(_duration(part.strip()) for part in text.split(",") if part.strip())


_POLICY_READERS: Mapping[Any, Callable[[str], Any]] = {
    int: _whole_number,
    timedelta: _duration,
    tuple[timedelta, ...]: _durations,
}


_NEEDED_IN_PRODUCTION = {
    "DATABASE_URL": "production has no embedded database",
    "TEMPORAL_ADDRESS": "production has no embedded Temporal",
    "STRIPE_API_KEY": "the development key reaches only the stand-in",
    "STRIPE_WEBHOOK_SECRET": "without it anybody could report a payment",
    "SENDGRID_API_KEY": "the development key reaches only the stand-in",
    "SENDGRID_WEBHOOK_PUBLIC_KEY": "without it anybody could report a bounce",
    "EMAIL_FROM": "mails need a sender of yours",
    "API_KEYS": "the development keys are public",
    "PAYLOAD_KEYS": "the development key is public",
    "CHAIN_KEYS": "with the development key anybody could forge the timeline",
    "PUBLIC_URL": "mails link to it",
    "INSURANCE_EMAIL": "mails name it",
    "CARE_TEAM_EMAIL": "tasks are mailed to it",
}


def _role(url: SecretStr | None) -> str | None:
    return urlsplit(url.get_secret_value()).username if url is not None else None


def _refused_in_production(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    given = {name.upper() for name, value in environment.items() if value}
    if settings.engine.address != f"127.0.0.1:{settings.temporal_port}":
        given.add("TEMPORAL_ADDRESS")  # by a profile of the SDK's
    missing = [f"{name} must be set: {why}." for name, why in _NEEDED_IN_PRODUCTION.items() if name not in given]
    if not given & {"ANCHOR_EMAIL", "ANCHOR_FILE"}:
        missing.append(
            "ANCHOR_EMAIL or ANCHOR_FILE must be set: a timeline that ends early is found by its anchors alone."
        )

    refused = _public(settings)
    if settings.database_owner_url is not None and _role(settings.database_owner_url) == _role(settings.database_url):
        refused["DATABASE_URL"] = "its role is that of DATABASE_OWNER_URL, and the programs must own no table"
    if settings.time_travel_address:
        refused["TIME_TRAVEL_ADDRESS"] = "the clock cannot be moved in production"
    for name, why in _weak(settings):
        refused.setdefault(name, why)
    if not settings.private_network:
        url = settings.database if settings.database_url else ""
        for name, why in connections.unprotected(url, settings.engine, environment):
            refused[name] = f"{why}; {connections.REMEDIES[name]}"
    web = {
        "PUBLIC_URL": settings.public_url,
        "STAFF_URL": settings.staff_url,
        "STRIPE_API_BASE": settings.stripe_api_base,
        "SENDGRID_API_HOST": settings.sendgrid_api_host,
    }
    refused.update(
        {name: "it must start with https://" for name, url in web.items() if (url or "").startswith("http://")}
    )
    return missing + [
        f"{name} is refused in production: {because}." for name, because in refused.items() if name in given
    ]


def _public(settings: Settings) -> dict[str, str]:
    """Values for development or for tests, which anybody has: each with why it is refused."""
    public_secrets = {entry.rpartition(":")[2] for entry in DEV_API_KEYS.split(",")}
    public_names = [key.name for key in settings.api_keys if key.secret.get_secret_value() in public_secrets]
    public_key = PayloadKeys.parse(DEV_PAYLOAD_KEYS).current[1]
    public_chain_key = PayloadKeys.parse(DEV_CHAIN_KEYS).current[1]
    refused: dict[str, str] = {}
    if re.match(r"(sk|rk)_test_", settings.stripe_api_key.get_secret_value()):
        refused["STRIPE_API_KEY"] = "it is a test key, which moves no money"
    if settings.stripe_webhook_secret.get_secret_value() == DEV_STRIPE_WEBHOOK_SECRET:
        refused["STRIPE_WEBHOOK_SECRET"] = "the development value is public"  # noqa: S105 - a sentence
    if settings.sendgrid_api_key.get_secret_value() == DEV_SENDGRID_API_KEY:
        refused["SENDGRID_API_KEY"] = "the development key is public"
    if settings.sendgrid_webhook_public_key.text == DEV_SENDGRID_WEBHOOK_PUBLIC_KEY:
        refused["SENDGRID_WEBHOOK_PUBLIC_KEY"] = "whoever has this code can sign for the development key"
    if public_names:
        refused["API_KEYS"] = f"the development keys are public ({', '.join(public_names)})"
    if any(key == public_key for _, key in settings.payload_keys.keys):
        refused["PAYLOAD_KEYS"] = "the development key is public"
    if any(key == public_chain_key for _, key in settings.chain_keys.keys):
        refused["CHAIN_KEYS"] = "the development key is public"
    return refused


def _weak(settings: Settings) -> Iterator[tuple[str, str]]:
    """Secrets that could be guessed, each with why; of several in one setting, the first."""
    for key in settings.api_keys:
        if why := strength.weak_secret(key.secret.get_secret_value()):
            yield "API_KEYS", f"the secret of {key.name!r}: {why}"
    for setting, keys in (("PAYLOAD_KEYS", settings.payload_keys), ("CHAIN_KEYS", settings.chain_keys)):
        for id_, key_bytes in keys.keys:
            if why := strength.weak_key(key_bytes):
                yield setting, f"the key {id_!r}: {why}"
    vendors = {
        "STRIPE_API_KEY": settings.stripe_api_key,
        "STRIPE_WEBHOOK_SECRET": settings.stripe_webhook_secret,
        "SENDGRID_API_KEY": settings.sendgrid_api_key,
    }
    for name, secret in vendors.items():
        if why := strength.weak_secret(secret.get_secret_value()):
            yield name, why


def _refused_without_environment(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """What nobody has for development by chance: then it must be said which of the two this is."""
    foreign = ", ".join(connections.foreign_hosts(settings.database, environment)) if settings.database_url else ""
    signs = {
        "STRIPE_API_KEY is a live key": re.match(r"(sk|rk)_live_", settings.stripe_api_key.get_secret_value()),
        f"DATABASE_URL leads to {foreign}": foreign,
        f"API_HOST is {settings.api_host}": not hosts.is_this_machine(settings.api_host),
    }
    return [
        f"ENVIRONMENT must be set, to production or to development: {sign}." for sign, there in signs.items() if there
    ]


def ways_out(settings: Settings, *, serving: bool = False) -> list[str]:
    """For the log at the start in production: what is plain, and why it was let through. ``serving`` is the API."""
    if not settings.production:
        return []
    said = connections.let_through(
        settings.database, settings.engine, os.environ, private_network=settings.private_network
    )
    if serving and not hosts.is_this_machine(settings.api_host):
        said.append(f"API_HOST: plain HTTP on {settings.api_host}; what ends TLS in front must be alone with it")
    return said


def read_settings() -> Settings:
    """The settings, from the environment.

    Raises SettingsProblem naming every variable that is wrong, missing or refused.
    """
    problems: list[str] = []
    given: dict[str, Any] = {}
    for name, reader in (("policy", _read_policy), ("engine", _read_engine)):
        try:
            given[name] = reader(os.environ)
        except SettingsProblem as error:
            problems += error.problems
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsProblem(problems + [_sentence(detail) for detail in error.errors()]) from None
    if settings.production:
        problems += _refused_in_production(settings, os.environ)
    elif "environment" not in settings.model_fields_set:
        problems += _refused_without_environment(settings, os.environ)
    if problems:
        raise SettingsProblem(problems)
    policy = replace(settings.policy, time_zone=settings.practice_time_zone)
    return settings.model_copy(update={"policy": policy})


def settings_or_exit() -> Settings:
    """For programs: prints each problem as a sentence and exits with 2 when the settings cannot be used."""
    try:
        return read_settings()
    except SettingsProblem as error:
        leave(error)


def leave(error: SettingsProblem) -> NoReturn:
    """Print the sentences and exit with 2."""
    for problem in error.problems:
        print(problem, file=sys.stderr)  # noqa: T201 - a person started the program
    sys.exit(2)
