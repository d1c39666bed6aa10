"""What clients read and see of a therapist: their own words and their picture."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused, wrong_field
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()


@router.get("/profile")
async def own(page: StaffPage) -> Response:
    return await _show(page)


async def _show(page: Page, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    slug = await _slug(page)
    profile = await page.api.get(f"/v1/therapists/{part(slug)}") if slug else None
    return page.show("staff/care/profile.html", profile=profile, sent=sent, refused=refused)


@router.post("/profile")
async def write(page: StaffPage) -> Response:
    sent = await page.form()
    slug = await _slug(page)
    try:
        await page.api.patch(f"/v1/therapists/{part(slug)}", {"about": sent.get("about") or None})
    except ApiRefused as refused:
        return await _show(page, sent, refused)
    return page.go("/profile?done=words")


@router.post("/profile/photo")
async def give_photo(page: StaffPage) -> Response:
    sent = await page.form()
    slug = await _slug(page)
    file = sent.file("file")
    if file is None:
        return await _show(page, sent, wrong_field("file", "is needed"))
    content = (file.filename or "picture", await file.read(), file.content_type or "application/octet-stream")
    try:
        await page.api.upload(f"/v1/therapists/{part(slug)}/photo", {}, content, once=sent.get("once"))
    except ApiRefused as refused:
        return await _show(page, sent, refused)
    return page.go("/profile?done=photo")


@router.post("/profile/photo/remove")
async def take_photo_away(page: StaffPage) -> Response:
    await page.form()
    await page.api.delete(f"/v1/therapists/{part(await _slug(page))}/photo")
    return page.go("/profile?done=removed")


@router.get("/profile/photo")
async def photo(page: StaffPage) -> Response:
    file = await page.api.file(f"/v1/therapists/{part(await _slug(page))}/photo")
    return Response(file.content, media_type="image/jpeg")


async def _slug(page: Page) -> str:
    return str((await page.me()).get("therapist") or "")
