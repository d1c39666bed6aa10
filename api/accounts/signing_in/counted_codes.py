"""The code beside a sign-in: it counts as wrong, and so does the sign-in, until it has been looked at."""

from collections.abc import Awaitable, Callable

from api.accounts.factors.codes import Showing, admit_code
from api.accounts.factors.mails import warn_of_guessing
from api.accounts.practice_mails import have_delivered
from api.accounts.signing_in.sign_ins import Admitted, restore
from api.engine import JourneyEngine
from api.problems import Refused
from models.database import Sessions
from models.tables.accounts.account import Account
from rules.accounts.budgets import Budget


async def count_code(
    sessions: Sessions,
    engine: JourneyEngine,
    account: Account,
    code: str | None,
    admitted: Admitted,
    *,
    failed: Callable[[], Awaitable[None]],
    shown: str,
    showing: Showing,
) -> Budget | None:
    """``shown``, which fits, is what was shown beside the ``code``; ``failed`` writes down a sign-in that did. With
    no code that is all there was to try. Raises Refused."""
    now = showing.now
    if code is None:
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
