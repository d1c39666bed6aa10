"""What was signed, as it was shown: a PDF of the copy that was kept."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api.access_log.declared import shows
from api.accounts.portal import must_be_on
from api.deps import Known, Now, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import must_find, responses
from api.routes.forms.answerable import must_be_shown
from api.views.papers import PAPER, paper_file
from models.reads.forms.copies import copy_of
from models.sealed import UNREADABLE, Unreadable
from papers.signed_form import sentence_file, signed_form_file
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["forms"],
    route_class=IdempotentRoute,
    dependencies=[shows(AccessKind.FORMS, AccessEvent.EXPORT)],
)
Asking = Annotated[UUID | None, Query(description="Which asking, by its id; the newest that is complete without one.")]


@router.head("/clients/{client_id}/forms/{kind}/signed.pdf", include_in_schema=False)
@router.get(
    "/clients/{client_id}/forms/{kind}/signed.pdf",
    summary="A form as it was signed",
    description="With all that was shown and answered, the signature, when and from where. It is made of the copy that"
    " was kept then, and of nothing else: the same copy is the same file. The care team has those of consent and"
    " billing info, and through an opening all others.",
    response_class=Response,
    responses=PAPER | responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED, Problem.RATE_LIMITED),
)
async def download_signed_form(
    *, client_id: UUID, kind: str, services: Svc, caller: Known, now: Now, form_id: Asking = None
) -> Response:
    must_be_on(await must_see_client(services, caller, client_id), caller, "forms")
    async with services.sessions() as session:
        form, kept = must_find("form", await copy_of(session, client_id, kind, form_id=form_id))
        await must_be_shown(session, caller, client_id, kind, now=now)
    draws = partial(signed_form_file, kept.document)
    if isinstance(kept.document, Unreadable):
        draws = partial(sentence_file, UNREADABLE, practice=services.settings.letterhead, as_of=now)
    paper = await services.making.make(draws, who=caller.actor)
    return paper_file(f"signed-{kind}-{form.version}.pdf", paper, caller)
