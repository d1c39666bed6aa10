"""Public holidays as proposals: by country, state and year; nothing is closed by them."""

from typing import Any

import httpx
import pytest

from tests.api.booking.closures.closing import Json, closes
from tests.api.conftest import ROOT, fields_of


async def proposed(api: httpx.AsyncClient, **params: Any) -> Json:
    answer = await api.get("/v1/closures/proposals", params=params, headers=ROOT)
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


async def test_without_a_word_they_are_the_practices_own_of_this_year(api: httpx.AsyncClient) -> None:
    told = await proposed(api)
    assert (told["country"], told["state"], told["year"]) == ("US", "NY", 2026)
    days = {one["date"]: one["name"] for one in told["items"]}
    assert days["2026-11-26"] == "Thanksgiving Day"
    assert days["2026-02-12"] == "Lincoln's Birthday"  # New York's
    assert list(days) == sorted(days)
    assert {one["closed"] for one in told["items"]} == {False}
    assert (await api.get("/v1/closures")).json()["items"] == []


async def test_of_another_country_they_are_the_whole_countrys_unless_a_state_is_named(api: httpx.AsyncClient) -> None:
    whole = await proposed(api, country="de", year=2027)
    bavaria = await proposed(api, country="DE", state="BY", year=2027)
    assert (whole["country"], whole["state"], bavaria["state"]) == ("DE", None, "BY")
    more = {one["name"] for one in bavaria["items"]} - {one["name"] for one in whole["items"]}
    assert "Epiphany" in more
    assert (await proposed(api, state="", year=2027))["state"] is None


async def test_what_is_proposed_can_be_closed_as_it_is(api: httpx.AsyncClient) -> None:
    items = (await proposed(api, year=2027))["items"]
    made = await closes(api, *({"date": one["date"], "name": one["name"]} for one in items))
    assert [one["date"] for one in made] == [one["date"] for one in items]
    assert {one["closed"] for one in (await proposed(api, year=2027))["items"]} == {True}


@pytest.mark.parametrize(
    ("params", "field", "known"),
    [
        ({"country": "XX"}, "country", "US"),
        ({"state": "XX"}, "state", "NY"),
        ({"country": "DE", "state": "NY"}, "state", "BY"),
    ],
)
async def test_an_unknown_country_or_state_is_refused_with_those_that_there_are(
    api: httpx.AsyncClient, params: Json, field: str, known: str
) -> None:
    refused = await api.get("/v1/closures/proposals", params=params, headers=ROOT)
    assert fields_of(refused) == [field]
    [line] = refused.json()["errors"]
    assert known in line["known"]
    assert line["known"] == sorted(line["known"])


@pytest.mark.parametrize("params", [{"year": 1999}, {"year": 2101}, {"country": "USA"}, {"town": "Albany"}])
async def test_bad_questions_are_refused(api: httpx.AsyncClient, params: Json) -> None:
    assert fields_of(await api.get("/v1/closures/proposals", params=params, headers=ROOT)) == list(params)
