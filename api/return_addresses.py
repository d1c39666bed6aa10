"""Where a browser is sent back to from elsewhere: an address of the pages, and no other."""

import re
from typing import Annotated

from pydantic import Field

from api.problems import wrong_fields
from api.settings import ApiSettings

_PLAIN = re.compile(r"[A-Za-z0-9._~:/?\[\]!$&'()*+,;=%-]*")
_UPWARDS = re.compile(r"/(\.|%2e){1,2}(?=[/?]|$)", re.IGNORECASE)  # what a browser takes out of a path

ReturnUrl = Annotated[str, Field(max_length=500, description="Below PUBLIC_URL or STAFF_URL.")]


def lies_below(wanted: str, base: str) -> bool:
    """Whether an address is this one of ours, or lies below it, however a browser reads it."""
    if not base or _PLAIN.fullmatch(wanted) is None or _UPWARDS.search(wanted):
        return False
    return wanted == base or wanted.startswith((f"{base}/", f"{base}?"))


def must_be_ours(settings: ApiSettings, wanted: str | None) -> str | None:
    """The address, if it is one of the pages'. Raises Refused."""
    if wanted is None or any(lies_below(wanted, base) for base in (settings.public_url, settings.staff_url)):
        return wanted
    raise wrong_fields([("return_url", "must lie below PUBLIC_URL or STAFF_URL")])
