"""The movable clock, on a real time-skipping server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.converter import DataConverter

from engine.clock import ClockUnavailable, EngineClock, SystemClock, clock_for
from engine.connect import (
    EngineAddress,
    EngineUnreachable,
    connect,
    lazy_client,
    register_search_attributes,
    search_attributes,
)
from local.processes import free_port
from local.temporal import TemporalServer


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[TemporalServer]:
    async with await TemporalServer.start_time_skipping() as server:
        yield server


@pytest.fixture
def clock(server: TemporalServer) -> EngineClock:
    return EngineClock(server.address)


async def test_the_system_clock_is_aware_and_in_utc() -> None:
    now = await SystemClock().now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


async def test_it_stands_where_it_is_until_it_is_moved(clock: EngineClock) -> None:
    before = await clock.now()
    await asyncio.sleep(0.2)
    assert before.tzinfo is UTC
    assert before < await clock.now() < before + timedelta(seconds=30)


async def test_it_moves_as_far_as_it_is_told(clock: EngineClock) -> None:
    before = await clock.now()
    told = await clock.advance(timedelta(days=365))
    assert timedelta(days=365) <= told - before < timedelta(days=365, seconds=30)
    assert told <= await clock.now() < told + timedelta(seconds=30)


async def test_everybody_on_one_server_has_the_same_time(clock: EngineClock, server: TemporalServer) -> None:
    other = clock_for(server.address)
    told = await clock.advance(timedelta(hours=5))
    assert told <= await other.now() < told + timedelta(seconds=30)


@pytest.mark.parametrize("delta", [timedelta(), timedelta(seconds=-1)])
async def test_it_only_moves_forward(clock: EngineClock, delta: timedelta) -> None:
    with pytest.raises(ValueError, match="forward"):
        await clock.advance(delta)


async def test_a_server_that_is_not_there_is_named() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises((ClockUnavailable, RuntimeError), match=address.rpartition(":")[2]):
        await asyncio.wait_for(EngineClock(address).now(), 20)


def test_without_an_address_it_is_the_systems() -> None:
    assert isinstance(clock_for(None), SystemClock)
    assert isinstance(clock_for(""), SystemClock)


async def test_search_attributes_are_registered_and_may_be_again(server: TemporalServer) -> None:
    client = await connect(EngineAddress(address=server.address), data_converter=DataConverter.default)
    await register_search_attributes(client)
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(SearchAttributeKey.for_keyword("JourneyStage"), "intake"),
        SearchAttributePair(SearchAttributeKey.for_bool("Archived"), False),
        SearchAttributePair(SearchAttributeKey.for_keyword_list("NeedsAttention"), ["card_missing"]),
        SearchAttributePair(SearchAttributeKey.for_datetime("ChargeDueAt"), datetime(2026, 3, 1, tzinfo=UTC)),
    ]
    await client.start_workflow(
        "NobodyRunsThis",
        id="attributes",
        task_queue="nobody",
        search_attributes=TypedSearchAttributes(pairs),
    )
    assert set(search_attributes()) == {
        "JourneyStage",
        "TherapistSlug",
        "ClientRef",
        "Archived",
        "NextAppointmentAt",
        "ChargeDueAt",
        "NeedsAttention",
        "Epoch",
    }


async def test_an_engine_that_is_not_there_is_waited_for_and_named() -> None:
    address = f"127.0.0.1:{free_port()}"
    said: list[str] = []
    with pytest.raises(EngineUnreachable, match=f"Temporal at {address} cannot be reached"):
        await connect(
            EngineAddress(address=address),
            data_converter=DataConverter.default,
            patience=timedelta(seconds=0.5),
            say=said.append,
        )
    assert len(said) == 1
    assert "waiting for it" in said[0]


async def test_a_lazy_client_can_be_made_before_the_engine_runs() -> None:
    client = await lazy_client(EngineAddress(address=f"127.0.0.1:{free_port()}"), data_converter=DataConverter.default)
    assert isinstance(client, Client)


def test_the_sdks_own_names_are_read() -> None:
    environment = {"TEMPORAL_ADDRESS": "cloud.example:7233", "TEMPORAL_NAMESPACE": "care", "TEMPORAL_API_KEY": "k"}
    found = EngineAddress.from_environment(environment)
    assert (found.address, found.namespace, found.api_key, found.tls) == ("cloud.example:7233", "care", "k", True)
    assert "'k'" not in repr(found)
    assert EngineAddress.from_environment({}).address == "127.0.0.1:7233"
