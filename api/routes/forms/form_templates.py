"""Form templates: forms that the practice makes for itself. A changed form is a new version."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import uuid5

import structlog
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import IntegrityError

from api.access_log.declared import shows_no_client
from api.bodies import Body, Flag, Line, Name, Whole
from api.commands import tell_of_new_version
from api.deps import BySlug, Now, PracticeOrAdmin, RequestId, Svc
from api.idempotency import IdempotentRoute
from api.problems import EngineUnavailable, not_found, responses, wrong_fields
from api.views.lists import Listed, cut, listed
from models.reads.forms.texts import list_own_forms, newest_text, text_of
from models.tables.forms.text import PracticeText, TextDraft
from models.writes.forms.texts import add_version
from rules.forms.conditions import Condition
from rules.forms.fields import MOST_FIELDS, MOST_OPTIONS, FieldType, FormField, check_fields
from rules.forms.templates import LONGEST_KIND, check_kind, kind_of
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["forms"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("questions, and no answers")],
)
log = structlog.get_logger(__name__)

_TRIES = 5
_LARGEST = 1_000_000_000


class ConditionBody(Body):
    """The question is asked while the one called ``field``, which stands before it, has one of these answers."""

    field: Name
    is_: Annotated[list[Flag | Whole | Line], Field(alias="is", max_length=MOST_OPTIONS)]

    def condition(self) -> Condition:
        return Condition(field=self.field, is_=tuple(self.is_))


class PartBody(Body):
    """One question. ``options`` belong to ``choice`` and ``choices``. ``most``: characters of a text, how many choices
    or files, or the largest number. A ``scale`` goes from ``least`` to ``most``, which may be labelled; a ``file`` is
    of a kind that it ``accepts``, by media type, or of any that is kept. ``when``: asked only then.
    """

    name: Name
    label: Line
    type: FieldType
    required: Flag = False
    options: Annotated[list[Line], Field(max_length=MOST_OPTIONS)] | None = None
    most: Annotated[Whole, Field(ge=-_LARGEST, le=_LARGEST)] | None = None
    least: Annotated[Whole, Field(ge=-_LARGEST, le=_LARGEST)] | None = None
    least_label: Line | None = None
    most_label: Line | None = None
    accepts: Annotated[list[Line], Field(max_length=MOST_OPTIONS)] | None = None
    when: ConditionBody | None = None

    def field(self) -> FormField:
        return FormField(
            name=self.name,
            label=self.label,
            type=self.type,
            required=self.required,
            options=tuple(self.options or ()),
            most=self.most,
            least=self.least,
            least_label=self.least_label,
            most_label=self.most_label,
            accepts=tuple(self.accepts or ()),
            when=self.when.condition() if self.when else None,
        )


class FieldBody(PartBody):
    """One question, or a ``group`` of several that belong together: its ``fields``."""

    fields: Annotated[list[PartBody], Field(max_length=MOST_FIELDS)] | None = None

    def field(self) -> FormField:
        return replace(super().field(), fields=tuple(part.field() for part in self.fields or ()))


class TemplateBody(Body):
    """Without a ``kind`` it is made from the title. The same kind again is the next version of that form."""

    title: Line
    kind: Annotated[str, Field(max_length=LONGEST_KIND)] | None = None
    fields: Annotated[list[FieldBody], Field(max_length=MOST_FIELDS)]


class ConditionView(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    field: str
    is_: list[bool | int | str] = Field(alias="is")


class FieldView(BaseModel):
    """``least``, labels, ``accepts`` and ``when`` stand there where the question has them."""

    name: str
    label: str
    type: FieldType
    required: bool
    options: list[str]
    most: int | None
    least: int | None = None
    least_label: str | None = None
    most_label: str | None = None
    accepts: list[str] | None = None
    when: ConditionView | None = None
    fields: "list[FieldView] | None" = None  # of a group


class TemplateView(BaseModel):
    kind: str
    version: int
    title: str
    fields: list[FieldView]
    made_by: str
    made_at: datetime


def fields_view(template: PracticeText | TextDraft) -> list[FieldView]:
    return [FieldView.model_validate(field) for field in template.fields]


def _view(template: PracticeText) -> TemplateView:
    shown = template.model_dump(include={"kind", "version", "title", "made_by", "made_at"})
    return TemplateView(**shown, fields=fields_view(template))


@router.post(
    "/form-templates",
    status_code=201,
    summary="Make a form, or its next version",
    response_model_exclude_unset=True,
    responses=responses(),
)
async def make_form_template(
    *, body: TemplateBody, services: Svc, caller: PracticeOrAdmin, request_id: RequestId, now: Now
) -> TemplateView:
    """Whoever has completed the form before is asked for the next version, by mail."""
    fields = [field.field() for field in body.fields]
    kind = kind_of(body.title) if body.kind is None else body.kind
    errors = check_fields(fields)
    wrong = check_kind(kind)
    if wrong is not None:
        errors["kind"] = wrong
    if errors:
        raise wrong_fields(list(errors.items()))
    for _ in range(_TRIES):
        # Whoever makes another version at this moment comes first; this one is then the next.
        with suppress(IntegrityError):
            async with services.sessions() as session:
                made = await add_version(
                    session,
                    id=uuid5(request_id, "form-template"),
                    kind=kind,
                    title=body.title,
                    fields=[field.to_document() for field in fields],
                    by=caller.actor,
                    at=now,
                )
                await session.commit()
            try:
                await tell_of_new_version(services, made)
            except EngineUnavailable:
                log.warning("not every journey could be told of a new version", form=made.kind)
            return _view(made)
    raise EngineUnavailable


@router.get(
    "/form-templates",
    summary="The practice's forms, by kind, each in its newest version",
    response_model_exclude_unset=True,
    responses=responses(),
)
async def list_form_templates(*, services: Svc, _: PracticeOrAdmin, page: BySlug) -> Listed[TemplateView]:
    async with services.sessions() as session:
        rows, last = cut(await list_own_forms(session, page), page)
    return listed([_view(row) for row in rows], (last.kind,) if last else None)


Version = Annotated[int | None, Query(ge=1, le=_LARGEST, description="The newest, unless one is named.")]


@router.get(
    "/form-templates/{kind}",
    summary="One of the practice's forms",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def get_form_template(*, kind: str, services: Svc, _: PracticeOrAdmin, version: Version = None) -> TemplateView:
    async with services.sessions() as session:
        if version is None:
            found = await newest_text(session, kind)
        else:
            found = await text_of(session, kind=kind, version=version)
    if found is None or not found.is_own:
        raise not_found("form")
    return _view(found)
