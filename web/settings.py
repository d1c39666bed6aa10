"""The settings of the pages; docs/production.md has them all."""

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from web.looks.colour import readable_colour

_DEV_KEY = "dev-booking-site"

Network = IPv4Network | IPv6Network


def _address(value: str | None) -> str | None:
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it must start with http:// or https://")
    return value.rstrip("/")


def _networks(text: object) -> object:
    if not isinstance(text, str):
        return text
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


WebAddress = Annotated[str | None, AfterValidator(_address)]


class WebSettings(BaseSettings):
    """``time_travel``: the API's clock can be moved; its ``/dev/clock`` is then asked for the time."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    environment: Literal["development", "production"] = "development"
    web_host: str = "127.0.0.1"
    web_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    api_port: Annotated[int, Field(ge=1, le=65535)] = 8000
    api_url: WebAddress = None
    public_url: WebAddress = None
    staff_url: WebAddress = None
    site_api_key: SecretStr = SecretStr(_DEV_KEY)
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = ()
    practice_name: str = "The practice"
    practice_colour: Annotated[str | None, AfterValidator(readable_colour)] = None
    practice_time_zone: str = "UTC"
    video_room_url: str | None = None
    time_travel: bool = False

    @model_validator(mode="after")
    def _for_production(self) -> Self:
        if not self.production:
            return self
        if self.site_api_key.get_secret_value() == _DEV_KEY:
            raise ValueError("SITE_API_KEY is the development key: make a key for the site")
        for name in ("public_url", "api_url"):
            if getattr(self, name) is None:
                raise ValueError(f"{name.upper()} is missing")
        if not self.site_url.startswith("https://"):
            raise ValueError("PUBLIC_URL must start with https://: cookies are sent by https alone")
        return self

    @property
    def production(self) -> bool:
        return self.environment == "production"

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
