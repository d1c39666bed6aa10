"""A client's payments: what was paid, what is owed, confirming with the bank, receipts and statements."""

from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import GONE, ApiRefused
from web.clients.money.leaving import TO_BANK, lead_out
from web.clients.whose import client_id_of
from web.clock import now
from web.page import ClientPage, Page

router = APIRouter()

NEEDS_CLIENT = ("owed", "failed", "requires_action")  # what is not settled without them


@router.get("/payments")
async def payments(page: ClientPage) -> Response:
    return await _list(page)


async def _list(page: Page, refused: ApiRefused | None = None) -> Response:
    client_id = await client_id_of(page)
    today = (await now(page.api, page.settings)).astimezone(ZoneInfo(page.zone)).date()
    found = await page.api.get(f"/v1/clients/{client_id}/payments", limit=50, cursor=page.query.get("cursor"))
    return page.show(
        "clients/payments/list.html",
        payments=found["items"],
        cursor=found["next_cursor"],
        first=page.query.get("from") or today.replace(month=1, day=1).isoformat(),
        last=page.query.get("to") or today.isoformat(),
        refused=refused,
        balance=await page.api.get(f"/v1/clients/{client_id}/balance"),
        card=await page.api.find(f"/v1/clients/{client_id}/card"),
    )


@router.get("/payments/statement.pdf")
async def statement(page: ClientPage) -> Response:
    client_id = await client_id_of(page)
    wanted = {name: page.query.get(name, "") for name in ("from", "to")}
    try:
        file = await page.api.file(f"/v1/clients/{client_id}/statement.pdf", **wanted)
    except ApiRefused as refused:
        if refused.status != 422:
            raise
        return await _list(page, refused)
    return _pdf(file.content, "statement.pdf")


@router.get("/payments/{payment_id}")
async def one(payment_id: str, page: ClientPage) -> Response:
    if page.query.get("redirect_status"):  # how banks send people back: their secret is not to stay in the address
        return page.go(f"/payments/{part(payment_id)}?back=bank")
    return await _one(page, payment_id)


async def _one(page: Page, payment_id: str, refused: ApiRefused | None = None) -> Response:
    client_id = await client_id_of(page)
    payment = await page.api.get(f"/v1/payments/{part(payment_id)}")
    appointment = await page.api.get(f"/v1/appointments/{part(payment['appointment_id'])}")
    open_ = payment["status"] in NEEDS_CLIENT
    return page.show(
        "clients/payments/one.html",
        payment=payment,
        one=appointment,
        therapist=await page.api.get(f"/v1/therapists/{part(appointment['therapist'])}"),
        card=await page.api.find(f"/v1/clients/{client_id}/card") if open_ else None,
        needs_client=open_,
        refused=refused,
    )


@router.post("/payments/{payment_id}/pay")
async def pay(payment_id: str, page: ClientPage) -> Response:
    """Confirm with the card on file, the client being there; the bank may want to see them."""
    await page.form()
    await client_id_of(page)
    here = f"/payments/{part(payment_id)}"
    try:
        answer = await page.api.post(
            f"/v1/payments/{part(payment_id)}/confirmation", {"return_url": f"{page.settings.site_url}{here}?back=bank"}
        )
    except ApiRefused as refused:
        if refused.status in GONE or refused.status == 401:
            raise
        return await _one(page, payment_id, refused)
    if answer["status"] == "requires_payment_method":
        return page.go(f"{here}?declined=yes")
    if answer.get("redirect_url"):
        return lead_out(page, answer["redirect_url"], kind=TO_BANK, back=here)
    return page.go(f"{here}?tried=yes")


@router.get("/payments/{payment_id}/receipt.pdf")
async def receipt(payment_id: str, page: ClientPage) -> Response:
    await client_id_of(page)
    file = await page.api.file(f"/v1/payments/{part(payment_id)}/receipt.pdf")
    return _pdf(file.content, "receipt.pdf")


def _pdf(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/pdf", headers=headers)
