"""Personal details: writing them down, and noticing an address that somebody has already."""

import re
from datetime import datetime

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.core import open_task_once
from activities.types import ClientDetails
from models.client import Client
from models.timeline import append_fact
from rules.availability import find_zone
from rules.people import Caller, fold_email
from rules.refusals import Problem, Refusal, invalid
from rules.words import Role, TaskKind

_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")  # the API looks closer; this is for what comes another way


async def owner_of_address(session: AsyncSession, email: str, *, other_than: Client) -> Client | None:
    """The activated or staff-made client with this address, if there is another."""
    statement = select(Client).where(
        col(Client.email_folded) == fold_email(email),
        or_(col(Client.account_active).is_(True), col(Client.made_by_staff).is_(True)),
        col(Client.id) != other_than.id,
    )
    return (await session.exec(statement)).first()


def email_in_use(owner: Client) -> Refusal:
    """For staff only: the exact sentence, and who it is; their own ``status`` says whether to offer to unarchive."""
    return Refusal(
        name=Problem.EMAIL_IN_USE,
        detail="Email in use.",
        data={"client_id": str(owner.id), "status": owner.status.value},
    )


async def write_details(
    session: AsyncSession, client: Client, details: ClientDetails, *, by: Caller, at: datetime
) -> Refusal | None:
    """Write what was said, and record which details changed (never their content).

    Staff are told of an address in use. Anybody else gets the ordinary answer, whatever is known, so that a public
    form never tells; staff then find a task. A signed-in client is refused in general words.
    """
    said = {name: value for name, value in vars(details).items() if value is not None}
    if "time_zone" in said and find_zone(said["time_zone"]) is None:
        return invalid("time_zone", "must be an IANA time zone such as America/New_York")
    if "email" in said and not _ADDRESS.fullmatch(said["email"]):
        return invalid("email", "must be an e-mail address")
    changed = sorted(name for name, value in said.items() if getattr(client, name) != value)
    if "email" in changed:
        owner = await owner_of_address(session, said["email"], other_than=client)
        if owner is not None and by.is_practice:
            return email_in_use(owner)
        if owner is not None and (client.account_active or client.made_by_staff or by.role is Role.CLIENT):
            return Refusal(
                name=Problem.VALIDATION_FAILED,
                detail="email: cannot be changed to this address here; please contact the practice.",
                data={
                    "errors": [
                        {
                            "field": "email",
                            "message": "cannot be changed to this address here; please contact the practice",
                        }
                    ]
                },
            )
        client.email_folded = fold_email(said["email"])
        if owner is not None:
            await open_task_once(
                session,
                client,
                key=f"possible_duplicate:{client.id}:{owner.id}",
                kind=TaskKind.POSSIBLE_DUPLICATE,
                text=f"Client {client.ref} gave an address that client {owner.ref} already has: probably one person.",
                at=at,
            )
    for name in changed:
        setattr(client, name, said[name])
    session.add(client)
    if changed:
        append_fact(
            session,
            client,
            at=at,
            actor=by.actor,
            kind="details_changed",
            text="Personal details were given: " + ", ".join(name.replace("_", " ") for name in changed) + ".",
            data={"fields": changed},
        )
    return None
