"""SendGrid: the key, the sender, the event webhook with its signature, and its clock."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from config import Settings
from engine.event_key import EventKey, InvalidEventKey
from ops.doctor.clocks import told_by
from ops.doctor.findings import Finding, Findings, first_line, ok, warning, wrong

PATH = "/v1/webhooks/sendgrid"
WANTED = ("bounce", "dropped", "spam_report", "unsubscribe", "group_unsubscribe")
_HOST = "https://api.sendgrid.com"
_SECONDS = 5.0
_EXACTLY = timedelta(seconds=1)
_NO_ENTRY = (401, 403)


class _NotShown(LookupError):
    """The key may not read this."""


async def look(settings: Settings) -> Findings:
    client = SendGridAPIClient(
        settings.sendgrid_api_key.get_secret_value(), host=(settings.sendgrid_host or _HOST).rstrip("/")
    ).client
    asked_at = datetime.now(UTC)
    try:
        scopes, date = await _read(client.scopes)
    except _NotShown:
        yield wrong("sendgrid", "it does not know the key", "put a key that may send mail into SENDGRID_API_KEY")
        return
    except (OSError, HTTPException, HTTPError) as error:
        todo = "let this machine reach api.sendgrid.com:443, or look at SENDGRID_API_HOST"
        yield wrong("sendgrid", f"it is not reached ({first_line(error)})", todo)
        return
    if "mail.send" in scopes["scopes"]:
        yield ok("sendgrid", "the key is known, and may send mail")
    else:
        yield wrong("sendgrid", "the key may not send mail", "give it Mail Send at Settings > API Keys")
    if date is not None:
        yield told_by("sendgrid", date, between=(asked_at, datetime.now(UTC)), by=_EXACTLY)
    try:
        yield await _sender(client, settings.email_from)
    except _NotShown:
        todo = "see at Settings > Sender Authentication that the domain of EMAIL_FROM is verified"
        yield warning("mail sender", "the key may not read who may send", todo)
    try:
        told, _ = await _read(client.user.webhooks.event.settings.all)
        for finding in _webhook(told["webhooks"], settings):
            yield finding
    except _NotShown:
        todo = "see Mail in docs/production.md, and compare at Settings > Mail Settings > Event Webhook"
        yield warning("sendgrid webhook", "the key may not read the event webhook", todo)


async def _read(path: Any) -> tuple[Any, datetime | None]:
    """The answer to a GET, and the moment that its header names. Raises _NotShown, and what the library does."""

    def get() -> Any:
        return path.get(timeout=_SECONDS)

    try:
        answer = await asyncio.to_thread(get)
    except HTTPError as error:
        if error.status_code in _NO_ENTRY:
            raise _NotShown from error
        raise
    date = answer.headers.get("Date")
    return json.loads(answer.body), parsedate_to_datetime(date) if date else None


async def _sender(client: Any, sender: str) -> Finding:
    domain = sender.rpartition("@")[2].lower()
    domains, _ = await _read(client.whitelabel.domains)
    for each in domains:
        name = str(each["domain"]).lower()
        if domain == name or domain.endswith(f".{name}"):
            if each["valid"]:
                return ok("mail sender", f"{name} is authenticated")
            todo = f"set the DNS records that SendGrid shows for {name}, and have it verify them"
            return wrong("mail sender", f"the authentication of {name} is not valid", todo)
    todo = f"authenticate {domain} at Settings > Sender Authentication: without DKIM mails are refused or spam"
    return wrong("mail sender", f"nobody has authenticated {domain} of EMAIL_FROM", todo)


def _webhook(webhooks: list[Mapping[str, Any]], settings: Settings) -> list[Finding]:
    own = f"{settings.api_public_url}{PATH}" if settings.api_public_url else None
    here = [each for each in webhooks if (each["url"] == own if own else str(each["url"]).endswith(PATH))]
    if not here:
        todo = f"name {own or f'https://<your API>{PATH}'} at Settings > Mail Settings > Event Webhook"
        return [wrong("sendgrid webhook", "no event webhook leads to this API", todo)]
    each = here[0]
    found: list[Finding] = []
    if not each["enabled"]:
        found.append(wrong("sendgrid webhook", f"{each['url']} is switched off", "enable it there"))
    if missing := [event for event in WANTED if not each.get(event)]:
        said = f"{each['url']} does not get {', '.join(missing)}"
        found.append(wrong("sendgrid webhook", said, "choose these events there as well"))
    if not each.get("public_key"):
        todo = "switch the signature on, and put the public key that it shows into SENDGRID_WEBHOOK_PUBLIC_KEY"
        found.append(wrong("sendgrid webhook", "its events are not signed, so that each is refused", todo))
    elif not _same(str(each["public_key"]), settings.sendgrid_webhook_public_key):
        todo = "put the public key that it shows into SENDGRID_WEBHOOK_PUBLIC_KEY, and restart the API"
        found.append(wrong("sendgrid webhook", "its events are signed by another key than the setting's", todo))
    return found or [ok("sendgrid webhook", f"{each['url']} gets every event that counts, signed by the known key")]


def _same(shown: str, known: EventKey) -> bool:
    try:
        return EventKey.parse(shown) == known
    except InvalidEventKey:
        return False
