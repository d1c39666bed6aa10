"""The answers of the matching form, as they are sent."""

from typing import Annotated

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.bodies import Body, Name, Note, Words
from api.matching.vocabulary import IN_ANSWERS, by_code, present_vocabulary, words_in
from api.settings import ApiSettings
from rules.clients.answers import PARTS
from rules.clients.vocabulary import FormPart, Word
from rules.enums import Modality
from rules.local_time import WEEKDAYS


class PreferredTimeBody(Body):
    weekday: Annotated[str, Field(pattern=rf"^({'|'.join(WEEKDAYS)})$")]
    part: Annotated[str, Field(pattern=rf"^({'|'.join(PARTS)})$")]


class AnswersBody(Body):
    """The matching form, by the codes of its words (``GET /v1/matching-form``). ``note`` is never scored."""

    state: Name
    modality: Modality
    concerns: Words = Field(default_factory=list)
    languages: Words = Field(default_factory=list, description="Best first.")
    therapist_gender: Name | None = None
    insurance: Name | None = None
    preferred_times: Annotated[list[PreferredTimeBody], Field(max_length=21)] = Field(default_factory=list)
    note: Note | None = None


async def in_words(
    session: AsyncSession, settings: ApiSettings, answers: AnswersBody
) -> tuple[AnswersBody, list[tuple[str, FormPart, Word]]]:
    """The answers by the codes of their words, and each word with its field. Raises Refused for other words."""
    vocabulary = await present_vocabulary(session, settings)
    said = answers.model_dump()
    coded = by_code(vocabulary, IN_ANSWERS, said, under="answers.")
    return AnswersBody(**said | coded), list(words_in(vocabulary, IN_ANSWERS, coded))
