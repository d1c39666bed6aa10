"""For whom a program speaks: what a stolen key of the site reads, what a pass opens and when it ends, and what stands
beside a key that is no key's to show."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlmodel import col, select

from api.accounts.reach import OPENED_BY_PASS
from api.accounts.tokens import hash_of
from models.tables import IdempotencyKey
from models.tables.accounts.token import Token, TokenKind
from rules.enums import Role
from rules.policy import JourneyPolicy
from tests.api.accounts.test_roles import ANYBODY, CALLS, EVERY_ROLE, OR_SITE, AwayEngine, Walk, described
from tests.api.callers import Callers, everybody
from tests.api.conftest import DESK, SITE, StandingClock, ToldEngine, problem_of, said_of
from tests.api.everything import one_of_everything
from tests.care.rows import NOW, Rows

HOLD = {"type": "session", "starts_at": "2026-03-10T15:00:00Z"}


@pytest.fixture
def engine() -> ToldEngine:
    return AwayEngine()


@pytest.fixture
async def walk(bare_api: httpx.AsyncClient, rows: Rows, therapist_token: Any) -> Walk:
    people = await everybody(rows, therapist_token)
    return Walk(bare_api, people, await one_of_everything(rows, people))


def beside(key: dict[str, str], token: str) -> dict[str, str]:
    return key | {"On-Behalf-Of": token}


async def looks(api: httpx.AsyncClient, client: Any, headers: dict[str, str]) -> int:
    return (await api.get(f"/v1/clients/{client.id}", headers=headers)).status_code


# ---------------------------------------------------------------- the site's key, stolen


async def test_a_stolen_site_key_reads_nothing_of_anybody(walk: Walk) -> None:
    """Every call that is not anybody's: refused before anything is looked for, and alike whether it is there."""
    reached = {
        call for call, line in CALLS.items() if line.let_in in (ANYBODY.let_in, EVERY_ROLE.let_in, OR_SITE.let_in)
    }
    secrets = {walk.people.sara.ref, str(walk.people.sara.id), "Sara", "We spoke."}
    for call, line in CALLS.items():
        if call in reached or call in ("POST /v1/journeys", "GET /v1/events"):
            continue
        answer = await walk.ask("site", call, line, walk.world.ids)
        assert problem_of(answer) == "not-allowed", call
        assert not [secret for secret in secrets if secret in answer.text], call
        assert said_of(await walk.ask("site", call, line, walk.world.ghost())) == said_of(answer), call


async def test_it_hears_of_events_and_they_name_nobody(walk: Walk) -> None:
    """By its scope: ids, states, times and money, and no word of what people are called or wrote."""
    answer = await walk.ask("site", "GET /v1/events", CALLS["GET /v1/events"], walk.world.ids)
    assert answer.status_code == 200
    assert not [secret for secret in ("Sara", "We spoke.") if secret in answer.text]


async def test_it_holds_times_begins_journeys_hears_of_events_and_that_is_all(walk: Walk) -> None:
    let_in = {call for call, line in CALLS.items() if "site" in line.let_in.split() and line.let_in != ANYBODY.let_in}
    assert let_in == {
        "GET /v1/me",
        "GET /v1/events",
        "POST /v1/journeys",
        "POST /v1/therapists/{slug}/holds",
        "GET /v1/holds/{hold_id}",
        "DELETE /v1/holds/{hold_id}",
    }


# ---------------------------------------------------------------- what a pass opens


def test_what_a_pass_opens_is_there(app: FastAPI) -> None:
    paths = {f"{method} {each.path}" for each in iter_route_contexts(app.routes) for method in each.methods or ()}
    assert paths >= OPENED_BY_PASS
    assert described(app) >= OPENED_BY_PASS


async def test_a_pass_opens_what_it_says_and_nothing_else(walk: Walk) -> None:
    opened = {call for call, line in CALLS.items() if "sara-pass" in line.opens and line.let_in != ANYBODY.let_in}
    assert opened == OPENED_BY_PASS
    for part in ("forms", "chats", "notes", "documents", "goals", "payments", "balance", "credits", "card-setup"):
        for call, line in CALLS.items():
            if f"/{part}" in call and call != "GET /v1/me":
                answer = await walk.ask("sara-pass", call, line, walk.world.ids)
                assert problem_of(answer) == "not-allowed", call


