"""The movable clock, on a stack that has one."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access_log.declared import shows_no_client
from api.bodies import Body, Whole
from api.deps import Services, Svc
from api.problems import responses
from engine.clock import EngineClock

router = APIRouter(prefix="/dev", tags=["dev"], dependencies=[shows_no_client("the product's time")])

_FURTHEST = 2 * 366 * 24 * 3600
_turn = asyncio.Lock()


class ClockView(BaseModel):
    now: datetime


class Advance(Body):
    seconds: Annotated[Whole, Field(gt=0, le=_FURTHEST)]


def _clock(services: Services) -> EngineClock:
    assert isinstance(services.clock, EngineClock)
    return services.clock


@router.get("/clock", summary="The product's time", responses=responses())
async def get_dev_clock(*, services: Svc) -> ClockView:
    return ClockView(now=await _clock(services).now())


@router.post(
    "/clock/advance", summary="Move the clock forward; everything due on the way happens", responses=responses()
)
async def advance_dev_clock(*, body: Advance, services: Svc) -> ClockView:
    async with _turn:
        now = await _clock(services).advance(timedelta(seconds=body.seconds), timeout=timedelta(minutes=30))
    return ClockView(now=now)
