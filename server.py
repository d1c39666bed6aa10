"""The API: ``python server.py``, as many as needed behind one address.

It answers from the first moment; ``/readyz`` says whether the database and the engine are there. SIGTERM and
SIGINT let running requests end.
"""

import asyncio
import os

import structlog
import uvicorn
import uvloop
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.access_log.chaining import keep_chaining
from api.accounts.programs import tell_of_odd_keys
from api.announcing import announce_versions
from api.app import create_app
from api.bounds.connections import CONNECTIONS
from api.engine import JourneyEngine
from api.resuming import Resumer
from api.settings import ApiSettings, OidcSettings, ServiceKey
from config import Settings, SettingsProblem, leave, settings_or_exit, ways_out
from config.calendars import calendar_vendors
from config.in_force import settings_in_force
from engine.clock import clock_for
from engine.codec import data_converter
from engine.connect import lazy_client
from engine.ending import end
from engine.executions import Executions
from engine.logs import set_up_logs
from engine.memory import settle_memory
from engine.vouching import Vouching
from engine.watching.traces import tracing_to_otlp
from models import database
from models.privileges import RefusedRole, refuse_owner
from rules.accounts import vouching
from rules.booking.calendar_vendors import by_kind
from workflows.starting import beginning_of

_LAST_REQUESTS = 15  # seconds that running requests get when asked to stop
_FIRST_LOOK, _LOOK_AGAIN = 3, 2  # seconds, for whose role the database's is
log = structlog.get_logger("api")


async def run(settings: Settings) -> None:
    """Serve until asked to stop."""
    pulse = database.pulse_of(settings.database)
    writing = database.connect(settings.database, pool_size=20, max_overflow=5, pulse=pulse)
    reading = database.connect(settings.database, pool_size=10, max_overflow=5, pulse=pulse)
    tracing = tracing_to_otlp(service="care-journeys-api") if settings.traces else None
    client = await lazy_client(
        settings.engine,
        data_converter=data_converter(settings.payload_keys),
        interceptors=[tracing.client] if tracing else [],
    )
    sessions = database.SessionsApart(writing, reading=reading, chain=settings.chain_keys, rows=settings.row_keys)
    clock = clock_for(settings.time_travel_address)
    executions = Executions(client, task_queue=settings.temporal_task_queue, beginning_of=beginning_of)
    app = create_app(
        sessions=sessions,
        pulse=pulse,
        engine=JourneyEngine(
            client,
            vouching=Vouching(settings.payload_keys, vouching.PURPOSE),
            resumer=Resumer(sessions=sessions, executions=executions, clock=clock),
            task_queue=settings.temporal_task_queue,
        ),
        clock=clock,
        settings=ApiSettings(
            public_url=settings.site_url,
            staff_url=settings.staff_site_url,
            email_from=settings.email_from,
            care_team_email=settings.care_team_email,
            service_keys=tuple(
                ServiceKey(role=key.role, name=key.name, secret=key.secret.get_secret_value())
                for key in settings.api_keys
            ),
            allowed_hosts=settings.own_hosts,
            trusted_proxies=settings.trusted_proxies,
            stripe_webhook_secret=settings.stripe_webhook_secret.get_secret_value(),
            mail_event_key=settings.sendgrid_webhook_public_key,
            policy=settings.policy,
            letterhead=settings.letterhead,
            logo=settings.practice_logo,
            countries=settings.countries,
            staff_second_factor=settings.staff_second_factor == "required",
            ui_origins=settings.ui_origins,
            trust_ui=settings.trusts_ui,
            admins_are_persons=settings.production,
            private_addresses=settings.calls_private_addresses,
            https_only=settings.production,
            test_addresses=not settings.production,
            in_force=settings_in_force(settings, os.environ),
            temporal_ui=settings.temporal_ui,
            docs=settings.shows_docs,
            oidc=oidc_of(settings),
            calendar_vendors=by_kind(*calendar_vendors(settings)),
        ),
        cipher=settings.payload_keys,
    )
    if tracing is not None:
        tracing.database(writing, reading)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.api_host,
            port=settings.api_port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_LAST_REQUESTS,
            **CONNECTIONS,
        )
    )
    try:
        settle_memory()
        guarding = asyncio.create_task(_refuse_owner(writing, server)) if settings.production else None
        if guarding is not None:
            done, _ = await asyncio.wait({guarding}, timeout=_FIRST_LOOK)
            for known in done:
                known.result()
        log.info("Serving", address=f"http://{settings.api_host}:{settings.api_port}")
        announcing = asyncio.create_task(announce_versions(app.state.services))
        chaining = asyncio.create_task(keep_chaining(app.state.services))
        telling = asyncio.create_task(tell_of_odd_keys(sessions, settings=app.state.services.settings, clock=clock))
        await server.serve()
        announcing.cancel()
        chaining.cancel()
        telling.cancel()
        if guarding is not None and not guarding.cancel():
            await guarding
        log.info("Stopped")
    finally:
        await writing.dispose()
        await reading.dispose()
        if tracing is not None:
            tracing.close()


def oidc_of(settings: Settings) -> OidcSettings | None:
    if settings.oidc_issuer is None or settings.oidc_client_id is None or settings.oidc_client_secret is None:
        return None
    return OidcSettings(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        audience=settings.oidc_audience or settings.oidc_client_id,
        staff_url=settings.staff_site_url,
        trusted=settings.oidc_second_factor,
    )


async def _refuse_owner(engine: AsyncEngine, server: uvicorn.Server) -> None:
    """As soon as the database can be asked; who serves already stops. Raises RefusedRole."""
    while True:
        try:
            await refuse_owner(engine)
        except RefusedRole:
            server.should_exit = True
            raise
        except (SQLAlchemyError, OSError):  # away, or not migrated yet
            await asyncio.sleep(_LOOK_AGAIN)
        else:
            return


def main() -> int:
    settings = settings_or_exit()
    set_up_logs(production=settings.production, time_travel=bool(settings.time_travel_address))
    for sentence in ways_out(settings, serving=True):
        log.warning(sentence)
    try:
        uvloop.run(run(settings))
    except RefusedRole as refused:
        leave(SettingsProblem([str(refused)]))
    except SettingsProblem as error:
        leave(error)
    except KeyboardInterrupt:  # uvicorn raises it again once it has stopped
        return 0
    return 0


if __name__ == "__main__":
    end(main())
