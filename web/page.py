"""A page as its route sees it: the API for whoever looks, their zone, and how it is shown or gone on from."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import Depends, Request
from jinja2 import Environment
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from web.asking.api import Asking, Json
from web.asking.problems import ApiRefused, ApiUnreachable
from web.edge import cookies as names
from web.edge import forgery
from web.edge.cookies import Cookies
from web.edge.visitors import visitor_of
from web.home import pages_of
from web.looks.words import known_zone
from web.sent import Sent
from web.settings import WebSettings

_YEAR = 365 * 24 * 3600


class NotOurs(Exception):
    """A form that no page of ours sent, or one from before a sign-in (``typed`` then: what it has in it)."""

    def __init__(self, typed: "Sent | None" = None) -> None:
        super().__init__()
        self.typed = typed


class SignInFirst(Exception):
    """Behind a sign-in that is not there, or no longer good."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A client who is not activated yet, and the pass that opens what they may do."""

    client_id: str
    token: str


@dataclass(kw_only=True)
class Page:
    request: Request
    settings: WebSettings
    cookies: Cookies
    environment: Environment
    api: Asking
    side: str
    visit: Visit | None
    signed_in: bool
    zone: str
    token_to_be: str | None = None  # of a sign-in that this answer begins
    _me: Json | None = field(default=None, init=False)

    async def me(self) -> Json:
        """Who has signed in, asked once a page. Raises SignInFirst."""
        self.must_be_signed_in()
        if self._me is None:
            self._me = await self.api.get("/v1/me")
        return self._me or {}

    async def known(self) -> None:
        """Asks who has signed in, for the navigation of a page that can do without."""
        with suppress(ApiRefused, ApiUnreachable, SignInFirst):
            await self.me()

    @property
    def base(self) -> str:
        """Where the pages of this side begin: nothing for clients."""
        return self.settings.staff_path if self.side == names.STAFF else ""

    # ---------------------------------------------------------------- what was sent

    async def form(self) -> "Sent":
        """What the form has. Raises NotOurs unless a page of ours sent it."""
        data = await self.request.form()
        given = data.get(forgery.FIELD)
        mark = given if isinstance(given, str) else None
        if forgery.is_ours(self.request, self.cookies, mark):
            return Sent(data)
        known = forgery.is_of_this_browser(self.request, self.cookies, mark)
        raise NotOurs(Sent(data) if known else None)

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    def must_be_signed_in(self) -> None:
        if not self.signed_in:
            raise SignInFirst

    # ---------------------------------------------------------------- what is answered

    def show(
        self,
        template: str,
        *,
        status: int = 200,
        sent: "Sent | None" = None,
        refused: ApiRefused | None = None,
        **values: Any,
    ) -> Response:
        """``sent``: what was typed, which is kept. ``refused``: what the API would not do; shown at the top, and
        beside its fields."""
        cookie = self.cookies.get(self.request, names.FORGERY) or forgery.new_cookie()
        to_be = {self.side: self.token_to_be} if self.token_to_be else None
        html = self.environment.get_template(template).render(
            **values,
            sent=sent or Sent(FormData()),
            page=self,
            base=self.base,
            pages=pages_of(self.side, (self._me or {}).get("roles", [])) if self.signed_in else [],
            me=self._me,
            settings=self.settings,
            zone=self.zone,
            forgery_mark=forgery.mark(self.request, self.cookies, cookie, to_be=to_be),
            once=_once(sent, refused),
            refused=refused,
            errors=refused.fields if refused else {},
        )
        response = HTMLResponse(html, status_code=refused.status if refused else status)
        if refused and refused.retry_after:
            response.headers["Retry-After"] = refused.retry_after
        if not self.settings.production:
            told = f'api;dur={self.api.waited * 1000:.1f};desc="{self.api.calls} calls"'
            response.headers["Server-Timing"] = told
        if self.cookies.get(self.request, names.FORGERY) is None:
            self.cookies.put(response, names.FORGERY, cookie)
        if self.query.get("zone") == self.zone:  # chosen by hand: it stays chosen
            self.cookies.put(response, names.ZONE, quote(self.zone, safe=""), keep=_YEAR)
        return response

    def go(self, path: str) -> RedirectResponse:
        """On to another page of this side, after a change: ``/appointments``."""
        return RedirectResponse(f"{self.base}{path}", status_code=303)

    @property
    def path(self) -> str:
        """Of this page, with what was asked: where a sign-in leads back to."""
        query = self.request.url.query
        return f"{self.request.url.path}?{query}" if query else self.request.url.path


def _once(sent: "Sent | None", refused: ApiRefused | None) -> str:
    """The key of the page's form. What the API could not finish keeps its own: sent again, it is not done twice."""
    unfinished = sent is not None and refused is not None and refused.status >= 500
    return (sent.get("once") if sent is not None and unfinished else "") or secrets.token_urlsafe(24)


def own_path(text: str | None, *, otherwise: str) -> str:
    """A path of ours, where an address says where to go on: never another site."""
    ours = text is not None and text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if ours and text else otherwise


def _visit(text: str | None) -> Visit | None:
    client_id, _, token = (text or "").partition(".")
    return Visit(client_id=client_id, token=token) if client_id and token else None


async def page_of(request: Request) -> Page:
    """Of the side that the application serves: for clients, or for staff."""
    settings: WebSettings = request.app.state.settings
    cookies: Cookies = request.app.state.cookies
    side: str = request.app.state.side
    token = cookies.get(request, side)
    visit = _visit(cookies.get(request, names.VISIT)) if side == names.CLIENT else None
    visitor, network = visitor_of(request, settings)
    api = Asking(
        http=request.app.state.http,
        key=settings.site_api_key.get_secret_value(),
        visitor=visitor,
        network=network,
        agent=request.headers.get("user-agent", "")[:200],
        token=token or (visit.token if visit else None),
    )
    zone = known_zone(request.query_params.get("zone")) or known_zone(_unquoted(cookies.get(request, names.ZONE)))
    return Page(
        request=request,
        settings=settings,
        cookies=cookies,
        environment=request.app.state.environment,
        api=api,
        side=side,
        visit=None if token else visit,
        signed_in=token is not None,
        zone=zone or settings.practice_time_zone,
    )


def _unquoted(text: str | None) -> str | None:
    return unquote(text) if text else None


def sign_in_path(page: Page) -> str:
    return f"{page.base}/sign-in?next={quote(page.path, safe='')}"


ClientPage = Annotated[Page, Depends(page_of)]
StaffPage = Annotated[Page, Depends(page_of)]
AnyPage = Annotated[Page, Depends(page_of)]
