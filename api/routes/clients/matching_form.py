"""The matching form in the practice's words: what can be answered, and how many therapists offer it."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access_log.declared import shows_no_client
from api.bodies import Body, Name
from api.deps import Anyone, CareTeamOrAdmin, Now, Services, Svc
from api.idempotency import IdempotentRoute
from api.matching.vocabulary import vocabulary_of
from api.problems import responses, wrong_fields
from models.reads.clients.form_words import newest_words, offered_by, own_words, therapists_with
from models.tables.clients.form_words import FormWords
from models.writes.clients.form_words import add_words, lock_words
from rules.clients.vocabulary import OWN_PARTS, FormPart, Word, repeated

router = APIRouter(
    prefix="/v1",
    tags=["journeys"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("the words of a form")],
)


class WordView(BaseModel):
    """``offered_by``: how many therapists who take clients offer it now."""

    code: str
    name: str
    offered_by: int


class MatchingFormView(BaseModel):
    """What the matching form can be answered with, by code. ``version`` counts the practice's own words."""

    version: int
    states: list[WordView]
    concerns: list[WordView]
    languages: list[WordView]
    modalities: list[WordView]
    genders: list[WordView]
    insurances: list[WordView]


@router.get("/matching-form", summary="The words of the matching form", responses=responses())
async def get_matching_form(services: Svc, _: Anyone) -> MatchingFormView:
    async with services.sessions() as session:
        row, offered = await newest_words(session), await offered_by(session)
    return _view(services, row, offered)


class WordBody(Body):
    """Without a ``name`` it is called as it is written."""

    code: Name
    name: Name | None = None


OwnWords = Annotated[list[WordBody], Field(max_length=200)]


class MatchingFormChanges(Body):
    """The practice's own words, in the order in which they are shown. A list that is left out stays as it is."""

    concerns: OwnWords | None = None
    genders: OwnWords | None = None
    insurances: OwnWords | None = None


@router.patch("/matching-form", summary="Word the matching form", responses=responses())
async def word_matching_form(
    body: MatchingFormChanges, services: Svc, caller: CareTeamOrAdmin, now: Now
) -> MatchingFormView:
    wanted = {
        part: [Word(code=word.code, name=word.name or word.code) for word in said]
        for part in OWN_PARTS
        if (said := getattr(body, part.value)) is not None
    }
    twice = [(part.value, f"has {code} twice") for part, words in wanted.items() for code in repeated(words)]
    if twice:
        raise wrong_fields(twice)
    async with services.sessions() as session:
        row = await lock_words(session)
        missed = []
        for part, words in wanted.items():
            kept = {word.code for word in words}
            gone = [word.code for word in own_words(row)[part] if word.code not in kept]
            for code, slugs in (await therapists_with(session, part, gone)).items():
                missed.append((part.value, f"{code} is in the profile of {', '.join(slugs)}: take it out there first"))
        if missed:
            raise wrong_fields(missed)
        if any(tuple(words) != own_words(row)[part] for part, words in wanted.items()):
            row = await add_words(session, row, wanted, by=caller.actor, at=now)
        offered = await offered_by(session)
        await session.commit()
    return _view(services, row, offered)


def _view(services: Services, row: FormWords, offered: dict[tuple[FormPart, str], int]) -> MatchingFormView:
    words = vocabulary_of(row, services.settings).words
    listed = {
        part.value: [
            WordView(code=word.code, name=word.name, offered_by=offered.get((part, word.code), 0))
            for word in words[part]
        ]
        for part in FormPart
    }
    return MatchingFormView(version=row.version, **listed)
