"""Where Stripe and banks send a client back to."""

from typing import Annotated

from pydantic import Field

from api.edge.return_addresses import lies_below
from api.problems import wrong_fields
from api.settings import ApiSettings

ReturnUrl = Annotated[str, Field(max_length=500, description="Below PUBLIC_URL or STAFF_URL.")]


def must_be_ours(settings: ApiSettings, wanted: str | None) -> str | None:
    """The address, if it is one of the pages'. Raises Refused."""
    if wanted is None or any(lies_below(wanted, base) for base in (settings.public_url, settings.staff_url)):
        return wanted
    raise wrong_fields([("return_url", "must lie below PUBLIC_URL or STAFF_URL")])
