"""The settings of the pages; docs/production.md has them all."""

from collections.abc import Iterator
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Literal, NamedTuple, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from web.looks.colour import readable_colour

_DEV_KEY = "dev-booking-site"
_LEAST_SECRET, _LEAST_DIFFERENT = 32, 10  # as the API demands of the keys of its programs

Network = IPv4Network | IPv6Network


class WrongSettings(ValueError):
    """Settings that cannot be used: ``problems`` has one sentence each, naming the variable and no secret."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _address(value: str | None) -> str | None:
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it must start with http:// or https://")
    return value.rstrip("/")


def _of_the_site(value: str | None) -> str | None:
    if (address := _address(value)) is not None and urlsplit(address).path:
        raise ValueError("it has a path, and the pages stand at the root of their host")
    return address


def _networks(text: object) -> object:
    if not isinstance(text, str):
        return text
    found = tuple(_network(part.strip()) for part in text.split(",") if part.strip())
    for network in found:
        if network.prefixlen == 0:
            raise ValueError(f"{network} is every address: then anybody could say who they are")
    return found


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is no address or network, such as 10.0.0.0/8") from None


class DemoPerson(NamedTuple):
    """Who can sign in on a local stack."""

    role: str
    email: str


def _people(text: object) -> object:
    if not isinstance(text, str):
        return text
    pairs = [part.strip().partition(":") for part in text.split(",") if part.strip()]
    if not all(role and email for role, _, email in pairs):
        raise ValueError("it must be role:address, separated by commas")
    return tuple(DemoPerson(role, email) for role, _, email in pairs)


def _time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("it is not the name of a time zone, such as America/New_York")
    return value


def _rooms(value: str | None) -> str | None:
    if value is not None and (not value.startswith(("https://", "http://")) or "{room}" not in value):
        raise ValueError("it must be an address with {room} in it, such as https://meet.example/{room}")
    return value


WebAddress = Annotated[str | None, AfterValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


class WebSettings(BaseSettings):
    """Read them with :func:`read_settings`. ``oidc_issuer``: that there is a provider at which staff sign in.
    ``time_travel``: the API's clock can be moved; its ``/dev/clock`` is then asked for the time. ``demo_people``,
    ``demo_password``: of a local stack, for its start page."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    environment: Literal["development", "production"] = "development"
    web_host: str = "127.0.0.1"
    web_port: Port = 8080
    api_port: Port = 8000
    sandbox_port: Port = 8400
    api_url: WebAddress = None
    public_url: Annotated[str | None, AfterValidator(_of_the_site)] = None
    staff_url: WebAddress = None
    private_network: bool = False
    site_api_key: SecretStr = SecretStr(_DEV_KEY)
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = ()
    practice_name: str = "Care Journeys"
    practice_colour: Annotated[str | None, AfterValidator(readable_colour)] = None
    practice_time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    oidc_issuer: str | None = None
    video_room_url: Annotated[str | None, AfterValidator(_rooms)] = None
    otel_exporter_otlp_endpoint: WebAddress = None
    otel_exporter_otlp_traces_endpoint: WebAddress = None
    otel_sdk_disabled: bool = False
    time_travel: bool = False
    demo_people: Annotated[tuple[DemoPerson, ...], NoDecode, BeforeValidator(_people)] = ()
    demo_password: str = ""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.staff_site_url == self.site_url:
            raise ValueError("STAFF_URL cannot be used: it is PUBLIC_URL, whose pages are the clients'.")
        return self

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def traces(self) -> bool:
        """Whether traces are sent, by OpenTelemetry's own settings."""
        there = self.otel_exporter_otlp_traces_endpoint or self.otel_exporter_otlp_endpoint
        return bool(there) and not self.otel_sdk_disabled

    @cached_property
    def api_address(self) -> str:
        return self.api_url or f"http://127.0.0.1:{self.api_port}"

    @cached_property
    def site_url(self) -> str:
        """Passkeys refuse an address that is a number: locally it has a name."""
        return self.public_url or f"http://localhost:{self.web_port}"

    @cached_property
    def staff_site_url(self) -> str:
        return self.staff_url or f"{self.site_url}/staff"

    @cached_property
    def staff_path(self) -> str:
        """Of the staff's pages, where they lie under the site's own address."""
        return urlsplit(self.staff_site_url).path.rstrip("/")


def read_settings() -> WebSettings:
    """Of the environment. Raises WrongSettings."""
    try:
        settings = WebSettings()
    except ValidationError as error:
        raise WrongSettings([_sentence(one["loc"], one["msg"]) for one in error.errors()]) from None
    if settings.production and (problems := list(_refused(settings))):
        raise WrongSettings(problems)
    return settings


def refusals() -> list[str]:
    """What speaks against the settings of the environment, one sentence each."""
    try:
        read_settings()
    except WrongSettings as wrong:
        return wrong.problems
    return []


def _sentence(where: tuple[int | str, ...], said: str) -> str:
    said = said.removeprefix("Value error, ")
    if not where:
        return said
    return f"{str(where[0]).upper()} cannot be used: {said[:1].lower()}{said[1:].rstrip('.')}."


def _refused(settings: WebSettings) -> Iterator[str]:
    """What production does not take, each with why."""
    secret = settings.site_api_key.get_secret_value()
    if secret == _DEV_KEY:
        yield "SITE_API_KEY must be set: the development key is public."
    elif len(secret) < _LEAST_SECRET or len(set(secret)) < _LEAST_DIFFERENT:
        yield (
            "SITE_API_KEY is refused in production: it could be guessed. "
            f"It needs at least {_LEAST_SECRET} characters, at least {_LEAST_DIFFERENT} of them different."
        )
    if settings.public_url is None:
        yield "PUBLIC_URL must be set: forms that come from elsewhere are told by it."
    if settings.api_url is None:
        yield "API_URL must be set: nothing is shown without the API."
    elif _is_heard(settings.api_url, settings):
        yield "API_URL is refused in production: everything would go over the wire in clear; use https://."
    for name, address in (
        ("OTEL_EXPORTER_OTLP_ENDPOINT", settings.otel_exporter_otlp_endpoint),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", settings.otel_exporter_otlp_traces_endpoint),
    ):
        if address is not None and _is_heard(address, settings):
            yield f"{name} is refused in production: traces would go over the wire in clear; use https://."
    for name, address in (("PUBLIC_URL", settings.public_url), ("STAFF_URL", settings.staff_url)):
        if address is not None and not address.startswith("https://"):
            yield f"{name} is refused in production: cookies are sent by https:// alone."
    if settings.time_travel:
        yield "TIME_TRAVEL is refused in production: nobody moves its clock."
    if settings.demo_people:
        yield "DEMO_PEOPLE is refused in production: nobody signs in there by a password that is shown."


def _is_heard(address: str, settings: WebSettings) -> bool:
    """Whether others may hear what is said on the way there."""
    if address.startswith("https://") or settings.private_network:
        return False
    return not _is_this_machine(urlsplit(address).hostname or "")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
