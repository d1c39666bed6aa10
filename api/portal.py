"""Portal settings, enforced: what is switched off for a client is closed to the client side, and to nobody else."""

from api.problems import refuse
from models.client import Client
from rules.people import Caller
from rules.refusals import Problem


def must_be_on(client: Client, caller: Caller, setting: str) -> None:
    """Raises Refused (not allowed) if this part of the portal is off for the client on whose behalf the caller acts."""
    if not caller.is_practice and not client.portal_settings.get(setting, True):
        raise refuse(Problem.NOT_ALLOWED, f"The part {setting.replace('_', ' ')} of the portal is not available here.")
