"""What one person may not decide alone: approved or refused by another."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage

router = APIRouter()

STATUSES = ("open", "approved", "refused", "lapsed")


@router.get("/approvals")
async def approvals(page: StaffPage) -> Response:
    return await _show(page)


async def _show(page: Page, refused: ApiRefused | None = None) -> Response:
    await page.me()
    status = page.query.get("status") if page.query.get("status") in STATUSES else STATUSES[0]
    found = await page.api.get("/v1/approvals", status=status, limit=50, cursor=page.query.get("cursor"))
    return page.show(
        "staff/desk/approvals.html",
        approvals=found["items"],
        cursor=found["next_cursor"],
        which=status,
        statuses=STATUSES,
        refused=refused,
    )


@router.post("/approvals/{approval_id}/{answer}")
async def settle(approval_id: str, answer: str, page: StaffPage) -> Response:
    sent = await page.form()
    if answer not in ("approve", "refuse"):
        return page.show("not_found.html", status=404)
    body = {"reason": sent.get("reason") or None} if answer == "refuse" else None
    try:
        await page.api.post(f"/v1/approvals/{part(approval_id)}/{answer}", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _show(page, refused)
    return page.go("/approvals?settled=yes")
