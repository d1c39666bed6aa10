"""Staff sign in by OpenID Connect: who is let in, whom of the practice a subject is, and what is asked beside it."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlmodel import select

from api.accounts.tokens import hash_of, new_token
from api.routes.accounts import oidc
from models.database import Sessions
from models.tables import Account, OidcLink, OidcSignIn, OutboxItem, Token
from models.tables.accounts.token import TokenKind
from models.writes.accounts import locks
from models.writes.accounts.oidc import end_oidc
from rules.accounts.accesses import AccessEvent
from rules.accounts.oidc import FactorClaim, TrustedFactor
from rules.enums import Role
from tests.api.access_log.log import lines
from tests.api.accounts.factors.apps import BOTH, Owner, a_colleague, demand, needs_factor
from tests.api.accounts.oidc.conftest import MFA, PAGE, STAFF_URL, SignIns
from tests.api.conftest import ROOT, StandingClock, fields_of, problem_of
from tests.care.rows import NOW, Rows

MARIA = "maria@practice.example"


async def token_of(api: httpx.AsyncClient, answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


async def mailed(rows: Rows) -> list[str]:
    async with rows.sessions() as session:
        return [item.template for item in (await session.exec(select(OutboxItem))).all()]


async def test_somebody_of_the_practice_signs_in_and_is_told_so_the_first_time(
    sign_ins: SignIns, rows: Rows, sessions: Sessions
) -> None:
    maria = await rows.staff("maria", Role.CARE_TEAM)
    await token_of(sign_ins.api, await sign_ins.signs_in())
    here = await token_of(sign_ins.api, await sign_ins.signs_in())
    assert (await sign_ins.api.get("/v1/me", headers=here)).json()["handle"] == "maria"
    assert await mailed(rows) == ["sign_in_linked"]
    assert {line.account_id for line in await lines(sessions, AccessEvent.SIGN_IN)} == {maria.id}
    assert await lines(sessions, AccessEvent.FAILED_SIGN_IN) == []
    assert len((await sign_ins.api.get("/v1/sessions", headers=here)).json()["items"]) == 2


async def test_where_the_browser_is_sent_and_what_it_is_given(sign_ins: SignIns) -> None:
    begun = await sign_ins.begins()
    said = {name: values[0] for name, values in parse_qs(urlsplit(begun["url"]).query).items()}
    assert said["redirect_uri"] == PAGE
    assert said["state"] == begun["state"]
    assert begun["secret"] not in begun["url"]
    assert begun["expires_at"] == "2031-05-06T07:18:09Z"  # of the world's time
    other = await sign_ins.begins(return_url=f"{STAFF_URL}/another?page=1")
    assert "redirect_uri=https%3A%2F%2Fstaff.example%2Fanother%3Fpage%3D1" in other["url"]
    assert other["state"] != begun["state"]
    for elsewhere in (
        "https://evil.example/",
        f"{STAFF_URL}.evil.example/",
        f"{STAFF_URL}/../x",
        f"{STAFF_URL}@evil.example/",
        f"{STAFF_URL}/ x",
        STAFF_URL,
    ):
        answer = await sign_ins.api.post("/v1/sessions/oidc", json={"return_url": elsewhere})
        assert fields_of(answer) == ["return_url"], elsewhere


async def test_without_a_provider_there_is_only_the_password(api: httpx.AsyncClient, rows: Rows) -> None:
    assert problem_of(await api.post("/v1/sessions/oidc")) == "not-found"
    shown = {"oidc": {"code": "x", "state": "y", "secret": "z"}}
    assert problem_of(await api.post("/v1/sessions", json=shown)) == "unauthenticated"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": MARIA},
        {"password": "x"},
        {"oidc": {"code": "x", "state": "y"}},
        {"oidc": {"code": "x", "state": "y", "secret": "z"}, "email": MARIA},
        {"oidc": {"code": "x", "state": "y", "secret": "z"}, "side": "client"},
    ],
)
async def test_one_way_at_a_time_and_none_for_clients(sign_ins: SignIns, body: Any) -> None:
    assert problem_of(await sign_ins.api.post("/v1/sessions", json=body)) == "validation-failed"


# ---------------------------------------------------------------- whose account it is


async def test_nobody_gets_an_account_by_signing_in(sign_ins: SignIns, rows: Rows, sessions: Sessions) -> None:
    before = await rows.snapshot("account", "token", "oidc_link")
    assert problem_of(await sign_ins.signs_in({"email": "ivo@practice.example"})) == "unauthenticated"
    assert await rows.snapshot("account", "token", "oidc_link") == before
    assert len(await lines(sessions, AccessEvent.FAILED_SIGN_IN)) == 1


async def test_a_client_with_the_same_address_is_not_let_in(sign_ins: SignIns, rows: Rows) -> None:
    sara = await rows.client(email=MARIA, email_folded=MARIA, account_active=True)
    await rows.account(sara)
    assert problem_of(await sign_ins.signs_in()) == "unauthenticated"


@pytest.mark.parametrize("verified", [False, None, "true", 1])
async def test_an_address_counts_once_the_provider_has_verified_it(
    sign_ins: SignIns, rows: Rows, verified: Any
) -> None:
    await rows.staff("maria", Role.CARE_TEAM)
    assert problem_of(await sign_ins.signs_in({"email_verified": verified})) == "unauthenticated"
    assert (await sign_ins.signs_in({"email": "MARIA@Practice.Example"})).status_code == 201
    # From then on the subject counts, and no address.
    assert (await sign_ins.signs_in({"email_verified": verified})).status_code == 201


@pytest.mark.parametrize(
    "email", [None, 1, ["maria@practice.example"], "", "\0", "x" * 300, "maria@practice.example\0"]
)
async def test_what_is_no_address_is_nobodys(sign_ins: SignIns, rows: Rows, email: Any) -> None:
    await rows.staff("maria", Role.CARE_TEAM)
    assert problem_of(await sign_ins.signs_in({"email": email})) == "unauthenticated"


async def test_a_changed_address_neither_moves_nor_steals_an_account(sign_ins: SignIns, rows: Rows) -> None:
    await rows.staff("maria", Role.CARE_TEAM)
    await rows.staff("ivo", Role.ADMIN)
    await sign_ins.signs_in()
    moved = await token_of(sign_ins.api, await sign_ins.signs_in({"email": "ivo@practice.example"}))
    assert (await sign_ins.api.get("/v1/me", headers=moved)).json()["handle"] == "maria"
    # Who has got her former address at the provider is somebody else.
    assert problem_of(await sign_ins.signs_in({"sub": "subject-of-eve"})) == "unauthenticated"
    ivo = await token_of(sign_ins.api, await sign_ins.signs_in({"sub": "ivos", "email": "ivo@practice.example"}))
    assert (await sign_ins.api.get("/v1/me", headers=ivo)).json()["handle"] == "ivo"


async def test_an_ended_account_is_refused_and_who_comes_back_is_somebody_else(sign_ins: SignIns, rows: Rows) -> None:
    maria = await rows.staff("maria", Role.CARE_TEAM)
    under_way = await sign_ins.comes_back()
    here = await token_of(sign_ins.api, await sign_ins.signs_in())
    assert (await sign_ins.api.delete(f"/v1/staff/{maria.id}", headers=ROOT)).status_code == 204
    assert problem_of(await sign_ins.api.get("/v1/me", headers=here)) == "unauthenticated"
    assert problem_of(await sign_ins.shows(under_way)) == "unauthenticated"
    assert problem_of(await sign_ins.signs_in()) == "unauthenticated"
    await rows.staff("maria-2", Role.CARE_TEAM, email=MARIA)
    again = await token_of(sign_ins.api, await sign_ins.signs_in())
    assert (await sign_ins.api.get("/v1/me", headers=again)).json()["handle"] == "maria-2"


async def test_an_admin_lets_an_account_be_another_subjects(sign_ins: SignIns, rows: Rows) -> None:
    maria = await rows.staff("maria", Role.CARE_TEAM)
    here = await token_of(sign_ins.api, await sign_ins.signs_in())
    for _ in range(2):
        answer = await sign_ins.api.delete(f"/v1/staff/{maria.id}/oidc", headers=ROOT)
        assert answer.status_code == 204
    assert problem_of(await sign_ins.api.get("/v1/me", headers=here)) == "unauthenticated"
    assert (await sign_ins.signs_in({"sub": "another"})).status_code == 201
    assert problem_of(await sign_ins.signs_in()) == "unauthenticated"


async def invited(rows: Rows, **columns: Any) -> tuple[Account, str]:
    maria = await rows.staff("maria", Role.CARE_TEAM, activated_at=None, invited_at=NOW)
    token = new_token()
    usual: Any = {"made_at": NOW, "expires_at": NOW + timedelta(days=7)}
    link = Token(hash=hash_of(token), kind=TokenKind.INVITATION, account_id=maria.id, **usual | columns)
    await rows.add(link)
    return maria, token


async def test_the_verified_address_accepts_an_invitation_that_is_good(sign_ins: SignIns, rows: Rows) -> None:
    maria, link = await invited(rows)
    assert (await sign_ins.signs_in()).status_code == 201
    async with rows.sessions() as session:
        accepted = await session.get_one(Account, maria.id)
    assert (accepted.activated_at, accepted.password_hash) == (NOW, None)
    body = {"token": link, "password": "correct horse battery"}
    assert problem_of(await sign_ins.api.post("/v1/activations", json=body)) == "activation-link-invalid"
    by_password = {"email": MARIA, "password": "correct horse battery", "side": "staff"}
    assert problem_of(await sign_ins.api.post("/v1/sessions", json=by_password)) == "unauthenticated"


@pytest.mark.parametrize("columns", [{"revoked_at": NOW}, {"expires_at": NOW}, {"used_at": NOW}])
async def test_an_invitation_that_is_not_good_any_more_is_not_accepted(
    sign_ins: SignIns, rows: Rows, columns: Any
) -> None:
    await invited(rows, **columns)
    assert problem_of(await sign_ins.signs_in()) == "unauthenticated"


# ---------------------------------------------------------------- the second factor


@pytest.fixture
async def maria(sign_ins: SignIns, rows: Rows) -> Owner:
    """Of the care team, with an app."""
    return await (await a_colleague(sign_ins.api, rows, sign_ins.real)).enrols()


@pytest.mark.parametrize("claims", [{}, {"amr": ["mfa", "otp"], "acr": "high"}])
async def test_a_code_is_asked_for_and_shown_with_the_same_body(
    sign_ins: SignIns, maria: Owner, rows: Rows, sessions: Sessions, claims: Any
) -> None:
    """By default the provider is trusted in nothing, whatever it says."""
    shown = await sign_ins.comes_back(**claims)
    before = await rows.snapshot("account", "token", "oidc_link", "outbox")
    needs_factor(await sign_ins.shows(shown), factors=BOTH)
    needs_factor(await sign_ins.shows(shown), factors=BOTH)
    assert await lines(sessions, AccessEvent.FAILED_SIGN_IN) == []
    needs_factor(await sign_ins.shows(shown, code=maria.app.wrong_code()), factors=BOTH)
    assert len(await lines(sessions, AccessEvent.FAILED_SIGN_IN)) == 1
    assert await rows.snapshot("account", "token", "oidc_link", "outbox") == before
    assert (await sign_ins.shows(shown, code=maria.app.next_code())).status_code == 201
    assert sign_ins.provider.asked["/token"] == 1
    assert problem_of(await sign_ins.shows(shown, code=maria.app.next_code())) == "unauthenticated"


async def test_the_second_call_needs_the_browsers_secret_and_comes_in_time(sign_ins: SignIns, maria: Owner) -> None:
    shown = await sign_ins.comes_back()
    needs_factor(await sign_ins.shows(shown), factors=BOTH)
    other = await sign_ins.begins()
    stolen = shown | {"secret": other["secret"]}
    assert problem_of(await sign_ins.shows(stolen, code=maria.app.next_code())) == "unauthenticated"
    sign_ins.real.advance(minutes=10)
    assert problem_of(await sign_ins.shows(shown, code=maria.app.next_code())) == "unauthenticated"


@pytest.mark.parametrize(
    ("trusted", "claims"),
    [
        (MFA, {"amr": ["pwd", "mfa"]}),
        (TrustedFactor(claim=FactorClaim.ACR, value="urn:high"), {"acr": "urn:high"}),
    ],
)
async def test_what_the_provider_says_counts_where_a_setting_trusts_it(
    sign_ins: SignIns, maria: Owner, app: Any, trusted: TrustedFactor, claims: Any
) -> None:
    sign_ins.trusts(trusted)
    demand(app)
    assert (await sign_ins.signs_in(claims)).status_code == 201


@pytest.mark.parametrize("claims", [{}, {"amr": ["pwd"]}, {"amr": "mfa"}, {"acr": "mfa"}, {"amr": [["mfa"]]}])
async def test_nothing_else_counts(sign_ins: SignIns, maria: Owner, claims: Any) -> None:
    sign_ins.trusts(MFA)
    needs_factor(await sign_ins.signs_in(claims), factors=BOTH)


async def test_where_one_is_demanded_a_trusted_one_makes_the_sign_in_whole(
    sign_ins: SignIns, rows: Rows, app: Any
) -> None:
    await rows.staff("maria", Role.CARE_TEAM)
    sign_ins.trusts(MFA)
    demand(app)
    without = await token_of(sign_ins.api, await sign_ins.signs_in())
    needs_factor(await sign_ins.api.get("/v1/tasks", headers=without), factors=[])
    whole = await token_of(sign_ins.api, await sign_ins.signs_in({"amr": ["mfa"]}))
    assert (await sign_ins.api.get("/v1/tasks", headers=whole)).status_code == 200


async def test_codes_cannot_be_guessed_by_beginning_again(sign_ins: SignIns, maria: Owner, rows: Rows) -> None:
    """Thirty a day, however many sign-ins at the provider they are spread over."""
    services = sign_ins.app.state.services
    for number in range(30):
        services.clock.advance(minutes=15)  # so that sign-ins by a visitor are none too many
        answer = await sign_ins.signs_in(code=maria.app.wrong_code())
        assert problem_of(answer) == "second-factor-required", number
    services.clock.advance(minutes=15)
    assert problem_of(await sign_ins.signs_in(code=maria.app.next_code())) == "rate-limited"
    assert await mailed(rows) == ["second_factor_changed", "second_factor_changed"]  # added, and guessed


# ---------------------------------------------------------------- what is left behind


async def test_no_secret_is_kept(sign_ins: SignIns, rows: Rows) -> None:
    await rows.staff("maria", Role.CARE_TEAM)
    shown = await sign_ins.comes_back()
    assert (await sign_ins.shows(shown)).status_code == 201
    kept = str(await rows.snapshot("oidc_sign_in", "oidc_link", "token", "access_line"))
    assert not [name for name, value in shown.items() if value in kept]


async def test_what_is_over_goes_with_the_next_that_is_begun(sign_ins: SignIns, rows: Rows) -> None:
    await sign_ins.begins()
    sign_ins.real.advance(minutes=21)
    await sign_ins.begins()
    async with rows.sessions() as session:
        assert len((await session.exec(select(OidcSignIn))).all()) == 1
        assert (await session.exec(select(OidcLink))).all() == []


async def test_the_products_clock_makes_no_difference(sign_ins: SignIns, rows: Rows, clock: StandingClock) -> None:
    await rows.staff("maria", Role.CARE_TEAM)
    shown = await sign_ins.comes_back()
    clock.advance(days=400)
    assert (await sign_ins.shows(shown)).status_code == 201


async def test_of_two_at_once_the_later_one_has_failed_and_is_written_down(
    sign_ins: SignIns, rows: Rows, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rows.staff("maria", Role.CARE_TEAM)
    shown = await sign_ins.comes_back()

    async def lock_account(session: Any, account: Account) -> Account:
        async with rows.sessions() as other:
            assert await end_oidc(other, hash_of(shown["secret"]), real=sign_ins.real.time)
            await other.commit()
        return await locks.lock_account(session, account)

    monkeypatch.setattr(oidc, "lock_account", lock_account)
    assert problem_of(await sign_ins.shows(shown)) == "unauthenticated"
    assert await lines(sessions, AccessEvent.SIGN_IN) == []
    assert len(await lines(sessions, AccessEvent.FAILED_SIGN_IN)) == 1
    assert await rows.snapshot("oidc_link") == {"oidc_link": []}
