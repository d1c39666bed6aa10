"""Stripe: the key, the webhook endpoint, whether what it tells arrives, and its clock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import stripe

from activities.gateways.stripe import Transport
from config import Settings
from ops.doctor.clocks import told_by
from ops.doctor.findings import Finding, Findings, first_line, ok, warning, wrong
from rules.money.stripe_events import ACTED_UPON

PATH = "/v1/webhooks/stripe"
_SECONDS = 5.0
_EXACTLY = timedelta(seconds=1)  # a header's date has whole seconds
_LATELY = timedelta(hours=24)
_PAGE = 100


async def look(settings: Settings) -> Findings:
    http = Transport(timeout=httpx.Timeout(_SECONDS))
    base = settings.stripe_base
    client = stripe.StripeClient(
        settings.stripe_api_key.get_secret_value(),
        base_addresses={"api": base.rstrip("/")} if base else None,
        max_network_retries=0,
        http_client=http,
    )
    try:
        async for finding in _looked(client, settings):
            yield finding
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]


async def _looked(client: stripe.StripeClient, settings: Settings) -> Findings:
    asked_at = datetime.now(UTC)
    try:
        answer = await client.v1.payment_intents.list_async({"limit": 1})
    except stripe.AuthenticationError:
        yield wrong("stripe", "it does not know the key", "put a key of Developers > API keys into STRIPE_API_KEY")
        return
    except stripe.PermissionError:
        todo = "let the restricted key read and write what Stripe in docs/production.md lists"
        yield wrong("stripe", "the key may not read PaymentIntents", todo)
        return
    except stripe.APIConnectionError as error:
        yield wrong("stripe", f"it is not reached ({first_line(error)})", "let this machine reach api.stripe.com:443")
        return
    yield ok("stripe", "the key is known, and may read PaymentIntents")
    if date := _date(answer):
        yield told_by("stripe", date, between=(asked_at, datetime.now(UTC)), by=_EXACTLY)
    try:
        endpoints = [each async for each in (await client.v1.webhook_endpoints.list_async()).auto_paging_iter()]
    except stripe.PermissionError:
        todo = "look at Developers > Webhooks by yourself, or let the key read webhook endpoints"
        yield warning("stripe webhook", "the key may not read webhook endpoints", todo)
    else:
        for finding in _endpoint(endpoints, settings):
            yield finding
    async for finding in _arrives(client):
        yield finding


def _date(answer: stripe.StripeObject) -> datetime | None:
    told = answer.last_response
    date = told.headers.get("date") if told is not None and told.headers is not None else None
    return parsedate_to_datetime(date) if date else None


def _endpoint(endpoints: Sequence[stripe.WebhookEndpoint], settings: Settings) -> list[Finding]:
    """Of those that lead to a path of the product's; one of another address is another practice's."""
    own = f"{settings.api_public_url}{PATH}" if settings.api_public_url else None
    here = [each for each in endpoints if (each.url == own if own else each.url.endswith(PATH))]
    where = own or f"https://<your API>{PATH}"
    if not here:
        todo = f"add one at Developers > Webhooks, and put its signing secret into STRIPE_WEBHOOK_SECRET: {where}"
        return [wrong("stripe webhook", "no endpoint leads to this API", todo)]
    found: list[Finding] = []
    for each in here:
        if each.status != "enabled":
            found.append(wrong("stripe webhook", f"{each.url} is disabled", "enable it at Developers > Webhooks"))
        missing = sorted(ACTED_UPON.keys() - set(each.enabled_events)) if "*" not in each.enabled_events else []
        if missing:
            said = f"{each.url} does not get {', '.join(missing)}"
            found.append(wrong("stripe webhook", said, "choose these events there as well"))
        if settings.production and not each.url.startswith("https://"):
            found.append(wrong("stripe webhook", f"{each.url} is plain http", "name it by https://"))
    return found or [ok("stripe webhook", f"{', '.join(each.url for each in here)} gets every event that counts")]


async def _arrives(client: stripe.StripeClient) -> Findings:
    """Whether events of the last day were taken. A wrong signing secret is seen here alone: Stripe tells none."""
    since = int((datetime.now(UTC) - _LATELY).timestamp())
    try:
        failed = await client.v1.events.list_async(
            {"delivery_success": False, "created": {"gte": since}, "limit": _PAGE}
        )
    except stripe.PermissionError:
        yield warning("stripe events", "the key may not read events", "look at Developers > Webhooks by yourself")
        return
    if failed.data:
        number = f"{len(failed.data)}{'+' if failed.has_more else ''}"
        todo = "see the answers at Developers > Webhooks: 400 is a wrong STRIPE_WEBHOOK_SECRET, 421 a missing host"
        yield wrong("stripe events", f"{number} of the last day were not taken", f"{todo} in ALLOWED_HOSTS")
    else:
        yield ok("stripe events", "every one of the last day was taken")
