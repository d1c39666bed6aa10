"""Portal settings, enforced: what is switched off for a client is closed to the client side, and to nobody else."""

from api.problems import Refused, refuse
from models.tables.clients.client import Client
from rules.accounts.caller import Caller
from rules.booking.eligibility import BOOKING_DISABLED
from rules.refusals import Problem


def must_be_on(client: Client, caller: Caller, setting: str) -> None:
    """Raises Refused (not allowed) if this part of the portal is off for the client on whose behalf the caller acts."""
    if not caller.is_practice and not client.portal_settings.get(setting, True):
        part = setting.replace("_", " ")
        raise refuse(Problem.NOT_ALLOWED, f"This part of the portal is switched off for this client: {part}.")


def booking_must_be_on(client: Client, caller: Caller) -> None:
    """The same for booking, whose refusal has a name of its own: raises Refused (booking disabled)."""
    if not caller.is_practice and not client.portal_settings.get("schedule_appointments", True):
        raise Refused(BOOKING_DISABLED)
