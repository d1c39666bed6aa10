"""A therapist's picture, for everybody: one that was uploaded is made anew, small, and without what a camera adds."""

import asyncio
from hashlib import sha256
from io import BytesIO
from typing import Any

from fastapi import APIRouter, Request, Response
from PIL import Image, ImageOps, UnidentifiedImageError
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.deps import Anyone, Now, PracticeOrAdmin, Svc
from api.idempotency import IdempotentRoute
from api.problems import must_find, refusals, responses, wrong_fields
from api.routes.booking.therapists import must_be_own
from api.routes.care.uploads import read_upload, upload_form
from api.views.booking import TherapistView, therapist_view
from models.reads.booking.therapists import active_clients, therapist_by_slug
from models.tables.booking.therapist import Therapist
from models.tables.booking.therapist_photo import TherapistPhoto
from models.writes.events.publish import publish_therapist
from models.writes.locks import lock_therapist
from rules.events.kinds import TherapistPart
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["therapists"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("pictures of therapists")],
)

_SIDE = 640  # pixels
_MOST_PIXELS = 40_000_000  # as they are opened: more than cameras of phones make
_FORMATS = ("JPEG", "PNG", "WEBP")
_PICTURE: dict[int | str, dict[str, Any]] = {200: {"description": "A JPEG.", "content": {"image/jpeg": {}}}}


@router.post(
    "/therapists/{slug}/photo",
    status_code=201,
    summary="Give a therapist a picture, of 10 MB at most: a JPEG, PNG or WebP",
    response_model_exclude_unset=True,
    responses={
        **responses(Problem.NOT_FOUND),
        413: refusals("The file has more than 10 MB", [Problem.VALIDATION_FAILED]),
    },
    openapi_extra=upload_form(),
)
async def put_photo(*, slug: str, request: Request, services: Svc, caller: PracticeOrAdmin, now: Now) -> TherapistView:
    """It takes the place of the one before."""
    must_be_own(caller, slug)
    async with read_upload(request, services.uploads, lines=()) as file:
        content = await asyncio.to_thread(_made_anew, file.content)
    async with services.sessions() as session:
        therapist = await _locked(session, slug)
        row = await session.get(TherapistPhoto, therapist.id) or TherapistPhoto(therapist_id=therapist.id, content=b"")
        row.content, therapist.photo = content, sha256(content).hexdigest()
        session.add_all([row, therapist])
        publish_therapist(session, therapist.slug, TherapistPart.PHOTO, at=now)
        await session.flush()
        active = (await active_clients(session, [therapist.id])).get(therapist.id, 0)
        url = services.settings.public_url
        view = therapist_view(therapist, caller=caller, public_url=url, active=active)
        await session.commit()
    return view


@router.delete(
    "/therapists/{slug}/photo",
    status_code=204,
    summary="Take a therapist's picture away",
    responses=responses(Problem.NOT_FOUND),
)
async def remove_photo(*, slug: str, services: Svc, caller: PracticeOrAdmin, now: Now) -> None:
    must_be_own(caller, slug)
    async with services.sessions() as session:
        therapist = await _locked(session, slug)
        await session.delete(must_find("photo", await session.get(TherapistPhoto, therapist.id)))
        therapist.photo = None
        session.add(therapist)
        publish_therapist(session, therapist.slug, TherapistPart.PHOTO, at=now)
        await session.commit()


@router.head("/therapists/{slug}/photo", include_in_schema=False)
@router.get(
    "/therapists/{slug}/photo",
    summary="A therapist's picture",
    response_class=Response,
    responses=_PICTURE | responses(Problem.NOT_FOUND),
)
async def download_photo(*, slug: str, services: Svc, _: Anyone) -> Response:
    async with services.sessions() as session:
        therapist = must_find("therapist", await therapist_by_slug(session, slug))
        found = must_find("photo", await session.get(TherapistPhoto, therapist.id))
    headers = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
    return Response(found.content, media_type="image/jpeg", headers=headers)


async def _locked(session: AsyncSession, slug: str) -> Therapist:
    found = must_find("therapist", await therapist_by_slug(session, slug))
    return await lock_therapist(session, found.id)


def _made_anew(content: bytes) -> bytes:
    """Raises Refused for what is no picture, or too large to open."""
    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise wrong_fields([("file", "has more than 40 million pixels: save it smaller")])
            picture.draft("RGB", (_SIDE, _SIDE))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            upright.thumbnail((_SIDE, _SIDE))
            made = BytesIO()
            upright.save(made, "JPEG", quality=85)
            return made.getvalue()
    except UnidentifiedImageError:
        raise wrong_fields([("file", "is no JPEG, PNG or WebP")]) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise wrong_fields([("file", "is damaged: it is no whole picture")]) from None