async def test_by_a_pass_no_form_payment_or_card_is_told(walk: Walk) -> None:
    ids = walk.world.ids
    for path, left_out in (
        (f"/v1/clients/{ids['client_id']}", {"outstanding_forms", "card", "next_appointment_at"}),
        (f"/v1/appointments/{ids['appointment_id']}", {"payment", "outstanding_forms"}),
    ):
        signed_in, by_pass = [
            set((await walk.api.get(path, headers=walk.people.by(who))).json()) for who in ("via-sara", "sara-pass")
        ]
        assert signed_in - by_pass == left_out
        assert by_pass < signed_in


async def test_what_others_booked_is_not_the_passes(bare_api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    by_pass = await rows.by_pass(sara)
    own = await rows.appointment(sara, ana, booked_by=f"client:{sara.id} by pass")
    desks = await rows.appointment(sara, ana, starts_at=NOW + timedelta(days=9))
    listed = (await bare_api.get("/v1/appointments", headers=by_pass)).json()["items"]
    assert [one["id"] for one in listed] == [str(own.id)]
    for path in ("", "/calendar.ics"):
        answer = await bare_api.get(f"/v1/appointments/{desks.id}{path}", headers=by_pass)
        assert problem_of(answer) == "not-found"
    for path, body in (("cancel", {}), ("reschedule", {"starts_at": "2026-03-10T15:00:00Z"})):
        answer = await bare_api.post(f"/v1/appointments/{desks.id}/{path}", json=body, headers=by_pass)
        assert problem_of(answer) == "not-found"
    assert (await bare_api.get(f"/v1/appointments/{desks.id}", headers=await rows.beside_site(sara))).is_success


# ---------------------------------------------------------------- when it ends


async def test_a_pass_ends_half_an_hour_after_its_last_use(
    bare_api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    sara = await rows.client(await rows.therapist())
    used, idle = await rows.by_pass(sara), await rows.by_pass(sara)
    for _ in range(3):
        clock.advance(minutes=29)
        assert await looks(bare_api, sara, used) == 200
    assert await looks(bare_api, sara, idle) == 401
    clock.advance(minutes=30)
    assert await looks(bare_api, sara, used) == 401


async def test_no_use_and_no_renewal_keeps_a_pass_beyond_its_bound(
    bare_api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    sara = await rows.client(await rows.therapist())
    by_pass = await rows.by_pass(sara)
    bound, path = NOW + JourneyPolicy().anonymous_ttl, f"/v1/clients/{sara.id}/passes"
    while clock.time + timedelta(minutes=29) < bound:
        clock.advance(minutes=29)
        if clock.time.hour == 12:
            renewed = (await bare_api.post(path, headers=by_pass)).json()
            assert renewed["expires_at"] == bound.isoformat().replace("+00:00", "Z")
            by_pass = beside(SITE, f"Bearer {renewed['pass']}")
        assert await looks(bare_api, sara, by_pass) == 200
    clock.advance(minutes=29)
    assert clock.time >= bound
    assert await looks(bare_api, sara, by_pass) == 401


async def test_a_renewed_pass_ends_the_one_before(bare_api: httpx.AsyncClient, rows: Rows) -> None:
    sara, tom = await rows.client(), await rows.client()
    former, path = await rows.by_pass(sara), f"/v1/clients/{sara.id}/passes"
    other = await rows.by_pass(tom)
    assert problem_of(await bare_api.post(path, headers=other)) == "not-found"
    signed_in = await rows.beside_site(sara)
    for nobody in (SITE, signed_in, DESK):
        assert problem_of(await bare_api.post(path, headers=nobody)) == "not-allowed"
    answers = await asyncio.gather(*(bare_api.post(path, headers=former) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401]
    [fresh] = [answer.json()["pass"] for answer in answers if answer.status_code == 201]
    assert await looks(bare_api, sara, former) == 401
    assert await looks(bare_api, sara, beside(SITE, f"Bearer {fresh}")) == 200
    assert await looks(bare_api, tom, other) == 200


async def test_a_renewal_whose_answer_was_lost_is_answered_again_and_opens_nothing_else(
    bare_api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    sara, tom = await rows.client(), await rows.client()
    former, path = await rows.by_pass(sara), f"/v1/clients/{sara.id}/passes"
    key = {"Idempotency-Key": "renewal-1"}
    first = await bare_api.post(path, headers=former | key)
    clock.advance(seconds=50)
    again = await bare_api.post(path, headers=former | key)
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (201, first.json(), "true")
    fresh = beside(SITE, f"Bearer {first.json()['pass']}")
    assert await looks(bare_api, sara, fresh) == 200
    hold = "/v1/therapists/ana/holds"
    for other in (
        bare_api.post(path, headers=former | {"Idempotency-Key": "renewal-2"}),
        bare_api.post(path, headers=former),
        bare_api.post(f"/v1/clients/{tom.id}/passes", headers=former | key),
        bare_api.post(hold, json=HOLD, headers=former | key),
        bare_api.get(f"/v1/clients/{sara.id}", headers=former | key),
        bare_api.get(path, headers=former | key),
    ):
        assert (await other).status_code in (401, 404, 405)
    assert await looks(bare_api, sara, fresh) == 200
    clock.advance(seconds=11)
    assert (await bare_api.post(path, headers=former | key)).status_code == 401
    await rows.change(sara, account_active=True)
    assert (await bare_api.post(path, headers=fresh | key)).status_code == 401


@pytest.mark.parametrize("ending", [{"account_active": True}, {"closed_at": NOW}, {"joined_into": uuid4()}])
async def test_a_pass_ends_with_the_activation_and_with_the_record(
    bare_api: httpx.AsyncClient, rows: Rows, ending: Any
) -> None:
    sara, other = await rows.client(), await rows.client()
    by_pass = await rows.by_pass(sara)
    assert await looks(bare_api, sara, by_pass) == 200
    if "joined_into" in ending:
        ending = {"joined_into": other.id, "closed_at": NOW}
    await rows.change(sara, **ending)
    assert await looks(bare_api, sara, by_pass) == 401


async def test_a_pass_of_another_is_of_no_use(walk: Walk) -> None:
    """What it opens of its own client is missing of any other; the rest is refused. The walk over all calls is
    ``test_roles``; here is what it would read."""
    ids = walk.world.ids
    for call in sorted(OPENED_BY_PASS):
        if "_id}" not in call or "hold" in call:
            continue
        answer = await walk.ask("tom-pass", call, CALLS[call], ids)
        assert problem_of(answer) == "not-found", call
    seen = await walk.api.get("/v1/appointments", headers=walk.people.by("tom-pass"))
    assert seen.json()["items"] == []


# ---------------------------------------------------------------- what may stand beside a key


async def test_what_stands_beside_no_key_and_what_is_nobodys(
    bare_api: httpx.AsyncClient, people: Callers, rows: Rows, clock: StandingClock
) -> None:
    sara = people.sara
    token, hers = people.by("sara")["Authorization"], people.by("sara-pass")["On-Behalf-Of"]
    for headers, name in (
        ({"On-Behalf-Of": hers}, "unauthenticated"),  # without a key
        ({"Authorization": hers}, "unauthenticated"),  # a pass alone
        (beside({"Authorization": hers}, hers), "unauthenticated"),
        (beside(people.by("sara"), hers), "not-allowed"),  # beside a person's token
        (beside(people.by("ana"), token), "not-allowed"),  # beside a therapist's program's
        (beside(SITE, SITE["Authorization"]), "unauthenticated"),  # a key as its value
        (beside(SITE, DESK["Authorization"]), "unauthenticated"),
        (beside(SITE, people.by("ana")["Authorization"]), "unauthenticated"),  # a program's token
        (beside(SITE, ""), "unauthenticated"),
        (beside(SITE, "Bearer"), "unauthenticated"),
        (beside(SITE, "Bearer cj_unknown"), "unauthenticated"),
        (beside(SITE, token.removeprefix("Bearer ")), "unauthenticated"),
        (beside(SITE, f"Basic {token}"), "unauthenticated"),
        (beside(SITE, f"{token}, {token}"), "unauthenticated"),
    ):
        answer = await bare_api.get(f"/v1/clients/{sara.id}", headers=headers)
        assert problem_of(answer) == name, headers
        assert sara.ref not in answer.text
    twice = [*SITE.items(), ("On-Behalf-Of", token), ("On-Behalf-Of", people.by("tom")["Authorization"])]
    assert problem_of(await bare_api.get(f"/v1/clients/{sara.id}", headers=twice)) == "unauthenticated"
    short = await rows.session_of(await rows.account(sara), expires_at=NOW + timedelta(minutes=1))
    late = beside(SITE, short["Authorization"])
    assert await looks(bare_api, sara, late) == 200
    clock.advance(minutes=1)
    assert await looks(bare_api, sara, late) == 401


async def test_a_link_that_was_mailed_is_no_pass(bare_api: httpx.AsyncClient, rows: Rows) -> None:
    sara = await rows.client()
    for kind in (TokenKind.ACTIVATION, TokenKind.JOIN):
        link: Any = {"kind": kind, "client_id": sara.id, "made_at": NOW, "expires_at": NOW + timedelta(days=7)}
        await rows.add(Token(hash=hash_of(f"cj_{kind}"), **link))
        assert await looks(bare_api, sara, beside(SITE, f"Bearer cj_{kind}")) == 401


async def test_what_is_allowed_is_what_both_may(bare_api: httpx.AsyncClient, people: Callers, rows: Rows) -> None:
    """The site's key adds nothing to a person; a key of the practice speaks for persons of its own role alone."""
    maria = (await rows.session_of(await rows.staff("eva", Role.CARE_TEAM, Role.THERAPIST, therapist=people.ana)))[
        "Authorization"
    ]
    for client, status in ((people.sara, 200), (people.tom, 200)):
        assert await looks(bare_api, client, beside(SITE, maria)) == status
    her_own = beside(SITE, people.by("sara")["Authorization"])
    assert [await looks(bare_api, client, her_own) for client in (people.sara, people.tom)] == [200, 404]
    assert problem_of(await bare_api.get("/v1/tasks", headers=her_own)) == "not-allowed"
    journey = {"source": "direct_booking", "therapist": "ana"}
    assert problem_of(await bare_api.post("/v1/journeys", json=journey, headers=her_own)) == "not-allowed"
    for whose in ("sara", "tom"):
        acting = beside(DESK, people.by(whose)["Authorization"])
        assert problem_of(await bare_api.get(f"/v1/clients/{people.sara.id}", headers=acting)) == "not-allowed"
    assert problem_of(await bare_api.get("/v1/me", headers=beside(DESK, people.by("sara-pass")["On-Behalf-Of"]))) == (
        "not-allowed"
    )
    me = (await bare_api.get("/v1/me", headers=beside(DESK, maria))).json()
    assert (me["handle"], me["roles"]) == ("eva", ["care_team"])  # her role as a therapist is none of the key's


async def test_who_speaks_is_said_once(bare_api: httpx.AsyncClient, rows: Rows) -> None:
    """Of two a proxy in front might have looked at the other one."""
    sara = await rows.client()
    for keys in ((DESK, SITE), (SITE, DESK), (DESK, DESK)):
        twice = [("Authorization", key["Authorization"]) for key in keys]
        for path in (f"/v1/clients/{sara.id}", "/v1/therapists"):
            assert problem_of(await bare_api.get(path, headers=twice)) == "unauthenticated"


async def test_a_program_signs_out_whom_it_speaks_for(bare_api: httpx.AsyncClient, people: Callers) -> None:
    signed_in = people.by("via-sara")
    assert (await bare_api.delete("/v1/sessions/current", headers=signed_in)).status_code == 204
    assert await looks(bare_api, people.sara, people.by("sara")) == 401
    assert (await bare_api.get("/v1/me", headers=SITE)).status_code == 200


async def test_scopes_narrow_whom_a_program_speaks_for(bare_api: httpx.AsyncClient, people: Callers) -> None:
    headers: dict[str, dict[str, str]] = {}
    for scope in ("book", "portal", "hold_slots"):
        new = {"name": f"site-{scope.replace('_', '-')}", "role": "booking_site", "scopes": [scope]}
        key = (await bare_api.post("/v1/keys", json=new, headers=people.by("admin"))).json()["key"]
        headers[scope] = beside({"Authorization": f"Bearer {key}"}, people.by("sara")["Authorization"])
    path = f"/v1/clients/{people.sara.id}"

    async def seen(scope: str) -> tuple[int, int]:
        one, forms = [await bare_api.get(f"{path}{part}", headers=headers[scope]) for part in ("", "/forms")]
        return one.status_code, forms.status_code

    assert [await seen(scope) for scope in headers] == [(200, 403), (200, 200), (403, 403)]
    new_password = {"current": "x", "password": "a long password"}
    for scope in ("book", "hold_slots"):
        answer = await bare_api.post("/v1/passwords", json=new_password, headers=headers[scope])
        assert problem_of(answer) == "not-allowed"


async def test_a_narrow_key_beside_staff_is_told_no_more_than_anybody(
    bare_api: httpx.AsyncClient, people: Callers
) -> None:
    new = {"name": "widget", "role": "booking_site", "scopes": ["hold_slots"]}
    key = (await bare_api.post("/v1/keys", json=new, headers=people.by("admin"))).json()["key"]
    widget = beside({"Authorization": f"Bearer {key}"}, people.by("via-maria")["On-Behalf-Of"])
    told = [(await bare_api.get("/v1/therapists/ana", headers=headers)).json() for headers in (widget, {})]
    assert told[0] == told[1]
    assert "email" in (await bare_api.get("/v1/therapists/ana", headers=people.by("via-maria"))).json()


# ---------------------------------------------------------------- for whom it counts


async def callers_of_keys(rows: Rows) -> list[str]:
    async with rows.sessions() as session:
        found = await session.exec(select(IdempotencyKey).order_by(col(IdempotencyKey.claimed_at)))
        return [row.caller for row in found.all()]


async def test_idempotency_keys_are_a_persons_or_else_a_visitors(
    bare_api: httpx.AsyncClient, people: Callers, clock: StandingClock
) -> None:
    async def held(headers: dict[str, str], minute: int) -> str:
        wish = {**HOLD, "starts_at": f"2026-03-10T15:{minute:02}:00Z"}
        path = "/v1/therapists/ana/holds"
        answer = await bare_api.post(path, json=wish, headers=headers | {"Idempotency-Key": "one"})
        clock.advance(seconds=1)
        return problem_of(answer) if answer.is_error else str(answer.json()["hold_id"])

    first = await held(SITE | {"Visitor": "a"}, 0)
    assert await held(SITE | {"Visitor": "a"}, 0) == first
    assert await held(SITE | {"Visitor": "a"}, 30) == "idempotency-key-reused"
    assert await held(SITE | {"Visitor": "b"}, 30) == "slot-taken"  # another's key, and so another request
    assert await held(people.by("via-sara"), 0) == "slot-taken"
    assert await held(people.by("via-tom") | {"Visitor": "a"}, 30) == "slot-taken"  # a person's, whatever the visitor


async def test_two_who_are_nobody_do_not_share_their_keys(app: FastAPI, rows: Rows) -> None:
    """Each by the address of the connection; what one was answered the other is not."""
    answers = []
    for address in ("203.0.113.7", "203.0.113.7", "198.51.100.9"):
        transport = httpx.ASGITransport(app=app, client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as visitor:
            reset = {"email": f"{address}@mail.example"}
            answers.append(await visitor.post("/v1/password-resets", json=reset, headers={"Idempotency-Key": "one"}))
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true", None]
    callers = await callers_of_keys(rows)
    assert len(callers) == 2
    assert all(caller.startswith("visitor:") for caller in callers)
