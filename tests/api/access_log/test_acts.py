"""Who changed what a person or a program may: each act is a line, which names who did it and to whom."""

from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from models.database import Sessions
from models.tables import Account, OidcLink, SecondFactor
from ops import keys
from ops.invite import invite_admin
from ops.second_factor import take_from
from rules.accounts.accesses import AccessEvent
from rules.accounts.second_factors import FactorKind
from rules.enums import Role
from rules.policy import JourneyPolicy
from tests.api.access_log.log import Headers, lines
from tests.api.conftest import DESK, problem_of
from tests.care.rows import NOW, Rows

IVO = {"name": "Ivo Lang", "email": "ivo@practice.example", "roles": ["care_team"]}
ACTS = tuple(event for event in AccessEvent if event.is_act)
Act = tuple[str, str | None]


@pytest.fixture
async def maria(rows: Rows) -> Headers:
    return await rows.session_of(await rows.staff("maria", Role.ADMIN))


async def acts(sessions: Sessions, *, by: str = "maria", role: str | None = "admin") -> list[Act]:
    found = await lines(sessions, *ACTS)
    assert {(line.who, line.role) for line in found} <= {(by, role)}
    return [(line.event.value, line.about) for line in found]


async def ask(api: httpx.AsyncClient, method: str, path: str, by: Headers, status: int, **body: Any) -> Any:
    answer = await api.request(method, path, headers=by, json=body or None)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def with_factor(rows: Rows, account: Account) -> None:
    made: Any = {"account_id": account.id, "kind": FactorKind.TOTP, "made_at": NOW, "confirmed_at": NOW}
    await rows.add(SecondFactor(id=account.id, secret="a secret", **made))


def test_what_is_an_act() -> None:
    assert len(ACTS) == 21
    assert not [event for event in ACTS if event.is_of_data]


async def test_what_becomes_of_a_colleague(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, maria: Headers
) -> None:
    for slug in ("ana", "ben"):
        await rows.therapist(slug)
    ivo = await ask(api, "POST", "/v1/staff", maria, 201, **IVO)
    path, invitation = f"/v1/staff/{ivo['id']}", f"/v1/invitations/{ivo['id']}"
    await ask(api, "POST", f"{invitation}/resend", maria, 202)
    assert await acts(sessions) == [("invited", "ivo-lang")] * 2
    await ask(api, "PATCH", path, maria, 200, name="Ivo L.")
    await ask(api, "PATCH", path, maria, 200, name="Ivo L.", roles=["care_team"])  # as it is
    await ask(api, "PATCH", path, maria, 200, roles=["therapist"], therapist="ana")
    await ask(api, "PATCH", path, maria, 200, roles=["therapist"], therapist="ben")
    await ask(api, "DELETE", invitation, maria, 204)
    assert (await acts(sessions))[2:] == [
        ("name_changed", "ivo-lang"),
        ("roles_changed", "ivo-lang"), ("profile_given", "ana"),
        ("profile_taken", "ana"), ("profile_given", "ben"),
        ("invitation_revoked", "ivo-lang"),
    ]  # fmt: skip
    eva = await rows.staff("eva", Role.CARE_TEAM)
    await with_factor(rows, eva)
    await rows.add(OidcLink(issuer="https://id.example", subject="eva", account_id=eva.id, linked_at=NOW))
    for what in ("/second-factors", "/second-factors", "/oidc", "/oidc", ""):
        await ask(api, "DELETE", f"/v1/staff/{eva.id}{what}", maria, 204)
    assert (await acts(sessions))[8:] == [
        ("second_factor_taken", "eva"), ("sign_in_unlinked", "eva"), ("account_ended", "eva"),
    ]  # fmt: skip


async def test_locks_are_acts(api: httpx.AsyncClient, rows: Rows, sessions: Sessions, maria: Headers) -> None:
    eva = await rows.staff("eva", Role.CARE_TEAM)
    for method in ("POST", "POST", "DELETE", "DELETE"):
        await ask(api, method, f"/v1/staff/{eva.id}/lock", maria, 204)
    assert await acts(sessions) == [("account_locked", "eva"), ("account_unlocked", "eva")]


async def test_one_who_is_invited_as_a_therapist_is_given_the_profile(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, maria: Headers
) -> None:
    await rows.therapist("ana")
    await ask(api, "POST", "/v1/staff", maria, 201, **IVO | {"roles": ["therapist"], "therapist": "ana"})
    assert await acts(sessions) == [("invited", "ivo-lang"), ("profile_given", "ana")]


