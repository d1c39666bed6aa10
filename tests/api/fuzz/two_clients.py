"""Whoever can ask, and what there is to ask for: Sara's rows, of ana's, and Tom's, of ben's, one of everything each."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import httpx
from sqlmodel import select

from models.tables import ChatMember, Client, DocumentShare
from rules.enums import Role
from tests.api.callers import Callers, Headers
from tests.api.everything import Everything, one_of_everything
from tests.care.defaults import SITE_KEY, details
from tests.care.rows import Rows

WHO = ("nobody", "site", "sara", "tom", "ana", "ben", "desk", "admin")
_NOT_SECRET = {"slug", "an_intake_form", "community_chat_id", "closure_id"}  # everybody may know of them
_OF_A_RECORD = {
    *("appointment_id", "payment_id", "approval_id", "goal_id", "document_id", "note_id", "place_id", "task_id"),
    *("notification_id", "archive_id", "group_id", "direct_chat_id", "care_team_chat_id", "group_chat_id"),
}
_EVERYBODYS = {"group_id", "task_id", "archive_id", "id", "keeping_id", "own_kind"}  # of no client


@dataclass(frozen=True)
class TwoClients:
    """``sara`` and ``tom``: what belongs to each, by the name that it has in paths and bodies."""

    headers: dict[str, Headers]
    sara: dict[str, str]
    tom: dict[str, str]
    before: tuple[object, ...]

    def called(self, name: str, whose: str) -> list[str]:
        """What a field or parameter of this name can refer to, of one of the two."""
        ids = {"sara": self.sara, "tom": self.tom}[whose]
        return [ids[key] for key in _MEANS.get(name, (name,)) if key in ids]

    def not_for(self, who: str) -> set[str]:
        """The ids that no answer may tell this caller: the other client's, and what the other therapist has of them; of
        either client's record, where an admin asks."""
        if who == "admin":
            return {id for one in (self.sara, self.tom) for name, id in one.items() if name in _OF_A_RECORD}
        others = {"sara": self.tom, "ana": self.tom, "tom": self.sara, "ben": self.sara}.get(who, {})
        mine = {*self.sara.values()} & {*self.tom.values()}
        left_out = _NOT_SECRET | (_EVERYBODYS if who in ("ana", "ben") else set())
        return {id for name, id in others.items() if name not in left_out} - mine


# What some fields and parameters are called otherwise than in paths.
_MEANS = {
    **dict.fromkeys(("client", "client_ids", "members", "into", "who"), ("client_id",)),
    "therapist": ("slug",),
    "group": ("group_id",),
    "kind": ("own_kind", "an_intake_form"),
    "chat_id": ("direct_chat_id", "care_team_chat_id", "group_chat_id", "community_chat_id"),
}


async def two_clients(rows: Rows) -> TwoClients:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    sara = await rows.client(ana, **details("Sara"), stripe_customer="cus_sara")
    tom = await rows.client(ben, **details("Tom"), stripe_customer="cus_tom")
    callers = Callers(ana=ana, ben=ben, sara=sara, tom=tom, headers={})
    hers = await one_of_everything(rows, callers)
    his = await one_of_everything(rows, replace(callers, ana=ben, ben=ana, sara=tom, tom=sara))
    headers = {"nobody": {}, "site": {"Authorization": f"Bearer {SITE_KEY}"}}
    headers |= {name: await rows.signed_in(client) for name, client in (("sara", sara), ("tom", tom))}
    people = {
        "ana": await rows.staff("ana", Role.THERAPIST, therapist=ana),
        "ben": await rows.staff("ben", Role.THERAPIST, therapist=ben),
        "desk": await rows.staff("cora", Role.CARE_TEAM),
        "admin": await rows.staff("ada", Role.ADMIN),
    }
    headers |= {name: await rows.session_of(account) for name, account in people.items()}
    return TwoClients(headers=headers, sara=_ids(hers), tom=_ids(his), before=await _who_sees_what(rows))


def _ids(of_one: Everything) -> dict[str, str]:
    chats = {f"{kind}_chat_id": id for kind, id in of_one.chats.items()}
    return {**of_one.ids, **chats, "an_intake_form": "informed_consent"}


async def is_as_it_was(rows: Rows, there: TwoClients, api: httpx.AsyncClient, who: Iterable[str] = WHO[1:]) -> bool:
    """Whether everybody is signed in, and nobody sees more or less than at the beginning."""
    if there.before != await _who_sees_what(rows):
        return False
    answers = [await api.get("/v1/me", headers=there.headers[name]) for name in who]
    return all(answer.status_code == 200 for answer in answers)


async def _who_sees_what(rows: Rows) -> tuple[object, ...]:
    """What decides whose client somebody is, and in which chats: so much may nobody change unnoticed."""
    async with rows.sessions() as session:
        clients = await session.exec(select(Client.id, Client.therapist_id, Client.joined_into))
        members = await session.exec(select(ChatMember.chat_id, ChatMember.client_id))
        shares = await session.exec(select(DocumentShare.document_id, DocumentShare.client_id))
        return tuple(sorted(map(str, found)) for found in (clients, members, shares))
