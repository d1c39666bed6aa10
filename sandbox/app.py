"""The stand-ins as one web application: ``/stripe``, ``/sendgrid``, and the outbox to look at."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel

from engine.clock import Clock
from sandbox.outbox_page import list_page, mail_page
from sandbox.sendgrid_api import Refused, SendGridApi
from sandbox.store import Document, Store
from sandbox.stripe_api import Asked, StripeApi
from sandbox.stripe_webhooks import DEFAULT_EVENTS, Webhooks
from sandbox.stripe_wire import StripeError

# The outbox's contract; what is kept besides is for the page.
_OUTBOX_FIELDS = ("to", "subject", "text", "html", "template", "sent_at", "attachments")
_MORE_FIELDS = ("id", "to_name", "from", "headers", "custom_args", "message_id")


class Endpoint(BaseModel, extra="forbid"):
    url: str | None
    secret: str
    events: list[str] = list(DEFAULT_EVENTS)


class Outcome(BaseModel, extra="forbid"):
    outcome: Literal["succeed", "fail"] = "succeed"


class Instruction(BaseModel, extra="forbid"):
    card: str | None = None
    decline_code: str | None = None


def create_app(*, store: Store, clock: Clock) -> FastAPI:
    """The application on this store and clock; both outlive it."""
    webhooks = Webhooks(store, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        webhooks.resume()
        yield
        await webhooks.aclose()

    app = FastAPI(title="Stand-ins", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.webhooks = webhooks
    _serve_stripe(app, StripeApi(store, clock, webhooks), webhooks)
    _serve_sendgrid(app, SendGridApi(store, clock))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "now": (await clock.now()).isoformat()}

    return app


def _serve_stripe(app: FastAPI, stripe: StripeApi, webhooks: Webhooks) -> None:
    @app.exception_handler(StripeError)
    async def stripe_error(_: Request, problem: Exception) -> Response:
        assert isinstance(problem, StripeError)
        return JSONResponse({"error": problem.error}, problem.status)

    @app.api_route("/stripe/v1/{rest:path}", methods=["GET", "POST", "DELETE"])
    async def stripe_call(rest: str, request: Request) -> Response:
        told = await stripe.answer(
            Asked(
                method=request.method,
                path=f"/v1/{rest}",
                query=request.url.query,
                headers=request.headers,
                body=await request.body(),
            )
        )
        return Response(told.body, told.status, told.headers, media_type="application/json")

    @app.get("/stripe/_state")
    async def state() -> Document:
        return stripe.state()

    @app.post("/stripe/_webhook")
    async def register(endpoint: Endpoint) -> Document:
        return webhooks.register(url=endpoint.url, secret=endpoint.secret, events=endpoint.events)

    @app.post("/stripe/_authenticate/{id_}")
    async def authenticate(id_: str, outcome: Outcome) -> Document:
        return await stripe.authenticate(id_, succeeds=outcome.outcome == "succeed")

    @app.post("/stripe/_payment_methods/{id_}")
    async def instruct_bank(id_: str, instruction: Instruction) -> Document:
        return await stripe.instruct_bank(id_, card=instruction.card, decline_code=instruction.decline_code)


def _serve_sendgrid(app: FastAPI, sendgrid: SendGridApi) -> None:
    @app.post("/sendgrid/v3/mail/send")
    async def send(request: Request) -> Response:
        try:
            mail: Any = json.loads(await request.body())
        except ValueError:
            mail = None
        try:
            message_id = await sendgrid.send(request.headers.get("authorization"), mail)
        except Refused as refused:
            return JSONResponse({"errors": refused.errors}, refused.status)
        return Response(status_code=202, headers={"X-Message-Id": message_id})

    @app.get("/outbox")
    async def outbox(to: str | None = None) -> list[Document]:
        return [_row(mail) for mail in sendgrid.outbox(to=to)]

    @app.get("/", response_class=HTMLResponse)
    @app.get("/outbox/page", response_class=HTMLResponse)
    async def page(to: str | None = None) -> str:
        return list_page(sendgrid.outbox(to=to), to=to)

    @app.get("/outbox/{id_}", response_class=HTMLResponse)
    async def one(id_: str) -> Response:
        mail = sendgrid.mail(id_)
        return HTMLResponse(mail_page(mail) if mail else "No such mail.", 200 if mail else 404)


def _row(mail: Mapping[str, Any]) -> Document:
    return {name: mail[name] for name in (*_OUTBOX_FIELDS, *_MORE_FIELDS)}
