"""The stand-ins as one web application: ``/stripe``, ``/sendgrid``, ``/google``, ``/outlook``, and the outbox to look
at."""

import json
from asyncio import Transport
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from engine.clock import Clock
from sandbox.at_stripe.by_hand import ByHand
from sandbox.at_stripe.pages import HostedPages, PageShown, form_of
from sandbox.calendars.serving import CalendarVendors
from sandbox.hooks.page import hooks_page
from sandbox.hooks.receiving import Hooks
from sandbox.outbox_page import list_page, mail_page
from sandbox.sendgrid.account import MailAccount, MailAccountShown
from sandbox.sendgrid.api import SendGridApi, SendGridRefused
from sandbox.sendgrid.events import MailEvents, WantedEvent
from sandbox.store import Document, Store
from sandbox.stripe.api import ROUTES, StripeApi, StripeRequest
from sandbox.stripe.faults import Faults, read
from sandbox.stripe.webhooks import DEFAULT_EVENTS, Webhooks
from sandbox.stripe.wire import StripeError

# The outbox's contract; what is kept besides is for the page.
_OUTBOX_FIELDS = ("to", "subject", "text", "html", "template", "sent_at", "attachments")
_MORE_FIELDS = ("id", "to_name", "from", "headers", "custom_args", "message_id")

Body = TypeVar("Body", bound=BaseModel)


class Endpoint(BaseModel, extra="forbid"):
    url: str | None
    secret: str
    events: list[str] = list(DEFAULT_EVENTS)


class MailEndpoint(BaseModel, extra="forbid"):
    url: str | None


class RefundOutcome(BaseModel, extra="forbid"):
    outcome: Literal["succeed", "fail"] = "succeed"


class Instruction(BaseModel, extra="forbid"):
    card: str | None = None
    decline_code: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None


class NewDispute(BaseModel, extra="forbid"):
    payment_intent: str
    reason: str = "fraudulent"
    inquiry: bool = False


class DisputeEnd(BaseModel, extra="forbid"):
    status: Literal["won", "lost", "warning_under_review", "warning_closed", "needs_response"]


class RefundEnd(BaseModel, extra="forbid"):
    status: Literal["succeeded", "failed"] | None = None


class StandIns(FastAPI):
    """Tells each request which connection it came over, so that the answer can be to drop it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The server's own way to say it; whoever else runs this application has no connection to drop.
        scope["connection"] = getattr(getattr(send, "__self__", None), "transport", None)
        await super().__call__(scope, receive, send)


class HookSecret(BaseModel, extra="forbid"):
    secret: str


class HangUp(Response):
    """No answer at all: the caller sees the connection end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        connection: Transport | None = scope["connection"]
        assert connection is not None, "there is no connection to drop"
        connection.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


