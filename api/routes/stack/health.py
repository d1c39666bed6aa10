"""Is it alive, is it ready, and its numbers."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from api.access_log.declared import shows_no_client
from api.deps import Services, Svc
from models.sealing import shown_unreadable

_GLANCE = 3.0  # seconds
router = APIRouter(tags=["health"], dependencies=[shows_no_client("how the program is")])


@router.get("/healthz", summary="The process is alive")
async def check_alive() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Database and engine can be reached", responses={503: {"description": "Not yet"}})
async def check_ready(services: Svc) -> JSONResponse:
    checks = await _checks(services)
    fine = set(checks.values()) == {"ok"}
    return JSONResponse({"status": "ok" if fine else "unavailable", **checks}, status_code=200 if fine else 503)


async def _checks(services: Services) -> dict[str, str]:
    database, engine = await asyncio.gather(_database(services), services.engine.answers())
    return {"database": database, "engine": "ok" if engine else "unavailable"}


async def _database(services: Services) -> str:
    try:
        async with asyncio.timeout(_GLANCE), services.sessions() as session:
            await session.exec(select(1))
            return "ok" if await services.disk.has_room(session) else "disk full"
    except (SQLAlchemyError, OSError, TimeoutError):
        return "unavailable"


@router.get("/metrics", summary="Numbers for Prometheus", response_class=Response)
async def read_metrics(services: Svc) -> Response:
    checks, _ = await asyncio.gather(_checks(services), services.practice.look())
    for what, found in checks.items():
        services.metrics.reachable.labels(what).set(found == "ok")
    for column, number in shown_unreadable.items():
        services.metrics.unreadable.labels(column).set(number)
    told = services.metrics.text() + generate_latest(services.practice)
    return Response(told, media_type=CONTENT_TYPE_LATEST)
