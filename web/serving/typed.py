"""What was typed into a form that could not be taken: kept in the page that says so, and sent again from there.

Nothing secret and no file is in it. Over a sign-in it goes sealed, since it passes through another form.
"""

import json

from cryptography.fernet import InvalidToken
from starlette.responses import Response

from web.edge.forgery import FIELD
from web.edge.keys import box
from web.page import NotOurs, Page
from web.sent import Sent

_GOOD = 3600  # seconds
_NOT_TYPED = frozenset({"once", "do", "next"})

Typed = list[tuple[str, str]]


async def typed_in(page: Page) -> Typed | None:
    """The fields of the form, if a page of ours sent one, whoever had signed in then."""
    if page.request.method != "POST":
        return None
    try:
        sent: Sent | None = await page.form()
    except NotOurs as not_ours:
        sent = not_ours.typed
    return sent.kept(but=FIELD) if sent is not None else None


def worth_keeping(typed: Typed | None) -> bool:
    return any(value for name, value in typed or () if name not in _NOT_TYPED)


def seal(page: Page, typed: Typed) -> str:
    return box(page.settings, "typed").encrypt(json.dumps([page.path, typed]).encode()).decode()


def again(page: Page, sealed: str) -> Response | None:
    """For whoever has just signed in again: what they had typed, to be sent. None, if it is too old or none of ours."""
    try:
        path, typed = json.loads(box(page.settings, "typed").decrypt(sealed.encode(), ttl=_GOOD))
    except (InvalidToken, UnicodeEncodeError):
        return None
    return page.show("again.html", path=path, kept=typed, since="You are signed in again.")
