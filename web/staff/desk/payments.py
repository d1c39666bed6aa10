"""Payments of all clients, and what can be decided about one."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.looks.words import minor_units
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

_FILTERS = ("status", "therapist", "client", "from", "to")


@router.get("/payments")
async def payments(page: StaffPage) -> Response:
    return await _list(page)


async def _list(page: Page, refused: ApiRefused | None = None) -> Response:
    await page.me()
    wanted = _wanted(page)
    therapists = (await page.api.get("/v1/therapists", limit=200))["items"]
    found = await page.api.get("/v1/payments", limit=50, cursor=page.query.get("cursor"), **wanted)
    return page.show(
        "staff/desk/payments.html",
        payments=found["items"],
        therapists=therapists,
        cursor=found["next_cursor"],
        wanted=dict.fromkeys(_FILTERS, "") | wanted,
        path=f"{page.base}/payments?{urlencode(wanted)}",
        file_path=f"{page.base}/payments/file.csv?{urlencode(wanted)}",
        refused=refused,
    )


def _wanted(page: Page) -> dict[str, str]:
    return {name: value for name in _FILTERS if (value := page.query.get(name))}


@router.get("/payments/file.csv")
async def file(page: StaffPage) -> Response:
    """All that the list finds, over its pages, at most a year. What the API refuses is said on the list."""
    await page.me()
    try:
        found = await page.api.file("/v1/payments", accept="text/csv", time_zone=page.zone, **_wanted(page))
    except ApiRefused as refused:
        if refused.status != 422:
            raise
        return await _list(page, refused)
    headers = {"Content-Disposition": found.headers["content-disposition"]}
    return Response(found.content, media_type="text/csv", headers=headers)


@router.get("/payments/{payment_id}")
async def one(payment_id: str, page: StaffPage) -> Response:
    return await _one(page, payment_id)


async def _one(page: Page, payment_id: str, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    await page.me()
    payment = await page.api.get(f"/v1/payments/{part(payment_id)}")
    refunds = await page.api.get(f"/v1/payments/{part(payment_id)}/refunds", limit=50)
    appointment = await page.api.get(f"/v1/appointments/{part(payment['appointment_id'])}")
    asked = await page.api.get("/v1/approvals", client=appointment["client_id"], status="open", limit=50)
    return page.show(
        "staff/desk/payment.html",
        payment=payment,
        refunds=refunds["items"],
        asked=[each for each in asked["items"] if each["payment_id"] == payment_id],
        one=appointment,
        sent=sent,
        refused=refused,
    )


@router.post("/payments/{payment_id}/{act}")
async def decide(payment_id: str, act: str, page: StaffPage) -> Response:
    """Try the card again, give back, waive, or let go. What is above a ceiling waits for a second person."""
    sent = await page.form()
    if act not in ("retry", "refund", "waive", "write-off"):
        return page.show("not_found.html", status=404)
    body: dict[str, Any] | None = {"reason": sent.get("reason")}
    if act == "refund":
        amount = {"amount": minor_units(sent.get("amount"), sent.get("currency"))} if sent.get("amount") else {}
        body = {"reason": sent.get("reason"), "to": sent.get("to"), **amount}
    try:
        answer = await page.api.post(
            f"/v1/payments/{part(payment_id)}/{act}", None if act == "retry" else body, once=sent.get("once") or None
        )
    except ApiRefused as refused:
        return await _one(page, payment_id, sent, refused)
    waits = "approval_id" in answer
    return page.go(f"/payments/{part(payment_id)}?{'waits' if waits else 'done'}=yes")
