"""Tokens of therapists' programs: made, listed and revoked by an admin."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks
from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.acts import Acts
from api.access_log.declared import shows_no_client
from api.accounts.practice_mails import have_delivered
from api.accounts.tokens import hash_of, new_token
from api.deps import Admin, Now, RequestId, Svc
from api.idempotency import IdempotentRoute
from api.problems import not_found, responses
from models.reads.accounts.tokens import public_id, tokens_of_therapist
from models.reads.booking.therapists import therapist_by_slug
from models.tables.accounts.token import Token, TokenKind
from models.tables.booking.therapist import Therapist
from models.writes.accounts.profiles import tell_therapist
from models.writes.accounts.tokens import revoke_token
from rules.accounts.accesses import AccessEvent
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1", tags=["therapists"], route_class=IdempotentRoute, dependencies=[shows_no_client("tokens of programs")]
)


class NewTokenView(BaseModel):
    token: str
    expires_at: datetime


@router.post(
    "/therapists/{slug}/tokens",
    status_code=201,
    summary="Make a token for a therapist",
    responses=responses(Problem.NOT_FOUND),
)
async def make_therapist_token(
    *, slug: str, services: Svc, caller: Admin, acts: Acts, request_id: RequestId, now: Now, after: BackgroundTasks
) -> NewTokenView:
    """The therapist is told by mail."""
    token = new_token()
    async with services.sessions() as session:
        therapist = await _therapist(session, slug)
        row = Token(
            hash=hash_of(token),
            kind=TokenKind.THERAPIST,
            therapist_id=therapist.id,
            made_at=now,
            made_by=caller.actor,
            expires_at=now + services.settings.policy.token_ttl,
        )
        session.add(row)
        await acts.note(session, (AccessEvent.TOKEN_MADE, therapist.slug))
        await tell_therapist(session, therapist, reason=str(request_id), at=now)
        await session.commit()
    after.add_task(have_delivered, services.engine)
    return NewTokenView(token=token, expires_at=row.expires_at)


class TokenView(BaseModel):
    id: UUID
    made_at: datetime
    made_by: str | None
    last_used_at: datetime | None
    expires_at: datetime


class TokenList(BaseModel):
    items: list[TokenView]
    next_cursor: None = None


@router.get(
    "/therapists/{slug}/tokens",
    summary="A therapist's tokens that are good, the newest first",
    responses=responses(Problem.NOT_FOUND),
)
async def list_therapist_tokens(slug: str, services: Svc, _: Admin, now: Now) -> TokenList:
    async with services.sessions() as session:
        found = await tokens_of_therapist(session, (await _therapist(session, slug)).id, now=now)
    return TokenList(
        items=[
            TokenView(
                id=public_id(token),
                made_at=token.made_at,
                made_by=token.made_by,
                last_used_at=token.last_used_at,
                expires_at=token.expires_at,
            )
            for token in found
        ]
    )


@router.delete(
    "/therapists/{slug}/tokens/{token_id}",
    status_code=204,
    summary="Revoke a therapist's token",
    responses=responses(Problem.NOT_FOUND),
)
async def end_therapist_token(slug: str, token_id: UUID, services: Svc, _: Admin, acts: Acts, now: Now) -> None:
    async with services.sessions() as session:
        found = await tokens_of_therapist(session, (await _therapist(session, slug)).id, now=now)
        token = next((token for token in found if public_id(token) == token_id), None)
        if token is None:
            raise not_found("token")
        await revoke_token(session, token.hash, at=now)
        await acts.note(session, (AccessEvent.TOKEN_REVOKED, slug))
        await session.commit()


async def _therapist(session: AsyncSession, slug: str) -> Therapist:
    therapist = await therapist_by_slug(session, slug)
    if therapist is None:
        raise not_found("therapist")
    return therapist
