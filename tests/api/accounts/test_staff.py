"""People of the practice: invited, accepted, changed and ended; with several roles, each act under one of them."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlmodel import select

from api.accounts.tokens import hash_of
from models.tables import Account, OutboxItem
from models.tables.accounts.token import Token, TokenKind
from models.tables.mail.outbox import OutboxStatus
from ops.invite import HasAccount, NoProfile, invite_admin
from rules.enums import Role
from rules.policy import JourneyPolicy
from tests.api.conftest import DESK, ROOT, StandingClock, ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows
from workflows.messages import PRACTICE_MAIL_ID

PASSWORD = "correct horse battery"
IVO = {"name": "Ivo Lang", "email": "Ivo@practice.example", "roles": ["care_team"]}


async def invite(api: httpx.AsyncClient, **more: Any) -> Any:
    answer = await api.post("/v1/staff", json=IVO | more, headers=ROOT)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def mailed_link(rows: Rows, staff_id: str, token: str) -> str:
    """The link as the mail would have it."""
    async with rows.sessions() as session:
        account = await session.get_one(Account, staff_id)
    link: Any = {"kind": TokenKind.INVITATION, "made_at": NOW, "expires_at": NOW + timedelta(days=7)}
    await rows.add(Token(hash=hash_of(token), account_id=account.id, **link))
    return token


async def accept(api: httpx.AsyncClient, token: str, password: str = PASSWORD) -> httpx.Response:
    return await api.post("/v1/activations", json={"token": token, "password": password})


def bearer(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code in (200, 201), answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


# ---------------------------------------------------------------- from invitation to end


async def test_an_invitation_is_good_for_as_long_as_its_last_link(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    """Whoever was invited long ago has another link mailed by a password reset: what is listed is true then, too."""

    async def told() -> str:
        [waits] = (await api.get("/v1/invitations", headers=ROOT)).json()["items"]
        return str(waits["expires_at"])

    ivo = await invite(api)
    at = clock.time + JourneyPolicy().activation_link_ttl
    assert await told() == at.isoformat().replace("+00:00", "Z")
    await mailed_link(rows, ivo["id"], "the-first")
    clock.advance(days=30)
    link: Any = {"kind": TokenKind.INVITATION, "made_at": clock.time, "expires_at": clock.time + timedelta(days=7)}
    await rows.add(Token(hash=hash_of("the-second"), account_id=UUID(ivo["id"]), **link))
    assert await told() == (clock.time + timedelta(days=7)).isoformat().replace("+00:00", "Z")
    again = await api.post(f"/v1/invitations/{ivo['id']}/resend", headers=ROOT)  # both end; the next is not sent yet
    at = clock.time + JourneyPolicy().activation_link_ttl
    assert await told() == again.json()["expires_at"] == at.isoformat().replace("+00:00", "Z")


async def test_from_the_invitation_to_the_end(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine) -> None:
    ivo = await invite(api)
    assert (ivo["handle"], ivo["roles"], ivo["activated_at"]) == ("ivo-lang", ["care_team"], None)
    assert engine.asked[-1].workflow_id == PRACTICE_MAIL_ID
    [waits] = (await api.get("/v1/invitations", headers=ROOT)).json()["items"]
    assert (waits["id"], waits["invited_by"]) == (ivo["id"], "admin:root")
    assert (await api.get("/v1/staff", headers=ROOT)).json()["items"] == []
    signing_in = {"email": "ivo@practice.example", "password": PASSWORD, "side": "staff"}
    assert (await api.post("/v1/sessions", json=signing_in)).status_code == 401

    token = await mailed_link(rows, ivo["id"], "the-link")
    look = (await api.get(f"/v1/activations/{token}")).json()
    assert look["side"] == "staff"
    assert fields_of(await accept(api, token, "elevenchars")) == ["password"]
    his = bearer(await accept(api, token))
    assert (await api.get("/v1/tasks", headers=his)).status_code == 200
    assert problem_of(await api.get("/v1/staff", headers=his)) == "not-allowed"
    for again in (await accept(api, token), await api.get(f"/v1/activations/{token}")):
        assert problem_of(again) == "activation-link-invalid"
    assert (await api.get("/v1/invitations", headers=ROOT)).json()["items"] == []
    [listed] = (await api.get("/v1/staff", headers=ROOT)).json()["items"]
    assert (listed["id"], listed["ended_at"]) == (ivo["id"], None)

    here = bearer(await api.post("/v1/sessions", json=signing_in))
    assert (await api.delete(f"/v1/staff/{ivo['id']}", headers=ROOT)).status_code == 204
    for ended in (his, here):
        assert (await api.get("/v1/tasks", headers=ended)).status_code == 401
    assert (await api.post("/v1/sessions", json=signing_in)).status_code == 401
    assert problem_of(await api.delete(f"/v1/staff/{ivo['id']}", headers=ROOT)) == "not-found"
    [listed] = (await api.get("/v1/staff", headers=ROOT)).json()["items"]
    assert listed["ended_at"] is not None
    assert (await invite(api))["handle"] == "ivo-lang-2"  # what he did keeps its name


async def test_an_invitation_that_is_locked_is_accepted_by_nobody(api: httpx.AsyncClient, rows: Rows) -> None:
    """By no link that was on its way when it was locked either."""
    ivo = await invite(api)
    assert (await api.post(f"/v1/staff/{ivo['id']}/lock", headers=ROOT)).status_code == 204
    token = await mailed_link(rows, ivo["id"], "on-its-way")
    before = await rows.snapshot("account", "token")
    for answer in (await api.get(f"/v1/activations/{token}"), await accept(api, token)):
        assert problem_of(answer) == "activation-link-invalid"
    assert await rows.snapshot("account", "token") == before
    assert (await api.delete(f"/v1/staff/{ivo['id']}/lock", headers=ROOT)).status_code == 204
    bearer(await accept(api, token))


async def test_two_who_accept_at_once_are_one(api: httpx.AsyncClient, rows: Rows) -> None:
    token = await mailed_link(rows, (await invite(api))["id"], "the-link")
    answers = await asyncio.gather(*(accept(api, token, f"{PASSWORD} {number}") for number in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410]


async def test_an_invitation_is_sent_again_and_revoked(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    ivo = await invite(api)
    first = await mailed_link(rows, ivo["id"], "the-first")
    clock.advance(days=1)
    again = await api.post(f"/v1/invitations/{ivo['id']}/resend", headers=ROOT)
    assert again.status_code == 202
    assert again.json()["expires_at"].startswith((NOW + timedelta(days=8)).isoformat()[:19])
    assert problem_of(await accept(api, first)) == "activation-link-invalid"
    second = await mailed_link(rows, ivo["id"], "the-second")
    assert (await api.delete(f"/v1/invitations/{ivo['id']}", headers=ROOT)).status_code == 204
    assert problem_of(await accept(api, second)) == "activation-link-invalid"
    assert problem_of(await api.post(f"/v1/invitations/{ivo['id']}/resend", headers=ROOT)) == "not-found"
    async with rows.sessions() as session:
        mails = (await session.exec(select(OutboxItem))).all()
    assert [mail.template for mail in mails] == ["invitation", "invitation"]


async def test_who_was_invited_and_asks_for_a_new_password_is_invited_again(api: httpx.AsyncClient, rows: Rows) -> None:
    await invite(api)
    await api.post("/v1/password-resets", json={"email": "ivo@practice.example", "side": "staff"})
    async with rows.sessions() as session:
        mails = (await session.exec(select(OutboxItem))).all()
    assert [(mail.template, mail.status) for mail in mails] == [("invitation", OutboxStatus.WAITING)] * 2


async def test_one_account_for_each_address(api: httpx.AsyncClient) -> None:
    ivo = await invite(api)
    again = await api.post("/v1/staff", json=IVO | {"email": "IVO@practice.example"}, headers=ROOT)
    assert fields_of(again) == ["email"]
    key = ROOT | {"Idempotency-Key": str(uuid4())}
    twice = [await api.post("/v1/staff", json=IVO | {"email": "new@practice.example"}, headers=key) for _ in range(2)]
    assert twice[0].json() == twice[1].json()
    assert twice[0].json()["handle"] != ivo["handle"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"roles": []}, "roles"),
        ({"roles": ["client"]}, "roles"),
        ({"roles": ["therapist"]}, "therapist"),
        ({"roles": ["therapist"], "therapist": "nobody"}, "therapist"),
        ({"therapist": "ana"}, "therapist"),
        ({"email": "no address"}, "email"),
    ],
)
async def test_what_an_invitation_cannot_say(api: httpx.AsyncClient, rows: Rows, more: Any, field: str) -> None:
    await rows.therapist("ana")
    assert fields_of(await api.post("/v1/staff", json=IVO | more, headers=ROOT)) == [field]


async def test_changed_roles_count_at_once(api: httpx.AsyncClient, rows: Rows) -> None:
    ivo, _ = await rows.staff("ivo", Role.ADMIN), await rows.staff("maria", Role.ADMIN)
    his = await rows.session_of(ivo)
    assert (await api.get("/v1/staff", headers=his)).status_code == 200
    changed = await api.patch(f"/v1/staff/{ivo.id}", json={"roles": ["care_team"], "name": "Ivo"}, headers=ROOT)
    assert (changed.json()["roles"], changed.json()["handle"]) == (["care_team"], "ivo")
    assert (await api.get("/v1/staff", headers=his)).status_code == 403


# ---------------------------------------------------------------- several roles


async def test_rights_add_up_and_each_act_is_under_the_role_that_allowed_it(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine
) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    hers, his = await rows.client(ana), await rows.client(ben)
    maria = await rows.session_of(await rows.staff("maria", *_ALL, therapist=ana))
    seen = (await api.get("/v1/clients", headers=maria)).json()["items"]
    assert {client["id"] for client in seen} == {str(hers.id), str(his.id)}
    as_therapist = await api.get("/v1/clients", headers=maria | {"Acting-As": "therapist"})
    assert [client["id"] for client in as_therapist.json()["items"]] == [str(hers.id)]
    assert (await api.get("/v1/notifications", headers=maria)).status_code == 200  # therapists alone have a feed
    assert (await api.get("/v1/staff", headers=maria)).status_code == 200  # and admins alone see staff
    for client, actor in ((hers, "therapist:ana"), (his, "care_team:maria")):
        engine.answers_to["archive"] = None
        await api.post(f"/v1/clients/{client.id}/archive", headers=maria)
        assert [asked.order.by for asked in engine.asked if asked.name == "archive"][-1] == actor


async def test_an_admin_who_is_the_care_team_too_is_the_care_team_with_clients(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine
) -> None:
    sara = await rows.client(await rows.therapist("ana"))
    olga = await rows.session_of(await rows.staff("olga", Role.CARE_TEAM, Role.ADMIN))
    archive, as_admin = f"/v1/clients/{sara.id}/archive", olga | {"Acting-As": "admin"}
    engine.answers_to["archive"] = None
    await api.post(archive, headers=olga)
    assert [asked.order.by for asked in engine.asked] == ["care_team:olga"]
    assert problem_of(await api.post(archive, headers=as_admin)) == "not-allowed"
    for path, status in (("clients", 403), (f"clients/{sara.id}", 403), ("appointments", 403), ("staff", 200)):
        assert (await api.get(f"/v1/{path}", headers=as_admin)).status_code == status, path
        assert (await api.get(f"/v1/{path}", headers=olga)).status_code == 200, path
    assert len(engine.asked) == 1


async def test_an_admin_who_is_a_therapist_too_sees_their_own_clients(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist("ana")
    hers, others = await rows.client(ana), await rows.client(await rows.therapist("ben"))
    both = await rows.session_of(await rows.staff("olga", Role.ADMIN, Role.THERAPIST, therapist=ana))
    assert [one["id"] for one in (await api.get("/v1/clients", headers=both)).json()["items"]] == [str(hers.id)]
    assert (await api.get(f"/v1/clients/{hers.id}", headers=both)).status_code == 200
    assert problem_of(await api.get(f"/v1/clients/{others.id}", headers=both)) == "not-found"
    assert (await api.get("/v1/tasks", headers=both)).json()["items"] == []  # an admin's own, about no client


_ALL = (Role.CARE_TEAM, Role.ADMIN, Role.THERAPIST)


async def test_nobody_acts_in_a_role_that_is_not_theirs(api: httpx.AsyncClient, rows: Rows) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    his = await rows.client(ben)
    both = await rows.session_of(await rows.staff("maria", Role.ADMIN, Role.THERAPIST, therapist=ana))
    assert problem_of(await api.get("/v1/clients", headers=both | {"Acting-As": "care_team"})) == "not-allowed"
    only = await rows.session_of(await rows.staff("ivo", Role.THERAPIST, therapist=await rows.therapist("eva")))
    for how in ({}, {"Acting-As": "admin"}, {"Acting-As": "care_team"}):
        assert problem_of(await api.get(f"/v1/clients/{his.id}", headers=only | how)) in ("not-found", "not-allowed")
    assert problem_of(await api.get("/v1/staff", headers=only)) == "not-allowed"


async def test_what_no_role_may_is_said_as_to_the_one_that_was_told_most(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist("ana")
    maria = await rows.session_of(await rows.staff("maria", *_ALL, therapist=ana))
    assert problem_of(await api.get(f"/v1/clients/{uuid4()}", headers=maria)) == "not-found"
    note = await api.post(f"/v1/appointments/{uuid4()}/note", json={"text": "We spoke."}, headers=maria)
    assert problem_of(note) == "not-found"  # as the therapist; the others may not write notes at all
    assert problem_of(await api.delete("/v1/staff/x", headers=maria)) == "not-found"


async def test_a_wrong_password_counts_once_however_many_roles_its_owner_has(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    people = [await rows.staff(name, *_ALL[:2], password=PASSWORD) for name in ("maria", "ivo")]
    maria, ivo = [await rows.session_of(one) for one in people]
    moves, sets = {"email": "new@practice.example", "current": "wrong"}, {"current": "wrong", "password": PASSWORD}
    for path, body, headers in (("email-changes", moves, maria), ("passwords", sets, ivo)):
        answers = [await api.post(f"/v1/{path}", json=body, headers=headers) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [422] * 10 + [429]


async def test_a_file_that_cannot_be_kept_is_refused_in_clear_whatever_the_roles(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    ana = await rows.therapist("ana")
    maria = await rows.session_of(await rows.staff("maria", *_ALL, therapist=ana))
    page = {"file": ("page.html", b"<html><script>1</script></html>", "text/html")}
    for headers in (maria, maria | {"Idempotency-Key": "same"}):
        assert fields_of(await api.post("/v1/documents", files=page, headers=headers)) == ["file"]
    text = {"file": ("plan.txt", b"A plan.", "text/plain")}
    assert (await api.post("/v1/documents", files=text, headers=maria)).status_code == 201


async def test_who_has_one_role_acts_in_no_other(api: httpx.AsyncClient, rows: Rows) -> None:
    ivo = await rows.session_of(await rows.staff("ivo", Role.CARE_TEAM))
    for path in ("clients", "me"):
        assert problem_of(await api.get(f"/v1/{path}", headers=ivo | {"Acting-As": "admin"})) == "not-allowed"
        assert (await api.get(f"/v1/{path}", headers=ivo | {"Acting-As": "care_team"})).status_code == 200


async def test_one_key_of_a_request_is_one_request_whatever_the_role(api: httpx.AsyncClient, rows: Rows) -> None:
    maria = await rows.session_of(await rows.staff("maria", Role.CARE_TEAM, Role.ADMIN))
    key = maria | {"Idempotency-Key": "same"}
    first = await api.post("/v1/groups", json={"name": "Mondays"}, headers=key)
    again = await api.post("/v1/groups", json={"name": "Mondays"}, headers=key | {"Acting-As": "admin"})
    assert first.status_code == 201, first.text
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"


# ---------------------------------------------------------------- the first admin


async def test_the_first_admin_is_made_by_a_command(api: httpx.AsyncClient, rows: Rows) -> None:
    said: Any = {"names": ("desk", "root"), "policy": JourneyPolicy(), "at": NOW}
    first = await invite_admin(rows.sessions, "root@practice.example", **said)
    token = await invite_admin(rows.sessions, "Root@practice.example", **said)
    assert first is not None
    assert token is not None
    assert problem_of(await accept(api, first)) == "activation-link-invalid"  # the later one counts
    hers = bearer(await accept(api, token))
    [root] = (await api.get("/v1/staff", headers=hers)).json()["items"]
    assert (root["handle"], root["roles"]) == ("root-2", ["admin"])  # a program is called root
    with pytest.raises(HasAccount):
        await invite_admin(rows.sessions, "root@practice.example", **said)
    assert (await api.get("/v1/staff", headers=DESK)).status_code == 403


async def test_a_practice_of_one_has_every_role_from_the_start(api: httpx.AsyncClient, rows: Rows) -> None:
    said: Any = {"names": (), "policy": JourneyPolicy(), "at": NOW, "therapist": "ana"}
    with pytest.raises(NoProfile):
        await invite_admin(rows.sessions, "ana@practice.example", **said)
    await rows.therapist("ana")
    await invite_admin(rows.sessions, "ana@practice.example", **said | {"therapist": None})
    token = await invite_admin(rows.sessions, "ana@practice.example", **said)
    assert token is not None
    hers = bearer(await accept(api, token))
    [ana] = (await api.get("/v1/staff", headers=hers)).json()["items"]
    assert (ana["roles"], ana["therapist"]) == (["care_team", "admin", "therapist"], "ana")
    with pytest.raises(NoProfile):
        await invite_admin(rows.sessions, "another@practice.example", **said)


async def test_who_has_an_account_takes_the_profile_that_they_have_made(api: httpx.AsyncClient, rows: Rows) -> None:
    said: Any = {"names": (), "policy": JourneyPolicy(), "at": NOW}
    token = await invite_admin(rows.sessions, "ana@practice.example", **said)
    assert token is not None
    hers = bearer(await accept(api, token))
    assert problem_of(await api.get("/v1/notifications", headers=hers)) == "not-allowed"
    await rows.therapist("ana")
    assert await invite_admin(rows.sessions, "Ana@practice.example", **said | {"therapist": "ana"}) is None
    assert (await api.get("/v1/notifications", headers=hers)).status_code == 200  # the same sign-in
    [ana] = (await api.get("/v1/staff", headers=hers)).json()["items"]
    assert (ana["roles"], ana["therapist"]) == (["care_team", "admin", "therapist"], "ana")
    assert (await api.get("/v1/invitations", headers=hers)).json()["items"] == []
    await rows.staff("ben", Role.CARE_TEAM)
    with pytest.raises(NoProfile):
        await invite_admin(rows.sessions, "ben@practice.example", **said | {"therapist": "ana"})
