"""The time that this browser holds: one at a time, so that looking at another lets the former go."""

from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clients.finding.kept import keep, kept
from web.edge import cookies as names
from web.page import Page


def remember(page: Page, response: Response, hold_id: str, *, once: str) -> None:
    """``once``: of the form that asked for it, by which the same form sent twice is known."""
    keep(page, response, names.HELD, {"hold": hold_id, "once": once})


async def let_former_go(page: Page, *, once: str) -> None:
    """Before another time is held: whoever came back has chosen anew. The same form sent twice keeps its own."""
    former = kept(page, names.HELD)
    if former and not (once and former.get("once") == once):
        await _release(page, str(former.get("hold")))


async def let_go(page: Page, response: Response, hold_id: str) -> None:
    """Only what was held here: a time that a mail offers stays with whoever looks at another first."""
    if hold_id and kept(page, names.HELD).get("hold") == hold_id:
        await _release(page, hold_id)
        page.cookies.drop(response, names.HELD)


async def _release(page: Page, hold_id: str) -> None:
    """One that is gone already, or booked, is no error; nor is a refusal one to the visitor: a hold ends by itself."""
    try:
        await page.api.delete(f"/v1/holds/{part(hold_id)}")
    except ApiRefused as refused:
        if refused.status == 401:
            raise
