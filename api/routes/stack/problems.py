"""What each problem means, in words: the page that a problem's ``type`` leads to is made of it."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from api.access_log.declared import shows_no_client
from api.deps import Anyone, Svc
from api.explained.schemas import EXPLAINED, address_of, example_of, title_of
from api.idempotency import IdempotentRoute
from api.problems import STATUS, not_found, responses
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["problems"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("the words of the API itself")],
)


class MemberMeaning(BaseModel):
    """What the document has beside ``detail``. ``always``: it is never left out."""

    name: str
    meaning: str
    always: bool


class ExampleRequest(BaseModel):
    """A request that is refused so."""

    call: str
    body: dict[str, Any] | None


class ProblemView(BaseModel):
    """``type`` is what the documents say, and where the page is."""

    name: str
    type: str
    title: str
    status: int
    meaning: str
    remedy: str
    members: list[MemberMeaning]
    request: ExampleRequest
    answer: dict[str, Any]


class ProblemsView(BaseModel):
    items: list[ProblemView]


@router.get("/problems", summary="Every name that a refusal can have", responses=responses())
async def list_problems(services: Svc, _: Anyone) -> ProblemsView:
    return ProblemsView(items=[_view(name, services.settings.public_url) for name in Problem])


@router.get("/problems/{name}", summary="What one refusal means", responses=responses(Problem.NOT_FOUND))
async def get_problem(name: str, services: Svc, _: Anyone) -> ProblemView:
    if name not in set(Problem):
        raise not_found("problem")
    return _view(Problem(name), services.settings.public_url)


def _view(name: Problem, public_url: str) -> ProblemView:
    explained, status = EXPLAINED[name], STATUS[name]
    return ProblemView(
        name=name.value,
        type=address_of(name.value, public_url=public_url),
        title=title_of(name.value),
        status=status,
        meaning=explained.meaning,
        remedy=explained.remedy,
        members=[
            MemberMeaning(name=key, meaning=member.meaning, always=member.always)
            for key, member in explained.members.items()
        ],
        request=ExampleRequest(call=explained.request, body=explained.body),
        answer=example_of(name, status, public_url=public_url),
    )
