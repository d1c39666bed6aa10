"""The second factor beside a sign-in: it counts as wrong, and so does the sign-in, until it has been looked at."""

from collections.abc import Awaitable, Callable

from api.accounts.factors.codes import admit_code
from api.accounts.factors.mails import warn_of_guessing
from api.accounts.factors.showing import Showing
from api.accounts.practice_mails import have_delivered
from api.accounts.signing_in.sign_ins import Admitted, restore
from api.engine import JourneyEngine
from api.problems import Refused
from models.database import Sessions
from models.tables.accounts.account import Account
from rules.accounts.budgets import Budget


async def count_factor(
    sessions: Sessions,
    engine: JourneyEngine,
    account: Account,
    admitted: Admitted,
    *,
    given: bool,
    failed: Callable[[], Awaitable[None]],
    shown: str,
    showing: Showing,
) -> Budget | None:
    """``shown``, which fits, is what was shown before it. ``given``: there is a code or a passkey; without one that is
    all there was to try. ``failed`` writes down a sign-in that did. Raises Refused."""
    now = showing.now
    if not given:
        await restore(sessions, admitted, now=now)
        return None
    try:
        return await admit_code(sessions, account.id, shown=shown, now=now)
    except Refused:
        await restore(sessions, admitted, now=now)
        await failed()
        if await warn_of_guessing(sessions, account, request_id=showing.request_id, now=now):
            await have_delivered(engine)
        raise
