"""A therapist's profile."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.page import ClientPage

router = APIRouter()


@router.get("/therapists/{slug}")
async def profile(slug: str, page: ClientPage) -> Response:
    therapist = await page.api.get(f"/v1/therapists/{part(slug)}")
    words = await page.api.get("/v1/matching-form")
    return page.show("clients/therapist.html", therapist=therapist, words=names_of(words))


@router.get("/therapists/{slug}/photo")
async def photo(slug: str, page: ClientPage) -> Response:
    file = await page.api.file(f"/v1/therapists/{part(slug)}/photo")
    return Response(file.content, media_type="image/jpeg", headers={"Cache-Control": "public, max-age=3600"})


def names_of(form: dict[str, object]) -> dict[str, dict[str, str]]:
    """The names of the words of the matching form, by list and code."""
    return {
        kind: {word["code"]: word["name"] for word in listed}
        for kind, listed in form.items()
        if isinstance(listed, list)
    }
