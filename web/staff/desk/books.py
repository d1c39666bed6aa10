"""The books held against Stripe: the last comparisons, one of them, and a new one."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.page import StaffPage

router = APIRouter()


@router.get("/books")
async def books(page: StaffPage) -> Response:
    await page.me()
    found = await page.api.get("/v1/reconciliations", limit=20, cursor=page.query.get("cursor"))
    return page.show("staff/desk/books.html", comparisons=found["items"], cursor=found["next_cursor"])


@router.get("/books/{comparison_id}")
async def one(comparison_id: str, page: StaffPage) -> Response:
    await page.me()
    return page.show("staff/desk/book.html", one=await page.api.get(f"/v1/reconciliations/{part(comparison_id)}"))


@router.post("/books")
async def compare(page: StaffPage) -> Response:
    sent = await page.form()
    begun = await page.api.post("/v1/reconciliations", {}, once=sent.get("once") or None)
    return page.go(f"/books/{part(begun['id'])}")
