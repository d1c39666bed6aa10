"""Asking a vendor for a consent, taking its code for a refresh token, and giving the consent back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.oidc.browsers import bound_by, new_secret
from api.accounts.oidc.fetching import ProviderAway, fetch
from api.accounts.tokens import hash_of
from api.deps import Services
from api.edge.return_addresses import lies_below
from api.problems import Refused, refuse, wrong_fields
from models.tables.booking.outside_calendar import OutsideCalendarRow
from models.writes.booking.calendar_consents import begin_consent
from rules.accounts.caller import Caller
from rules.booking.calendar_vendors import REFRESH_TOKEN, CalendarVendor
from rules.enums import CalendarKind
from rules.refusals import Problem

log = structlog.get_logger(__name__)

PAGE = "/calendars/connected"  # below the practice's own pages


def consent_over(detail: str) -> Refused:
    return refuse(Problem.LINK_INVALID, f"{detail} Begin again, on the page of the calendars.")


def vendor_away() -> Refused:
    detail = "The calendar's vendor does not answer now. Nothing was changed: try again shortly."
    return refuse(Problem.ENGINE_UNAVAILABLE, detail)


def vendor_of(services: Services, kind: CalendarKind) -> CalendarVendor:
    """Raises Refused where the practice is not registered there."""
    vendor = services.settings.calendar_vendors.get(kind)
    if vendor is None:
        message = f"{kind.value} is not set up here: another way is the calendar's private address (ics)"
        raise wrong_fields([("kind", message)])
    return vendor


def return_url(services: Services, wanted: str | None) -> str:
    """Where the vendor sends the browser back to: a page of ours, and no other. Raises Refused."""
    base = services.settings.staff_url
    if wanted is None:
        return f"{base}{PAGE}"
    if not lies_below(wanted, base) or not wanted.startswith(f"{base}/"):
        raise wrong_fields([("return_to", "must lie below STAFF_URL")])
    return wanted


async def begin(
    session: AsyncSession, services: Services, row: OutsideCalendarRow, *, return_to: str, caller: Caller
) -> tuple[str, datetime]:
    """The vendor's page, to which the browser goes, and until when. The caller commits.

    The state is known to the browser alone, and as a hash here; and it counts only for whoever began: a consent that
    somebody was talked into by another's link comes back with a sign-in that it does not fit.
    """
    vendor = vendor_of(services, row.kind)
    bound = bound_by(new_secret())
    consent = await begin_consent(
        session,
        row.id,
        hash_of(bound.state),
        verifier=bound.verifier,
        return_url=return_to,
        by=caller.actor,
        real=await services.real_clock.now(),
    )
    url = vendor.consent_url(redirect_uri=return_to, state=bound.state, challenge=bound.challenge)
    return url, consent.expires_at


async def redeem(vendor: CalendarVendor, code: str, *, verifier: str, redirect_uri: str) -> dict[str, Any]:
    """What the calendar is read with from now on. Raises Refused: the code is not taken, or gives too little; and
    ProviderAway."""
    answer = await fetch(vendor.token, form=vendor.code_form(code, redirect_uri=redirect_uri, verifier=verifier))
    said = answer.document
    if answer.status != 200:
        error = str(said.get("error"))[:100]
        if error == "invalid_grant":
            raise consent_over("The vendor does not take this consent: it was used before, or is too old.")
        log.error("A calendar's vendor refuses the API, not a person: look at its settings", error=error)
        raise ProviderAway(f"the token endpoint answers {answer.status}: {error}")
    if not vendor.allows(said.get("scope")):
        raise consent_over("The permission to see when you are busy was not given.")
    token = said.get(REFRESH_TOKEN)
    if not isinstance(token, str) or not token:
        raise consent_over("The vendor gave no permission that lasts.")
    return {REFRESH_TOKEN: token}


async def give_back(vendor: CalendarVendor | None, access: Mapping[str, Any], *, calendar_id: UUID) -> None:
    """End the consent at the vendor, where a program can; here it is forgotten whatever becomes of that."""
    token = access.get(REFRESH_TOKEN)
    if vendor is None or vendor.revocation is None or not token:
        return
    try:
        answer = await fetch(vendor.revocation, form={"token": str(token)})
    except ProviderAway as away:
        log.warning("A consent could not be given back at the vendor", calendar=str(calendar_id), why=str(away))
        return
    if answer.status != 200:
        log.info("The vendor did not know a consent any more", calendar=str(calendar_id), status=answer.status)


async def stop_channel(
    vendor: CalendarVendor | None,
    access: Mapping[str, Any],
    channel: Mapping[str, Any] | None,
    *,
    channel_id: UUID | None,
    calendar_id: UUID,
) -> None:
    """Have the vendor tell of the calendar no more; before the consent is given back, since that needs it. One that
    cannot be stopped ends within a week, and is not heard meanwhile."""
    token = access.get(REFRESH_TOKEN)
    if vendor is None or vendor.stop is None or channel is None or not token:
        return
    try:
        opened = (await fetch(vendor.token, form=vendor.refresh_form(str(token)))).document
        answer = await fetch(
            vendor.stop,
            document={"id": str(channel_id), "resourceId": str(channel.get("resource"))},
            headers={"Authorization": f"Bearer {opened.get('access_token')}"},
        )
    except ProviderAway as away:
        log.warning("A channel could not be stopped at the vendor", calendar=str(calendar_id), why=str(away))
        return
    if answer.status not in (200, 204):
        log.info("The vendor did not stop a channel", calendar=str(calendar_id), status=answer.status)
