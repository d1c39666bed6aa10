"""Payloads are read by persons of the care team: by the token of a sign-in, or an access token of the provider."""

import base64
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from models.database import Sessions
from rules.accounts.accesses import AccessEvent
from rules.enums import Role
from tests.api.access_log.log import lines
from tests.api.accounts.factors.apps import a_colleague, demand, needs_factor
from tests.api.accounts.oidc.conftest import MFA, SignIns
from tests.api.conftest import DESK, ROOT, SITE, problem_of
from tests.care.rows import NOW, Rows
from tests.care.signing_in.oidc_provider import CLIENT_ID, EC, OTHERS, by_public_key, unsigned

AUDIENCE = "https://api.practice.example"
Json = dict[str, Any]
Headers = dict[str, str]


def payload(said: Any) -> Json:
    encoding = base64.b64encode(b"json/plain").decode()
    data = base64.b64encode(json.dumps(said).encode()).decode()
    return {"payloads": [{"metadata": {"encoding": encoding}, "data": data}]}


async def decodes(api: httpx.AsyncClient, headers: Headers, said: Any = "Sara") -> httpx.Response:
    """What was encoded is given back, or both are refused."""
    encoded = await api.post("/codec/encode", json=payload(said), headers=headers)
    if encoded.status_code != 200:
        refused = await api.post("/codec/decode", json=payload(said), headers=headers)
        assert (refused.status_code, refused.json()["detail"]) == (encoded.status_code, encoded.json()["detail"])
        return refused
    decoded = await api.post("/codec/decode", json=encoded.json(), headers=headers)
    assert decoded.json() == payload(said)
    return decoded


def bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def access_token(sign_ins: SignIns, claims: Json | None = None, **header: Any) -> Headers:
    usual = {"aud": AUDIENCE, "sub": "subject-of-maria", "client_id": "temporal cli", "jti": "1"}
    return bearer(sign_ins.provider.token(usual | (claims or {}), **({"typ": "at+jwt"} | header)))


@pytest.fixture
async def linked(sign_ins: SignIns, rows: Rows) -> SignIns:
    """Maria of the care team has signed in by the provider once."""
    await rows.staff("maria", Role.CARE_TEAM)
    assert (await sign_ins.signs_in()).status_code == 201
    sign_ins.trusts(audience=AUDIENCE)
    return sign_ins


# ---------------------------------------------------------------- whose token


@pytest.mark.parametrize("key", [SITE, DESK, ROOT])
async def test_no_key_opens_payloads(api: httpx.AsyncClient, key: Headers) -> None:
    answer = await decodes(api, key)
    assert problem_of(answer) == "not-allowed"
    assert "by a person" in answer.json()["detail"]


async def test_no_token_of_a_therapists_program_opens_payloads(api: httpx.AsyncClient, people: Any) -> None:
    assert problem_of(await decodes(api, people.by("ana"))) == "not-allowed"


@pytest.mark.parametrize(
    ("roles", "lets_in"),
    [
        ((Role.CARE_TEAM,), True),
        ((Role.CARE_TEAM, Role.ADMIN), True),
        ((Role.ADMIN,), False),
        ((Role.THERAPIST,), False),
        ((Role.THERAPIST, Role.ADMIN), False),
    ],
)
async def test_the_care_team_reads_payloads_under_its_own_role(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, roles: tuple[Role, ...], lets_in: bool
) -> None:
    ana = await rows.therapist("ana") if Role.THERAPIST in roles else None
    person = await rows.staff("maria", *roles, therapist=ana)
    sara = await rows.client()
    answer = await decodes(api, await rows.session_of(person), {"client_id": str(sara.id)})
    assert answer.status_code == (200 if lets_in else 403)
    found = [(line.who, line.role, line.account_id, line.whose) for line in await lines(sessions, AccessEvent.DECODE)]
    assert found == ([("maria", "care_team", person.id, [sara.id])] if lets_in else [])


async def test_no_client_reads_payloads(api: httpx.AsyncClient, rows: Rows) -> None:
    sara = await rows.client(account_active=True)
    assert problem_of(await decodes(api, await rows.signed_in(sara))) == "not-allowed"


# ---------------------------------------------------------------- access tokens of the provider


async def test_an_access_token_of_the_provider_is_of_a_person(linked: SignIns, rows: Rows, sessions: Sessions) -> None:
    sara = await rows.client()
    answer = await decodes(linked.api, access_token(linked), {"client_id": str(sara.id)})
    assert answer.status_code == 200, answer.text
    [line] = await lines(sessions, AccessEvent.DECODE)
    assert (line.who, line.role, line.whose) == ("maria", "care_team", [sara.id])
    assert await lines(sessions, AccessEvent.KEY_USE) == []


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [AUDIENCE, "another"]},
        {"aud": AUDIENCE, "email_verified": None},
    ],
)
@pytest.mark.parametrize("kind", ["at+jwt", "application/at+jwt", "AT+JWT", "JWT"])
async def test_access_tokens_that_are_right(linked: SignIns, claims: Json, kind: str) -> None:
    assert (await decodes(linked.api, access_token(linked, claims, typ=kind))).status_code == 200