async def test_what_becomes_of_keys_and_tokens(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, maria: Headers
) -> None:
    await rows.therapist("ana")
    key = await ask(api, "POST", "/v1/keys", maria, 201, name="site-2", role="booking_site")
    await ask(api, "POST", f"/v1/keys/{key['id']}/rotate", maria, 201)
    await ask(api, "DELETE", f"/v1/keys/{key['id']}", maria, 204)
    await ask(api, "POST", "/v1/therapists/ana/tokens", maria, 201)
    [token] = (await ask(api, "GET", "/v1/therapists/ana/tokens", maria, 200))["items"]
    await ask(api, "DELETE", f"/v1/therapists/ana/tokens/{token['id']}", maria, 204)
    assert await acts(sessions) == [
        ("key_made", "site-2"), ("key_rotated", "site-2"), ("key_revoked", "site-2"),
        ("token_made", "ana"), ("token_revoked", "ana"),
    ]  # fmt: skip


async def test_what_becomes_of_a_webhook(api: httpx.AsyncClient, sessions: Sessions, maria: Headers) -> None:
    hook = await ask(api, "POST", "/v1/webhooks", maria, 201, **{"url": "https://site.example/", "for": "site"})
    path = f"/v1/webhooks/{hook['id']}"
    await ask(api, "PATCH", path, maria, 200, on=False)
    await ask(api, "POST", f"{path}/rotate", maria, 201)
    await ask(api, "POST", f"{path}/replay", maria, 202, since=0)
    await ask(api, "DELETE", path, maria, 204)
    done = ("webhook_made", "webhook_changed", "webhook_rotated", "webhook_replayed", "webhook_removed")
    assert await acts(sessions) == [(event, hook["id"]) for event in done]


async def test_what_is_taken_from_a_client_names_the_client(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions
) -> None:
    ana = await rows.therapist("ana")
    sara = await rows.client(ana)
    account = await rows.account(sara)
    await with_factor(rows, account)
    await ask(api, "DELETE", f"/v1/clients/{sara.id}/second-factors", DESK, 204)
    [line] = await lines(sessions, *ACTS)
    said = (line.event, line.who, line.role, line.about, line.whose)
    assert said == (AccessEvent.SECOND_FACTOR_TAKEN, "desk", "care_team", str(sara.id), [sara.id])


async def test_commands_write_down_what_they_did(rows: Rows, sessions: Sessions) -> None:
    await rows.therapist("ana")
    said: Any = {"names": (), "policy": JourneyPolicy(), "at": NOW}
    for _ in range(2):
        await invite_admin(sessions, "root@practice.example", **said)
    assert await acts(sessions, by="ops.invite", role=None) == [("invited", "root")] * 2
    eva = await rows.staff("eva", Role.CARE_TEAM)
    await invite_admin(sessions, eva.email or "", **said, therapist="ana")
    await with_factor(rows, eva)
    await take_from(sessions, eva.email or "", at=NOW)
    await take_from(sessions, eva.email or "", at=NOW)
    await keys.make(sessions, "site-2", Role.BOOKING_SITE, names=(), at=NOW)
    await keys.rotate(sessions, "site-2", at_once=True, at=NOW)
    await keys.revoke(sessions, "site-2", at=NOW)
    assert [(line.who, line.event.value, line.about) for line in await lines(sessions, *ACTS)][2:] == [
        ("ops.invite", "roles_changed", "eva"), ("ops.invite", "profile_given", "ana"),
        ("ops.second_factor", "second_factor_taken", "eva"),
        ("ops.keys", "key_made", "site-2"), ("ops.keys", "key_rotated", "site-2"),
        ("ops.keys", "key_revoked", "site-2"),
    ]  # fmt: skip


async def test_what_cannot_be_written_down_is_not_done(
    api: httpx.AsyncClient, rows: Rows, maria: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("the disk is full"))

    eva = await rows.staff("eva", Role.CARE_TEAM)
    await rows.therapist("ana")
    monkeypatch.setattr("api.access_log.acts.write_accesses", fails)
    kept = ("account", "program_key", "token", "outbox")
    before = await rows.snapshot(*kept)
    await ask(api, "POST", "/v1/staff", maria, 503, **IVO)
    await ask(api, "PATCH", f"/v1/staff/{eva.id}", maria, 503, roles=["admin"])
    await ask(api, "DELETE", f"/v1/staff/{eva.id}", maria, 503)
    await ask(api, "POST", "/v1/keys", maria, 503, name="site-2", role="booking_site")
    await ask(api, "POST", "/v1/therapists/ana/tokens", maria, 503)
    assert await rows.snapshot(*kept) == before


async def test_the_log_is_read_by_what_was_done(api: httpx.AsyncClient, rows: Rows, maria: Headers) -> None:
    eva = await rows.staff("eva", Role.CARE_TEAM)
    for roles in (["admin"], ["care_team"]):
        await ask(api, "PATCH", f"/v1/staff/{eva.id}", maria, 200, roles=roles)
    found = (await ask(api, "GET", "/v1/accesses?event=roles_changed", maria, 200))["items"]
    said = [(line["who"], line["about"], line["count"], line["signed"]) for line in found]
    assert said == [("maria", "eva", 1, True)] * 2
    assert (await ask(api, "GET", "/v1/accesses?event=name_changed", maria, 200))["items"] == []
    assert problem_of(await api.get("/v1/accesses?event=tea", headers=maria)) == "validation-failed"