def create_app(*, store: Store, clock: Clock) -> FastAPI:
    """The application on this store and clock; both outlive it."""
    faults = Faults(store, ROUTES)
    webhooks = Webhooks(store, clock, faults)
    mail_events = MailEvents(store, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        webhooks.resume()
        yield
        await webhooks.aclose()
        await mail_events.aclose()

    app = StandIns(title="Stand-ins", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.webhooks = webhooks
    app.state.mail_events = mail_events
    _serve_stripe(app, StripeApi(store, clock, webhooks, faults))
    by_hand = ByHand(store, clock, webhooks)
    _serve_by_hand(app, by_hand)
    _serve_pages(app, HostedPages(by_hand))
    _serve_trouble(app, faults, webhooks)
    _serve_sendgrid(app, SendGridApi(store, clock, mail_events))
    _serve_mail_events(app, mail_events)
    _serve_account(app, MailAccountShown(store))
    _serve_hooks(app, Hooks(store, clock))
    CalendarVendors(app, store=store, clock=clock, hang_up=HangUp).serve()

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "now": (await clock.now()).isoformat()}

    return app


def _serve_stripe(app: FastAPI, stripe: StripeApi) -> None:
    @app.exception_handler(StripeError)
    async def stripe_error(_: Request, problem: Exception) -> Response:
        assert isinstance(problem, StripeError)
        return JSONResponse({"error": problem.error}, problem.status)

    @app.api_route("/stripe/v1/{rest:path}", methods=["GET", "POST", "DELETE"])
    async def stripe_call(rest: str, request: Request) -> Response:
        told = await stripe.answer(
            StripeRequest(
                method=request.method,
                path=f"/v1/{rest}",
                query=request.url.query,
                headers=request.headers,
                body=await request.body(),
            )
        )
        if told.hangs_up:
            return HangUp()
        return Response(told.body, told.status, told.headers, media_type="application/json")


def _serve_by_hand(app: FastAPI, by_hand: ByHand) -> None:
    @app.get("/stripe/_state")
    async def state() -> Document:
        return by_hand.state()

    @app.post("/stripe/_forget_keys", status_code=204)
    async def forget_keys() -> None:
        by_hand.forget_keys()

    @app.post("/stripe/_authenticate/{id_}")
    async def authenticate(id_: str, outcome: RefundOutcome) -> Document:
        return await by_hand.authenticate(id_, succeeds=outcome.outcome == "succeed")

    @app.post("/stripe/_payment_methods/{id_}")
    async def instruct_bank(id_: str, instruction: Instruction) -> Document:
        month, year = instruction.exp_month, instruction.exp_year
        if (month is None) != (year is None):
            raise StripeError(400, "exp_month and exp_year: a card has both", param="exp_month", executed=False)
        if month is not None and year is not None:
            method = await by_hand.set_expiry(id_, month=month, year=year)
            if not instruction.model_fields_set & {"card", "decline_code"}:
                return method
        return await by_hand.instruct_bank(id_, card=instruction.card, decline_code=instruction.decline_code)

    @app.post("/stripe/_refunds/{id_}")
    async def settle_refund(id_: str, request: Request) -> Document:
        end = await _body(request, RefundEnd)
        return await by_hand.settle_refund(id_, status=end.status)

    @app.post("/stripe/_disputes")
    async def open_dispute(request: Request) -> Document:
        wanted = await _body(request, NewDispute)
        opens = by_hand.open_inquiry if wanted.inquiry else by_hand.open_dispute
        return await opens(payment_intent=wanted.payment_intent, reason=wanted.reason)

    @app.post("/stripe/_disputes/{id_}")
    async def close_dispute(id_: str, request: Request) -> Document:
        end = await _body(request, DisputeEnd)
        return await by_hand.close_dispute(id_, status=end.status)


def _serve_pages(app: FastAPI, pages: HostedPages) -> None:
    @app.get("/stripe/checkout/{id_}")
    async def checkout(id_: str) -> Response:
        return _answer(await pages.checkout(id_))

    @app.post("/stripe/checkout/{id_}")
    async def submit(id_: str, request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        return _answer(await pages.submit(id_, form_of(await request.body()), base_url=f"{base}/stripe"))

    @app.get("/stripe/3ds/{id_}")
    async def bank(id_: str) -> Response:
        return _answer(await pages.bank(id_))

    @app.post("/stripe/3ds/{id_}")
    async def answer_bank(id_: str, request: Request) -> Response:
        return _answer(await pages.answer_bank(id_, form_of(await request.body())))


def _answer(shown: PageShown) -> Response:
    if shown.location is not None:
        return RedirectResponse(shown.location, shown.status)
    return HTMLResponse(shown.html, shown.status)


def _serve_trouble(app: FastAPI, faults: Faults, webhooks: Webhooks) -> None:
    @app.post("/stripe/_webhook")
    async def register(endpoint: Endpoint) -> Document:
        return webhooks.register(url=endpoint.url, secret=endpoint.secret, events=endpoint.events)

    @app.post("/stripe/_webhooks/release")
    async def release() -> Document:
        return {"released": await webhooks.release()}

    @app.get("/stripe/_faults")
    async def show_faults() -> list[Document]:
        return faults.all()

    @app.post("/stripe/_faults")
    async def add_faults(request: Request) -> list[Document]:
        return faults.add(await _json(request))

    @app.delete("/stripe/_faults")
    async def clear_faults() -> list[Document]:
        return faults.clear()


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError as problem:
        raise StripeError(400, f"The body is no JSON: {problem}", executed=False) from problem


async def _body(request: Request, shape: type[Body]) -> Body:
    return read(shape, await _json(request))


def _serve_sendgrid(app: FastAPI, sendgrid: SendGridApi) -> None:
    @app.post("/sendgrid/v3/mail/send")
    async def send(request: Request) -> Response:
        try:
            mail: Any = json.loads(await request.body())
        except ValueError:
            mail = None
        try:
            message_id = await sendgrid.send(request.headers.get("authorization"), mail)
        except SendGridRefused as refused:
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


def _serve_mail_events(app: FastAPI, mail_events: MailEvents) -> None:
    @app.post("/sendgrid/_webhook")
    async def register_for_mail_events(endpoint: MailEndpoint) -> Document:
        return mail_events.register(url=endpoint.url)

    @app.get("/sendgrid/_events")
    async def show_mail_events() -> list[Document]:
        return mail_events.all()

    @app.post("/sendgrid/_events")
    async def tell_of_a_mail(request: Request) -> Document:
        return await mail_events.tell(await _body(request, WantedEvent))


def _serve_account(app: FastAPI, account: MailAccountShown) -> None:
    def shown(request: Request, told: Document | list[Document] | None) -> Response:
        status = 401 if not request.headers.get("authorization", "").startswith("Bearer SG.") else 403
        if told is None or status == 401:
            return JSONResponse({"errors": [{"message": "access forbidden", "field": None}]}, status)
        return JSONResponse(told)

    @app.get("/sendgrid/v3/scopes")
    async def show_scopes(request: Request) -> Response:
        return shown(request, account.scopes())

    @app.get("/sendgrid/v3/whitelabel/domains")
    async def show_domains(request: Request) -> Response:
        return shown(request, account.domains())

    @app.get("/sendgrid/v3/user/webhooks/event/settings/all")
    async def show_event_webhooks(request: Request) -> Response:
        return shown(request, account.webhooks())

    @app.post("/sendgrid/_account")
    async def set_account(request: Request) -> Document:
        return account.set(await _body(request, MailAccount))


def _serve_hooks(app: FastAPI, hooks: Hooks) -> None:
    @app.post("/webhooks")
    async def receive_hook(request: Request) -> Response:
        known = await hooks.receive(await request.body(), request.headers)
        return Response(status_code=204 if known else 400)

    @app.get("/webhooks")
    async def show_hooks() -> list[Document]:
        return hooks.received()

    @app.get("/webhooks/page", response_class=HTMLResponse)
    async def show_hooks_page() -> str:
        return hooks_page(hooks.received())

    @app.post("/webhooks/_secret")
    async def learn_secret(request: Request) -> Document:
        wanted = await _body(request, HookSecret)
        try:
            return hooks.learn(wanted.secret)
        except ValueError as problem:
            raise StripeError(400, f"secret: {problem}", executed=False) from problem


def _row(mail: Mapping[str, Any]) -> Document:
    return {name: mail[name] for name in (*_OUTBOX_FIELDS, *_MORE_FIELDS)}
