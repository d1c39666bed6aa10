"""The API, put together."""

from typing import Any

from fastapi import Depends, FastAPI

from api import problems
from api.accounts.oidc.provider import Provider
from api.accounts.signing_in.passwords import Passwords
from api.bounds.disk import Disk
from api.bounds.letting_go import LetGo
from api.deps import Services
from api.description.document import describe
from api.edge import docs_pages
from api.edge.addresses import MailAddresses
from api.edge.answer_headers import AnswerHeaders
from api.edge.hosts import KnownHosts
from api.edge.methods import Methods
from api.edge.proxies import TrustedProxies
from api.edge.queries import knows_its_query
from api.engine import JourneyEngine
from api.matching.standards import standard_words
from api.middleware import Bounds, HideSecrets
from api.request_ids import RequestIds
from api.routes.accounts import (
    accesses,
    activations,
    codec,
    email_changes,
    keys,
    locked_accounts,
    lost_factors,
    oidc,
    openings,
    passes,
    passwords,
    sessions,
    sign_ins,
    staff,
    therapist_tokens,
)
from api.routes.accounts.factors import enrolments, second_factors
from api.routes.archive import archives, bulk_archives
from api.routes.booking import (
    appointments,
    availability,
    calendar_connections,
    calendar_files,
    calendar_pushes,
    changes,
    closures,
    leaves,
    offers,
    outside_calendars,
    photos,
    slots,
    therapists,
    waitlist,
)
from api.routes.care import blasts, chats, documents, goals, notes, notifications
from api.routes.clients import (
    clients,
    exceptions,
    group_moves,
    groups,
    joins,
    journeys,
    matches,
    matching_form,
    standing,
    tasks,
)
from api.routes.events import events, webhooks
from api.routes.forms import drafts, form_templates, forms, signed, texts
from api.routes.forms import uploads as form_uploads
from api.routes.keeping import keepings
from api.routes.mail import sendgrid_webhook, unsubscribes
from api.routes.money import (
    approvals,
    cards,
    decisions,
    ledger,
    payments,
    receipts,
    reconciliations,
    reports,
    stripe_webhook,
    totals,
)
from api.routes.stack import dev_clock, health
from api.routes.stack import problems as explained_problems
from api.routes.stack import settings as settings_in_force
from api.settings import ApiSettings
from api.watching.practice import WatchedPractice
from api.watching.requests import Metrics
from engine.clock import Clock, EngineClock
from engine.codec import PayloadKeys
from engine.watching.requests import MeasureRequests, is_watching
from models.database import Sessions
from models.pulse import Pulse

_PARTS = (
    health,
    settings_in_force,
    explained_problems,
    codec,
    therapists,
    availability,
    calendar_connections,
    leaves,
    outside_calendars,
    slots,
    closures,
    waitlist,
    journeys,
    matching_form,
    clients,
    matches,
    standing,
    offers,
    appointments,
    changes,
    calendar_files,
    photos,
    sign_ins,
    sessions,
    activations,
    passwords,
    email_changes,
    second_factors,
    enrolments,
    locked_accounts,
    lost_factors,
    oidc,
    staff,
    keys,
    passes,
    therapist_tokens,
    accesses,
    openings,
    joins,
    forms,
    drafts,
    form_uploads,
    signed,
    form_templates,
    texts,
    goals,
    events,
    totals,  # before a payment by its id
    payments,
    cards,
    receipts,
    decisions,
    approvals,
    ledger,
    reports,
    exceptions,
    reconciliations,
    archives,
    bulk_archives,
    keepings,
    groups,
    group_moves,
    documents,
    notes,
    notifications,
    chats,
    blasts,
    tasks,
    webhooks,
    stripe_webhook,
    sendgrid_webhook,
    calendar_pushes,
    unsubscribes,
)

TITLE = "Care Journeys"
DESCRIPTION = """The care journeys of a therapy practice: matching, booking, forms, payments and archive.

Times are RFC 3339 with an offset, dates are ISO, amounts are whole minor units with an ISO currency. Lists take
`limit` and `cursor`, and answer `items` and `next_cursor`. Every POST takes an `Idempotency-Key`. Errors are
`application/problem+json`; their `type` ends in a name that programs can rely on. Fields and parameters that a
call does not know are refused.

Records and lists have an `ETag`: sent back as `If-None-Match`, it costs next to nothing to hear that nothing has
changed (304). Clients, appointments and tasks take `updated_since`, and answer with the `as_of` to go on from: that
of the first page.
"""


def create_app(
    *,
    sessions: Sessions,
    engine: JourneyEngine,
    clock: Clock,
    settings: ApiSettings,
    cipher: PayloadKeys,
    passwords: Passwords | None = None,
    pulse: Pulse | None = None,
) -> FastAPI:
    """The whole API over these services. ``/dev/clock`` exists only on a clock that can be moved.

    ``pulse`` is the database's. ``passwords`` is for tests, which need not be slow to guess.
    """
    app = FastAPI(
        title=TITLE,
        description=DESCRIPTION,
        version="1",
        openapi_url=None,  # the pages are our own: see docs_pages
        generate_unique_id_function=lambda route: route.name,  # a call is called as its function
        # Spans go where server.py says, and nowhere else: FastAPI's own way out would tell all that it sees.
        telemetry={
            "auto_configure": False,
            "logs": False,
            "metrics": False,
            "operation_spans": False,
            "exclude": is_watching,
        },
        redirect_slashes=False,  # behind a proxy a redirect would lead to plain HTTP, with the token
        dependencies=[Depends(knows_its_query)],
    )
    standard_words(settings.countries)  # reading them takes most of a second, and no request should wait
    metrics = Metrics()
    app.state.services = Services(
        sessions=sessions,
        engine=engine,
        clock=clock,
        settings=settings,
        cipher=cipher,
        passwords=passwords or Passwords(),
        metrics=metrics,
        practice=WatchedPractice(sessions, clock),
        disk=Disk(),
        pulse=pulse,
        provider=Provider(settings.oidc) if settings.oidc is not None else None,
    )
    for part in _PARTS:
        app.include_router(part.router)
    if isinstance(clock, EngineClock):
        app.include_router(dev_clock.router)
    if settings.docs:
        app.include_router(docs_pages.router)
    problems.install(app)
    app.add_middleware(MailAddresses, test=settings.test_addresses)
    app.add_middleware(Methods)
    app.add_middleware(LetGo)
    app.add_middleware(Bounds)
    app.add_middleware(KnownHosts, hosts=settings.allowed_hosts)
    app.add_middleware(AnswerHeaders, https_only=settings.https_only)
    app.add_middleware(MeasureRequests, numbers=metrics)
    app.add_middleware(HideSecrets)
    app.add_middleware(RequestIds)
    app.add_middleware(TrustedProxies, networks=settings.trusted_proxies)
    _describe(app, public_url=settings.public_url)
    return app


def _describe(app: FastAPI, *, public_url: str) -> None:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app, public_url=public_url)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
