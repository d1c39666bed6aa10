"""Is it alive, is it ready, and its numbers."""

from contextlib import suppress

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.deps import Services, Svc
from models.reads.keeping.keepings import resumed_counts

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="The process is alive")
async def alive() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Database and engine can be reached", responses={503: {"description": "Not yet"}})
async def ready(services: Svc) -> JSONResponse:
    checks = {
        "database": "ok" if await _database_answers(services) else "unavailable",
        "engine": "ok" if await services.engine.answers() else "unavailable",
    }
    fine = set(checks.values()) == {"ok"}
    return JSONResponse({"status": "ok" if fine else "unavailable", **checks}, status_code=200 if fine else 503)


async def _database_answers(services: Services) -> bool:
    try:
        async with services.sessions() as session:
            connection = await session.connection()
            await connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError):
        return False
    return True


@router.get("/metrics", summary="Numbers for Prometheus", response_class=Response)
async def metrics(services: Svc) -> Response:
    with suppress(SQLAlchemyError, OSError):  # the rest can be told without the database
        async with services.sessions() as session:
            for because, number in (await resumed_counts(session)).items():
                services.metrics.resumed.labels(because).set(number)
    return Response(services.metrics.text(), media_type=CONTENT_TYPE_LATEST)
