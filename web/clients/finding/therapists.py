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


def names_of(form: dict[str, object]) -> dict[str, dict[str, str]]:
    """The names of the words of the matching form, by list and code."""
    return {
        kind: {word["code"]: word["name"] for word in listed}
        for kind, listed in form.items()
        if isinstance(listed, list)
    }
