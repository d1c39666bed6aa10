"""People who sign in on a local stack, with a password that everybody knows. They are of no use anywhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from argon2 import PasswordHasher
from sqlmodel import col, select

from models.database import Sessions
from models.reads.booking.therapists import therapist_by_slug
from models.tables.accounts.account import Account
from models.writes.accounts.staff import invite
from rules.enums import Role

PASSWORD = "a local stack only"  # noqa: S105 - public, and of made-up people
_BY = "system: the local stack"


@dataclass(frozen=True)
class LocalPerson:
    email: str
    name: str
    role: Role
    therapist: str | None = None


PEOPLE: Sequence[LocalPerson] = (
    LocalPerson("ana@practice.example", "Ana Silva", Role.THERAPIST, "ana-silva"),
    LocalPerson("ben@practice.example", "Ben Okafor", Role.THERAPIST, "ben-okafor"),
    LocalPerson("care@practice.example", "Cora Reed", Role.CARE_TEAM),
    LocalPerson("second@practice.example", "Sami Lind", Role.CARE_TEAM),
    LocalPerson("owner@practice.example", "Olive Gray", Role.ADMIN),
)


def sign_ins() -> dict[str, str]:
    """What the pages' start page shows of them, as settings of the pages."""
    return {
        "DEMO_PEOPLE": ",".join(f"{person.role.value}:{person.email}" for person in PEOPLE),
        "DEMO_PASSWORD": PASSWORD,
    }


async def add_demo_people(sessions: Sessions, now: datetime) -> None:
    """To a practice that has nobody yet: two therapists, the care team, an owner."""
    async with sessions() as session:
        if (await session.exec(select(Account.id).where(col(Account.side) == "staff").limit(1))).first() is not None:
            return
        hashed = PasswordHasher().hash(PASSWORD)
        for person in PEOPLE:
            profile = await therapist_by_slug(session, person.therapist) if person.therapist else None
            account = await invite(
                session,
                id=uuid5(NAMESPACE_URL, f"care-journeys/person/{person.email}"),
                email=person.email,
                name=person.name,
                roles=[person.role],
                therapist_id=profile.id if profile else None,
                by=_BY,
                of_settings=(),
                at=now,
            )
            account.password_hash, account.activated_at = hashed, now
            session.add(account)
        await session.commit()
