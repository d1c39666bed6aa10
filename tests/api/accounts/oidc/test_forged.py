"""Sign-ins that prove nothing: forged tokens, replayed and stolen codes, other people's browsers."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select

from models.database import Sessions
from models.tables import OidcLink, Token
from rules.accounts.accesses import AccessEvent
from rules.enums import Role
from tests.api.access_log.log import lines
from tests.api.accounts.oidc.conftest import SignIns
from tests.api.conftest import StandingClock, problem_of
from tests.care.rows import Rows
from tests.care.signing_in.oidc_provider import (
    CLIENT_ID,
    EC,
    OTHERS,
    UNKNOWN,
    OidcStandIn,
    altered,
    by_public_key,
    critical,
    unsigned,
)

Json = dict[str, Any]


@pytest.fixture(autouse=True)
async def maria(rows: Rows) -> None:
    await rows.staff("maria", Role.CARE_TEAM)


async def opens_nothing(sign_ins: SignIns, answer: Any) -> None:
    """It is refused, written down as a sign-in that failed, and nothing has come of it."""
    assert problem_of(answer) == "unauthenticated"
    async with sign_ins.app.state.services.sessions() as session:
        assert (await session.exec(select(OidcLink))).all() == []
        assert (await session.exec(select(Token))).all() == []
    assert len(await lines(sign_ins.app.state.services.sessions, AccessEvent.FAILED_SIGN_IN)) == 1


MINUTE = 60
FORGED: dict[str, Callable[[OidcStandIn, int], Json]] = {
    "another issuer": lambda _, now: {"iss": "https://evil.example"},
    "no issuer": lambda _, now: {"iss": None},
    "the issuer with a slash": lambda provider, now: {"iss": f"{provider.url}/"},
    "another audience": lambda _, now: {"aud": "another program"},
    "no audience": lambda _, now: {"aud": None},
    "many audiences and no party": lambda _, now: {"aud": [CLIENT_ID, "another program"]},
    "another party": lambda _, now: {"azp": "another program"},
    "another party among many audiences": lambda _, now: {"aud": [CLIENT_ID, "x"], "azp": "x"},
    "another nonce": lambda _, now: {"nonce": "another"},
    "no nonce": lambda _, now: {"nonce": None},
    "a list of nonces": lambda _, now: {"nonce": ["another"]},
    "expired": lambda _, now: {"exp": now - 2 * MINUTE},
    "without an end": lambda _, now: {"exp": None},
    "an end that is none": lambda _, now: {"exp": float("nan")},
    "from the future": lambda _, now: {"iat": now + 2 * MINUTE},
    "without a beginning": lambda _, now: {"iat": None},
    "not good yet": lambda _, now: {"nbf": now + 2 * MINUTE},
    "another access token": lambda _, now: {"at_hash": "x"},
    "no subject": lambda _, now: {"sub": None},
    "an empty subject": lambda _, now: {"sub": ""},
    "an endless subject": lambda _, now: {"sub": "x" * 256},
    "a subject that cannot be stored": lambda _, now: {"sub": "a\0b"},
    "a subject that is a number": lambda _, now: {"sub": 1},
}


@pytest.mark.parametrize("what", FORGED)
async def test_claims_that_are_wrong(sign_ins: SignIns, what: str) -> None:
    sign_ins.provider.claims = FORGED[what](sign_ins.provider, int(sign_ins.real.time.timestamp()))
    await opens_nothing(sign_ins, await sign_ins.signs_in())


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT_ID]},
        {"azp": CLIENT_ID},
        {"aud": [CLIENT_ID, "x"], "azp": CLIENT_ID},
        {"at_hash": None},
    ],
)
async def test_claims_that_are_right(sign_ins: SignIns, claims: Json) -> None:
    sign_ins.provider.claims = claims
    assert (await sign_ins.signs_in()).status_code == 201


async def test_clocks_may_differ_by_a_minute(sign_ins: SignIns) -> None:
    now = int(sign_ins.real.time.timestamp())
    sign_ins.provider.claims = {"exp": now - 59, "iat": now + 59}
    assert (await sign_ins.signs_in()).status_code == 201


@pytest.mark.parametrize("rewritten", [unsigned, by_public_key, altered, lambda _: "no.token.at-all", lambda _: "e30"])
async def test_signatures_that_prove_nothing(sign_ins: SignIns, rewritten: Callable[[str], str]) -> None:
    """None at all; one by HS256, with the public key as its secret; one of other claims; and what is no token."""
    sign_ins.provider.rewritten = rewritten
    await opens_nothing(sign_ins, await sign_ins.signs_in())


async def test_another_key_of_the_same_name(sign_ins: SignIns) -> None:
    sign_ins.provider.key = OTHERS
    await opens_nothing(sign_ins, await sign_ins.signs_in())


async def test_an_unknown_key_which_is_looked_for_once_a_minute(sign_ins: SignIns, sessions: Sessions) -> None:
    """Only when the provider has it."""
    sign_ins.provider.key = UNKNOWN
    await opens_nothing(sign_ins, await sign_ins.signs_in())
    sign_ins.provider.keys.append(UNKNOWN)
    for _ in range(3):
        assert problem_of(await sign_ins.signs_in()) == "unauthenticated"
    assert sign_ins.provider.asked["/keys"] == 1
    sign_ins.real.advance(minutes=1)
    assert (await sign_ins.signs_in()).status_code == 201
    assert sign_ins.provider.asked["/keys"] == 2


async def test_a_key_that_the_provider_took_back_is_believed_for_ten_minutes_at_most(sign_ins: SignIns) -> None:
    assert (await sign_ins.signs_in()).status_code == 201
    sign_ins.provider.keys = [EC]
    sign_ins.real.advance(minutes=10)
    assert problem_of(await sign_ins.signs_in()) == "unauthenticated"
    sign_ins.provider.key = EC
    assert (await sign_ins.signs_in()).status_code == 201


@pytest.mark.parametrize("number", [1, 2])
async def test_a_token_without_a_key_id_fits_the_only_key(sign_ins: SignIns, number: int) -> None:
    sign_ins.provider.keys = sign_ins.provider.keys[:number]
    sign_ins.provider.header = {"kid": None}
    answer = await sign_ins.signs_in()
    assert answer.status_code == (201 if number == 1 else 401)


async def test_an_access_token_is_no_id_token(sign_ins: SignIns) -> None:
    sign_ins.provider.header = {"typ": "at+jwt"}
    await opens_nothing(sign_ins, await sign_ins.signs_in())


async def test_what_is_critical_and_not_known_is_refused(sign_ins: SignIns) -> None:
    sign_ins.provider.rewritten = critical
    await opens_nothing(sign_ins, await sign_ins.signs_in())


# ---------------------------------------------------------------- codes and browsers


async def test_a_code_and_its_state_work_once(sign_ins: SignIns) -> None:
    shown = await sign_ins.comes_back()
    assert (await sign_ins.shows(shown)).status_code == 201
    assert problem_of(await sign_ins.shows(shown)) == "unauthenticated"
    assert sign_ins.provider.asked["/token"] == 1


async def test_of_many_at_once_one_is_let_in(sign_ins: SignIns) -> None:
    shown = await sign_ins.comes_back()
    answers = await asyncio.gather(*(sign_ins.shows(shown) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, *[401] * 5]
    assert sign_ins.provider.asked["/token"] == 1


async def test_somebody_elses_code_slipped_to_a_browser_opens_nothing(sign_ins: SignIns) -> None:
    """Login CSRF: an attacker sends a victim to the page with a code and a state of the attacker's own."""
    attacker = await sign_ins.comes_back()
    victim = await sign_ins.begins()
    await opens_nothing(sign_ins, await sign_ins.shows(attacker | {"secret": victim["secret"]}))
    assert sign_ins.provider.asked["/token"] == 0


