"""Unsubscribe links over the API: whoever has one may, looking changes nothing, and the answer tells nothing."""

import logging
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from activities.types.clients import Done
from api.engine import GONE
from api.problems import EngineUnavailable
from engine.codec import PayloadKeys
from engine.signed_links import SignedLinks
from local.processes import free_port
from models.tables import Client
from rules.accounts.caller import Caller
from rules.enums import ClientStatus, Role
from rules.mail.unsubscribe import PURPOSE, address_mark
from tests.api.conftest import CIPHER, DESK, ToldEngine, problem_of
from tests.care.rows import Rows
from tests.care.served import serving

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def _sara(rows: Rows, **more: Any) -> Client:
    address = more.pop("email", "Sara@mail.example")
    return await rows.client(email=address, email_folded=address.lower(), **more)


def _link(client: Client, address: str | None = None, *, keys: PayloadKeys = CIPHER) -> str:
    token = SignedLinks(keys, PURPOSE).token(client.id.hex, address_mark(address or str(client.email)))
    return f"/unsubscribe/{token}"


async def test_one_click_goes_through_the_journey_and_looking_does_not(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine
) -> None:
    sara = await _sara(rows)
    page = await api.get(_link(sara))
    assert page.status_code == 200
    assert '<form method="post">' in page.text
    assert engine.asked == []
    engine.answers_to["change_details"] = Done()
    done = page
    for again in range(2):  # the journey takes care of doing it twice
        done = await api.post(_link(sara, "SARA@mail.example"), data=ONE_CLICK)
        assert (done.status_code, done.history) == (200, [])
        order = engine.asked[again].order
        assert engine.asked[again].workflow_id == f"client-journey:{sara.id}"
        assert (order.unsubscribed, order.portal_settings) == (True, None)
        assert order.by == Caller(role=Role.CLIENT, name=str(sara.id), client_id=str(sara.id))
        assert set(vars(order.details).values()) == {None}
    assert engine.asked[0].request_id != engine.asked[1].request_id  # one may subscribe and unsubscribe again
    for answer in (page, done):
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert str(sara.id) not in answer.text
        assert "mail.example" not in answer.text
        assert "<script" not in answer.text


def _but_its_id(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "request-id"}


async def test_the_answer_is_the_same_whatever_became_of_the_client(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine
) -> None:
    engine.answers_to["change_details"] = Done()
    usual = await api.post(_link(await _sara(rows)), data=ONE_CLICK)
    assert len(engine.asked) == 1
    moved, done = await _sara(rows, email="new@mail.example"), await _sara(rows, unsubscribed=True)
    archived = await _sara(rows, status=ClientStatus.ARCHIVED, unsubscribed=True)
    nobody = f"/unsubscribe/{SignedLinks(CIPHER, PURPOSE).token(uuid4().hex, address_mark('no@mail.example'))}"
    links = (_link(moved, "old@mail.example"), _link(done), _link(archived), nobody, _link(await _sara(rows)))
    for link in links:
        answer = await api.post(link, data=ONE_CLICK)
        assert (answer.status_code, answer.text, _but_its_id(answer)) == (200, usual.text, _but_its_id(usual))
    assert len(engine.asked) == 2  # only the last of them had anything to change
    engine.answers_to["change_details"] = GONE  # a journey that was closed sends nothing any more
    assert (await api.post(_link(await _sara(rows)))).text == usual.text
    # The record of the same person to which this one was joined is who reads that address now.
    own = await _sara(rows)
    await api.post(_link(await _sara(rows, joined_into=own.id)), data=ONE_CLICK)
    assert engine.asked[-1].workflow_id == f"client-journey:{own.id}"


async def test_a_link_that_was_not_made_here_leads_nowhere(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine
) -> None:
    sara = await _sara(rows)
    good = _link(sara)
    stranger = PayloadKeys((("one", b"2" * 32),))
    of_another_kind = SignedLinks(CIPHER, "join").token(sara.id.hex, address_mark("sara@mail.example"))
    short, odd = (SignedLinks(CIPHER, PURPOSE).token(*parts) for parts in ((sara.id.hex,), ("no-id", "x")))
    for forged in (
        _link(sara, keys=stranger),
        # Not the last letter, which has bits that say nothing.
        good[:-2] + ("A" if good[-2] != "A" else "B") + good[-1],
        good + "x",
        "/unsubscribe/" + sara.id.hex,
        f"/unsubscribe/{of_another_kind}",
        f"/unsubscribe/{short}",
        f"/unsubscribe/{odd}",
        "/unsubscribe/%F0%9F%98%80",
        "/unsubscribe/" + "a" * 5000,
    ):
        for method in ("GET", "POST"):
            answer = await api.request(method, forged)
            assert answer.status_code == 404, forged
            assert problem_of(answer) == "not-found"
            assert answer.json()["detail"] == "There is no such page."
    assert engine.asked == []


async def test_an_engine_that_is_away_says_so_and_no_token_is_needed_nor_looked_at(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine
) -> None:
    sara = await _sara(rows)
    engine.answers_to["change_details"] = EngineUnavailable()
    assert (await api.post(_link(sara), data=ONE_CLICK)).status_code == 503
    engine.answers_to["change_details"] = Done()
    for headers in (DESK, {"Authorization": "Bearer nonsense"}, {"Content-Type": "text/plain"}):
        assert (await api.post(_link(sara), headers=headers, content=b"anything")).status_code == 200


async def test_the_link_is_in_no_log(
    app: FastAPI, rows: Rows, engine: ToldEngine, caplog: pytest.LogCaptureFixture
) -> None:
    sara = await _sara(rows)
    caplog.set_level(logging.INFO, logger="uvicorn.access")
    engine.answers_to["change_details"] = Done()
    async with serving(app, free_port(), access_log=True) as url, httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(url + _link(sara))).status_code == 200
        assert (await http.post(url + _link(sara))).status_code == 200
        assert (await http.get(url + _link(sara) + "/x")).status_code == 404
        numbers = (await http.get(f"{url}/metrics")).text
    logged = [record.getMessage() for record in caplog.records if record.name == "uvicorn.access"]
    assert len(logged) == 4
    assert sum("/unsubscribe/hidden" in line for line in logged) == 3
    assert _link(sara) not in numbers + "".join(logged)
    assert "/unsubscribe/{token}" in numbers
