"""Where the link of a notification mail leads: a page with one button, and what the button or a mail program sends.

Mail programs and their scanners open every link they see, so looking changes nothing. Whoever has the link may
unsubscribe, as RFC 8058 wants it: one POST, without a token, a cookie or a redirect. The answer is the same whether or
not anything changed, so that it tells nothing about the client.
"""

from base64 import b64encode
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.access_log.declared import shows_no_client
from api.commands import command_by_link
from api.deps import Services, Svc
from api.problems import not_found, responses
from engine.signed_links import SignedLinks
from models.reads.mail.mails import person_of
from models.tables.clients.client import Client
from rules.mail.unsubscribe import PURPOSE, address_mark
from rules.refusals import Problem
from workflows.messages import CHANGE_DETAILS

router = APIRouter(tags=["mails"], dependencies=[shows_no_client("the page is the same for everybody")])

_STYLE = """
:root { color-scheme: light dark }
body { font: 18px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 34rem; padding: 2rem 1.25rem }
h1 { font-size: 1.4rem }
button { background: #1f5f57; border: 0; border-radius: .6rem; color: #fff; cursor: pointer; font: inherit;
  font-weight: 600; padding: .8rem 1.2rem; width: 100% }
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address of this page is a key
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
_STILL = "Mails about your appointments, your payments and your account still come."
_ASK = f"""<h1>Stop notification mails?</h1>
<p>You will get no more reminders and notices at this address. {_STILL}</p>
<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">
<button type="submit">Stop these mails</button></form>"""
_DONE = f"""<h1>Done</h1>
<p>You will get no more reminders and notices at this address. {_STILL}</p>
<p>If you change your mind, write to the practice.</p>"""
_ANSWERS = responses(Problem.NOT_FOUND)
_RESPONSES: dict[int | str, dict[str, Any]] = {status: _ANSWERS[status] for status in (404, 422, 503)}


def _page(content: str) -> HTMLResponse:
    """The pages say nothing about anybody: no name, no address, not even whether anything changed."""
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Notification mails</title><style>{_STYLE}</style></head><body>{content}</body></html>",
        headers=_HEADERS,
    )


@router.get(
    "/unsubscribe/{token}",
    summary="The page of an unsubscribe link",
    response_class=HTMLResponse,
    responses=_RESPONSES,
)
async def show_unsubscribe_page(*, token: str, services: Svc) -> HTMLResponse:
    _read(services, token)
    return _page(_ASK)


@router.post(
    "/unsubscribe/{token}",
    summary="Unsubscribe with one click",
    description="For the page's button, and for mail programs (RFC 8058). The body is not looked at: the address is the"
    " key. Doing it again is the same.",
    response_class=HTMLResponse,
    responses=_RESPONSES,
)
async def unsubscribe_by_link(*, token: str, services: Svc) -> HTMLResponse:
    client_id, mark = _read(services, token)
    async with services.sessions() as session:
        client = await person_of(session, client_id)
    if client is not None and _counts(client, mark) and not client.unsubscribed:
        await _turn_off(services, client)
    return _page(_DONE)


def _read(services: Services, token: str) -> tuple[UUID, str]:
    """Whom the link speaks for. Raises Refused, for anything that was not signed here."""
    parts = SignedLinks(services.cipher, PURPOSE).read(token)
    try:
        client_id, mark = parts or ()
        return UUID(client_id), mark
    except ValueError:
        raise not_found("page") from None


def _counts(client: Client, mark: str) -> bool:
    """An address that was changed since gets no more mails anyway, and does not speak for the new one."""
    return client.email is not None and address_mark(client.email) == mark


async def _turn_off(services: Services, client: Client) -> None:
    """Through the journey, as if the client had asked there. A journey that has ended sends nothing any more."""
    command = command_by_link(services, client.id, request_id=uuid4())
    await command.ask_if_open(CHANGE_DETAILS, client_id=client.id, unsubscribed=True)