@pytest.mark.parametrize(
    "forged",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another program"},
        {"aud": CLIENT_ID},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 2**40},
        {"iat": None},
        {"sub": "another"},
        {"sub": None},
        {"nonce": "of an ID token"},
        {"at_hash": "of an ID token"},
    ],
)
async def test_access_tokens_that_prove_nothing(linked: SignIns, sessions: Sessions, forged: Json) -> None:
    assert problem_of(await decodes(linked.api, access_token(linked, forged))) == "unauthenticated"
    assert await lines(sessions, AccessEvent.DECODE) == []


async def test_signatures_of_access_tokens_that_prove_nothing(linked: SignIns) -> None:
    good = access_token(linked)["Authorization"].removeprefix("Bearer ")
    for token in (
        unsigned(good),
        by_public_key(good),
        f"{good}x",
        f"{good[:-40]}",
        "eyJ.eyJ.x",
        "ey..",
        "ey" + "." * 2,
    ):
        assert problem_of(await decodes(linked.api, bearer(token))) == "unauthenticated", token
    linked.provider.key = OTHERS
    assert problem_of(await decodes(linked.api, access_token(linked))) == "unauthenticated"
    linked.provider.key = EC
    assert (await decodes(linked.api, access_token(linked))).status_code == 200
    assert problem_of(await decodes(linked.api, access_token(linked, kid="unknown"))) == "unauthenticated"


@pytest.mark.parametrize("kind", ["JWT", None, "jws"])
async def test_an_id_token_is_no_access_token(linked: SignIns, kind: str | None) -> None:
    """Where access tokens have the audience of ID tokens, their type tells them apart."""
    linked.trusts()
    same = {"aud": CLIENT_ID}
    linked.provider.header = {"typ": kind}
    assert problem_of(await decodes(linked.api, access_token(linked, same))) == "unauthenticated"
    linked.provider.header = {}
    assert (await decodes(linked.api, access_token(linked, same))).status_code == 200


async def test_an_access_token_opens_no_other_call(linked: SignIns) -> None:
    for path in ("/v1/me", "/v1/clients", "/v1/sessions"):
        assert problem_of(await linked.api.get(path, headers=access_token(linked))) == "unauthenticated"
    beside = SITE | {"On-Behalf-Of": access_token(linked)["Authorization"]}
    assert problem_of(await decodes(linked.api, beside)) == "unauthenticated"
    under = access_token(linked) | {"On-Behalf-Of": SITE["Authorization"]}
    assert problem_of(await decodes(linked.api, under)) == "not-allowed"


async def test_who_never_signed_in_by_the_provider_is_not_known_by_it(sign_ins: SignIns, rows: Rows) -> None:
    """An address is no proof here, however verified."""
    await rows.staff("maria", Role.CARE_TEAM)
    sign_ins.trusts(audience=AUDIENCE)
    claims = {"email": "maria@practice.example", "email_verified": True}
    assert problem_of(await decodes(sign_ins.api, access_token(sign_ins, claims))) == "unauthenticated"


async def test_an_access_token_ends_with_the_account_and_follows_its_roles(linked: SignIns, rows: Rows) -> None:
    here = access_token(linked)
    await rows.staff("ivo", Role.ADMIN, made_at=NOW - timedelta(days=1))
    people = (await linked.api.get("/v1/staff", headers=ROOT)).json()["items"]
    maria = next(person for person in people if person["handle"] == "maria")
    one = f"/v1/staff/{maria['id']}"
    assert (await linked.api.patch(one, json={"roles": ["admin"]}, headers=ROOT)).status_code == 200
    assert problem_of(await decodes(linked.api, here)) == "not-allowed"
    assert (await linked.api.patch(one, json={"roles": ["care_team"]}, headers=ROOT)).status_code == 200
    assert (await decodes(linked.api, here)).status_code == 200
    assert (await linked.api.delete(one, headers=ROOT)).status_code == 204
    assert problem_of(await decodes(linked.api, here)) == "unauthenticated"


async def test_a_second_factor_is_asked_of_an_access_token_too(sign_ins: SignIns, rows: Rows) -> None:
    """Nobody can type a code there: so the provider must have asked, and be trusted in it."""
    maria = await (await a_colleague(sign_ins.api, rows, sign_ins.real)).enrols()
    assert (await sign_ins.signs_in(code=maria.app.next_code())).status_code == 201
    shown = {"amr": ["mfa"]}
    sign_ins.trusts(audience=AUDIENCE)
    needs_factor(await decodes(sign_ins.api, access_token(sign_ins, shown)), factors=[])
    sign_ins.trusts(MFA, audience=AUDIENCE)
    needs_factor(await decodes(sign_ins.api, access_token(sign_ins)), factors=[])
    assert (await decodes(sign_ins.api, access_token(sign_ins, shown))).status_code == 200


async def test_and_where_one_is_demanded(linked: SignIns) -> None:
    demand(linked.app)
    needs_factor(await decodes(linked.api, access_token(linked, {"amr": ["mfa"]})), factors=[])
    linked.trusts(MFA, audience=AUDIENCE)
    assert (await decodes(linked.api, access_token(linked, {"amr": ["mfa"]}))).status_code == 200


async def test_the_provider_away_is_said_so_and_sign_ins_go_on(linked: SignIns, rows: Rows) -> None:
    here = access_token(linked)
    linked.provider.url = "http://127.0.0.1:9"
    linked.trusts(audience=AUDIENCE)
    assert problem_of(await decodes(linked.api, here)) == "engine-unavailable"
    ivo = await rows.session_of(await rows.staff("ivo", Role.CARE_TEAM))
    assert (await decodes(linked.api, ivo)).status_code == 200
