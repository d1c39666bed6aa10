"""The vendors whose calendars therapists can connect: those at which the practice is registered as a program."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from config.development import (
    DEV_GOOGLE_CALENDAR_CLIENT_ID,
    DEV_GOOGLE_CALENDAR_CLIENT_SECRET,
    DEV_OUTLOOK_CALENDAR_CLIENT_ID,
    DEV_OUTLOOK_CALENDAR_CLIENT_SECRET,
)
from rules.booking.calendar_vendors import CalendarVendor, google, outlook

if TYPE_CHECKING:
    from config.settings import Settings


def calendar_vendors(settings: "Settings") -> Iterator[CalendarVendor]:
    """Away from production the stand-in stands for a vendor that is not set."""
    if settings.google_calendar_client_id and settings.google_calendar_client_secret:
        yield google(
            client_id=settings.google_calendar_client_id,
            client_secret=settings.google_calendar_client_secret.get_secret_value(),
            base=settings.google_calendar_base,
        )
    elif not settings.production:
        yield google(
            client_id=DEV_GOOGLE_CALENDAR_CLIENT_ID,
            client_secret=DEV_GOOGLE_CALENDAR_CLIENT_SECRET,
            base=settings.google_calendar_base or f"{settings.sandbox_url}/google",
        )
    tenant = settings.outlook_calendar_tenant
    if settings.outlook_calendar_client_id and settings.outlook_calendar_client_secret:
        yield outlook(
            client_id=settings.outlook_calendar_client_id,
            client_secret=settings.outlook_calendar_client_secret.get_secret_value(),
            tenant=tenant,
            base=settings.outlook_calendar_base,
        )
    elif not settings.production:
        yield outlook(
            client_id=DEV_OUTLOOK_CALENDAR_CLIENT_ID,
            client_secret=DEV_OUTLOOK_CALENDAR_CLIENT_SECRET,
            tenant=tenant,
            base=settings.outlook_calendar_base or f"{settings.sandbox_url}/outlook",
        )


def half_registered(settings: "Settings") -> Iterator[str]:
    """What is missing beside what is there, a sentence each."""
    pairs = {
        "GOOGLE_CALENDAR": (settings.google_calendar_client_id, settings.google_calendar_client_secret),
        "OUTLOOK_CALENDAR": (settings.outlook_calendar_client_id, settings.outlook_calendar_client_secret),
    }
    for vendor, (id_, secret) in pairs.items():
        if bool(id_) != bool(secret):
            missing, given = ("CLIENT_SECRET", "CLIENT_ID") if id_ else ("CLIENT_ID", "CLIENT_SECRET")
            yield f"{vendor}_{missing} must be set beside {vendor}_{given}: calendars are connected with both."