async def test_a_code_of_another_browser_fits_no_verifier(sign_ins: SignIns) -> None:
    """Who has stolen a code, and shows it as their own, with their own state: PKCE stops it at the provider."""
    stolen = await sign_ins.comes_back()
    thief = await sign_ins.begins()
    shown = {"code": stolen["code"], "state": thief["state"], "secret": thief["secret"]}
    await opens_nothing(sign_ins, await sign_ins.shows(shown))
    assert sign_ins.provider.asked["/token"] == 1


@pytest.mark.parametrize("name", ["code", "state", "secret"])
@pytest.mark.parametrize("value", ["another", "é", "\ud800", "x\0"])
async def test_what_is_made_up(sign_ins: SignIns, name: str, value: str) -> None:
    shown = await sign_ins.comes_back() | {name: value}
    body = json.dumps({"oidc": shown})
    answer = await sign_ins.api.post("/v1/sessions", content=body, headers={"Content-Type": "application/json"})
    assert problem_of(answer) in ("unauthenticated", "validation-failed")


async def test_a_sign_in_is_under_way_for_ten_minutes_of_the_worlds_time(
    sign_ins: SignIns, clock: StandingClock
) -> None:
    shown = await sign_ins.comes_back()
    clock.advance(days=1)
    sign_ins.real.advance(minutes=10)
    await opens_nothing(sign_ins, await sign_ins.shows(shown))
    assert sign_ins.provider.asked["/token"] == 0


# ---------------------------------------------------------------- how often


async def test_failed_ones_are_counted_with_those_by_password(sign_ins: SignIns, rows: Rows) -> None:
    await rows.staff("ivo", Role.ADMIN, password="correct horse battery")
    shown = await sign_ins.comes_back() | {"state": "another"}
    for _ in range(10):
        assert problem_of(await sign_ins.shows(shown)) == "unauthenticated"
    busy = await sign_ins.shows(shown)
    assert problem_of(busy) == "rate-limited"
    assert int(busy.headers["Retry-After"]) > 0
    body = {"email": "ivo@practice.example", "password": "correct horse battery", "side": "staff"}
    assert problem_of(await sign_ins.api.post("/v1/sessions", json=body)) == "rate-limited"


async def test_nobody_begins_for_ever(sign_ins: SignIns, clock: StandingClock) -> None:
    for _ in range(20):
        await sign_ins.begins()
    assert problem_of(await sign_ins.api.post("/v1/sessions/oidc")) == "rate-limited"
    clock.advance(minutes=15)
    await sign_ins.begins()
