"""Is it alive, is it ready, and its numbers."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from api.access_log.declared import shows_no_client
from api.deps import Services, Svc
from models.schema import Schema, schema_of

_GLANCE = 3.0  # seconds
router = APIRouter(tags=["health"], dependencies=[shows_no_client("how the program is")])


@router.get("/healthz", summary="The process is alive")
async def check_alive() -> dict[str, str]:
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Database and engine can be used by this code",
    responses={503: {"description": "Not yet"}},
)
async def check_ready(services: Svc) -> JSONResponse:
    checks, schema = await _checks(services)
    fine = set(checks.values()) == {"ok"} and schema is not None and schema.usable
    told = {"status": "ok" if fine else "unavailable", **checks, "schema": schema.fit if schema else "unknown"}
    if schema is not None and schema.says:
        told["detail"] = schema.says
    return JSONResponse(told, status_code=200 if fine else 503)


async def _checks(services: Services) -> tuple[dict[str, str], Schema | None]:
    (database, schema), engine = await asyncio.gather(_database(services), services.engine.answers())
    return {"database": database, "engine": "ok" if engine else "unavailable"}, schema


async def _database(services: Services) -> tuple[str, Schema | None]:
    """How it is, and whether this code can run with its schema; None where that cannot be asked."""
    try:
        async with asyncio.timeout(_GLANCE), services.sessions() as session:
            schema = await schema_of(await session.connection())
            await session.rollback()
            return "ok" if await services.disk.has_room(session) else "disk full", schema
    except (SQLAlchemyError, OSError, TimeoutError):
        return "unavailable", None


@router.get("/metrics", summary="Numbers for Prometheus", response_class=Response)
async def read_metrics(services: Svc) -> Response:
    (checks, schema), _ = await asyncio.gather(_checks(services), services.practice.look())
    for what, found in checks.items():
        services.metrics.reachable.labels(what).set(found == "ok")
    services.metrics.reachable.labels("schema").set(schema is not None and schema.usable)
    told = services.metrics.text() + generate_latest(services.practice)
    return Response(told, media_type=CONTENT_TYPE_LATEST)
