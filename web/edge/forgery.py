"""Forms that other sites send (CSRF): each of ours carries a mark that only a page of ours knows.

The mark is made from a random cookie and from who is signed in, so that one from before a sign-in, or of another
person, is none. Its second half is made from the cookie alone: it tells such a form from one of another site, so that
what was typed can be offered to be sent again. A browser that says where a form comes from (``Sec-Fetch-Site``,
``Origin``) is heard first.
https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request

from web.edge.cookies import CLIENT, FORGERY, STAFF, Cookies
from web.edge.keys import derived

FIELD = "mark"


def new_cookie() -> str:
    return secrets.token_urlsafe(32)


def mark(request: Request, cookies: Cookies, cookie: str, *, to_be: Mapping[str, str] | None = None) -> str:
    """What a form carries. ``to_be``: tokens by side that this answer sets."""
    tokens = {side: cookies.get(request, side) or "" for side in (CLIENT, STAFF)} | dict(to_be or {})
    return f"{_hash(cookies, cookie, *tokens.values())}.{_of_browser(cookies, cookie)}"


def is_ours(request: Request, cookies: Cookies, given: str | None) -> bool:
    """Whether a page of ours sent it, and nobody has signed in or out since."""
    cookie = cookies.get(request, FORGERY)
    if not (cookie and given and _from_here(request, cookies)):
        return False
    return hmac.compare_digest(mark(request, cookies, cookie), given)


def is_of_this_browser(request: Request, cookies: Cookies, given: str | None) -> bool:
    """Whether a page of ours in this browser sent it, whoever had signed in then."""
    cookie = cookies.get(request, FORGERY)
    if not (cookie and given and _from_here(request, cookies)):
        return False
    return hmac.compare_digest(_of_browser(cookies, cookie), given.rpartition(".")[2])


def _from_here(request: Request, cookies: Cookies) -> bool:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    own = {urlsplit(url)[:2] for url in (cookies.settings.site_url, cookies.settings.staff_site_url)}
    return origin in (None, "null") or urlsplit(origin)[:2] in own


def _of_browser(cookies: Cookies, cookie: str) -> str:
    return _hash(cookies, "browser", cookie)


def _hash(cookies: Cookies, *parts: str) -> str:
    return hmac.new(derived(cookies.settings, "forgery"), "\n".join(parts).encode(), "sha256").hexdigest()
