"""Keys of the pages' own, each for one purpose, all from the site's key: every process of the site has the same."""

import hmac
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet

from web.settings import WebSettings


def derived(settings: WebSettings, purpose: str) -> bytes:
    """32 bytes."""
    return hmac.new(settings.site_api_key.get_secret_value().encode(), f"pages/{purpose}".encode(), "sha256").digest()


def box(settings: WebSettings, purpose: str) -> Fernet:
    """Seals what a browser keeps for us and nobody is to read or change there."""
    return Fernet(urlsafe_b64encode(derived(settings, purpose)))
