"""Forms that other sites send (CSRF): each of ours carries a mark that only a page of ours knows.

The mark is made from a random cookie and from who is signed in, so that one from before a sign-in, or of another
person, is none. A browser that says where a form comes from (``Sec-Fetch-Site``, ``Origin``) is heard first.
https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import hmac
import secrets
from urllib.parse import urlsplit

from starlette.requests import Request

from web.edge.cookies import CLIENT, FORGERY, STAFF, Cookies
from web.edge.keys import derived

FIELD = "mark"


def new_cookie() -> str:
    return secrets.token_urlsafe(32)


def mark(request: Request, cookies: Cookies, cookie: str) -> str:
    """What a form carries."""
    who = (cookies.get(request, CLIENT) or "", cookies.get(request, STAFF) or "")
    return hmac.new(derived(cookies.settings, "forgery"), "\n".join((cookie, *who)).encode(), "sha256").hexdigest()


def is_ours(request: Request, cookies: Cookies, given: str | None) -> bool:
    """Whether a page of ours sent it."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    own = {urlsplit(url)[:2] for url in (cookies.settings.site_url, cookies.settings.staff_site_url)}
    if origin not in (None, "null") and urlsplit(origin)[:2] not in own:
        return False
    cookie = cookies.get(request, FORGERY)
    return bool(cookie and given) and hmac.compare_digest(mark(request, cookies, cookie or ""), given or "")
