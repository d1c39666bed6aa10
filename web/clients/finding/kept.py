"""What the browser keeps of the matching form: sealed, so that nobody reads or changes it there."""

import json
from typing import Any

from cryptography.fernet import InvalidToken
from starlette.responses import Response

from web.edge.keys import box
from web.page import Page

_KEPT = 24 * 3600  # seconds


def kept(page: Page, cookie: str) -> dict[str, Any]:
    """Nothing, when it was sealed with another key or is too old."""
    sealed = page.cookies.get(page.request, cookie)
    if sealed is None:
        return {}
    try:
        found = json.loads(box(page.settings, cookie).decrypt(sealed.encode(), ttl=_KEPT))
    except (InvalidToken, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keep(page: Page, response: Response, cookie: str, what: dict[str, Any]) -> None:
    page.cookies.put(response, cookie, box(page.settings, cookie).encrypt(json.dumps(what).encode()).decode())
