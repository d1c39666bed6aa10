from collections.abc import Callable
from typing import Any

import httpx
import pytest

from models.tables import Client, Therapist
from tests.api.care.chat_room import ChatRoom
from tests.api.conftest import ToldEngine
from tests.care.rows import Rows


@pytest.fixture
def room(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, therapist_token: Callable[[str], Any]) -> ChatRoom:
    return ChatRoom(api, rows, engine, therapist_token)


@pytest.fixture
async def ana(room: ChatRoom) -> Therapist:
    return await room.therapist("ana")


@pytest.fixture
async def ben(room: ChatRoom) -> Therapist:
    return await room.therapist("ben")


@pytest.fixture
async def sara(room: ChatRoom, ana: Therapist) -> Client:
    return await room.client(ana, "sara")


@pytest.fixture
async def otto(room: ChatRoom, ben: Therapist) -> Client:
    return await room.client(ben, "otto")
