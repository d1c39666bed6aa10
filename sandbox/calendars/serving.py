"""The routes of both vendors, and what only a stand-in has."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.background import BackgroundTask

from engine.clock import Clock
from sandbox.calendars import google, outlook
from sandbox.calendars.channels import Channels
from sandbox.calendars.events import BusyGiven, Events
from sandbox.calendars.faults import CalendarFaults
from sandbox.calendars.grants import Grants
from sandbox.calendars.pages import calendar_page, consent_page
from sandbox.calendars.vendors import GOOGLE, OUTLOOK, VENDORS, Vendor, VendorError, api_error
from sandbox.store import Document, Store
from sandbox.stripe.faults import read
from sandbox.stripe.wire import StripeError


class CalendarVendors:
    """``hang_up`` makes the answer that is none."""

    def __init__(self, app: FastAPI, *, store: Store, clock: Clock, hang_up: Callable[[], Response]) -> None:
        self._app, self._clock, self._hang_up = app, clock, hang_up
        self._grants, self._events, self._faults = Grants(store), Events(store), CalendarFaults(store)
        self._channels = Channels(store)
        self._answered: list[Document] = []

    def serve(self) -> None:
        self._serve_oauth(GOOGLE, authorize="/o/oauth2/v2/auth", token="/token")
        self._serve_oauth(OUTLOOK, authorize="/{tenant}/oauth2/v2.0/authorize", token="/{tenant}/oauth2/v2.0/token")
        self._serve_google()
        self._serve_outlook()
        for vendor in VENDORS.values():
            self._serve_by_hand(vendor)

        @self._app.exception_handler(VendorError)
        async def vendor_error(_: Request, problem: Exception) -> Response:
            assert isinstance(problem, VendorError)
            headers = {} if problem.retry_after is None else {"Retry-After": str(problem.retry_after)}
            return JSONResponse(problem.body, problem.status, headers)

    # ------------------------------------------------------------ the vendors'

    def _serve_oauth(self, vendor: Vendor, *, authorize: str, token: str) -> None:
        @self._app.get(f"/{vendor.key}{authorize}", response_class=HTMLResponse)
        async def consent(request: Request) -> str:
            return consent_page(vendor, self._grants.checked(vendor, request.query_params))

        @self._app.post(f"/{vendor.key}{authorize}")
        async def answer(request: Request) -> Response:
            said = await _form(request)
            asked = self._grants.checked(vendor, said)
            if said.get("answer") not in ("allow", "allow_nothing"):
                return RedirectResponse(self._grants.deny(asked), 303)
            account = said.get("account") or vendor.account
            whole = said["answer"] == "allow"
            now = await self._clock.now()
            return RedirectResponse(self._grants.allow(vendor, asked, account=account, with_scope=whole, now=now), 303)

        @self._app.post(f"/{vendor.key}{token}")
        async def tokens(request: Request) -> Response:
            form, now = await _form(request), await self._clock.now()
            return self._answer(vendor, "token", lambda: self._grants.token(vendor, form, now=now))

    def _serve_google(self) -> None:
        @self._app.post("/google/revoke")
        async def revoke(request: Request) -> Response:
            form = await _form(request)

            def done() -> Document:
                self._grants.revoke(GOOGLE, form.get("token", ""))
                return {}

            return self._answer(GOOGLE, "revoke", done)

        @self._app.post("/google/calendar/v3/freeBusy")
        async def free_busy(request: Request) -> Response:
            account = await self._account(GOOGLE, request)
            asked = await _json(request)
            return self._answer(GOOGLE, "read", lambda: google.free_busy(self._events, account, asked))

        @self._app.post("/google/calendar/v3/calendars/primary/events/watch")
        async def watch(request: Request) -> Response:
            account, asked, now = await self._account(GOOGLE, request), await _json(request), await self._clock.now()
            answer = self._answer(GOOGLE, "watch", lambda: self._channels.watch(account, asked, now=now))
            if isinstance(answer, JSONResponse):
                answer.background = BackgroundTask(self._channels.begin, str(asked["id"]))
            return answer

        @self._app.post("/google/calendar/v3/channels/stop")
        async def stop(request: Request) -> Response:
            account, asked = await self._account(GOOGLE, request), await _json(request)

            def done() -> Document:
                self._channels.stop(account, asked)
                return {}

            answer = self._answer(GOOGLE, "stop", done)
            return Response(status_code=204) if isinstance(answer, JSONResponse) else answer

    async def _changed(self, vendor: Vendor, account: str | None) -> None:
        if vendor is GOOGLE:
            await self._channels.tell(account or vendor.account, now=await self._clock.now())

    def _serve_outlook(self) -> None:
        @self._app.get("/outlook/v1.0/me/calendarView")
        async def calendar_view(request: Request) -> Response:
            account = await self._account(OUTLOOK, request)
            query, url = dict(request.query_params), str(request.url.replace(query=""))
            return self._answer(OUTLOOK, "read", lambda: outlook.calendar_view(self._events, account, query, url=url))

    async def _account(self, vendor: Vendor, request: Request) -> str:
        now = await self._clock.now()
        account = self._grants.account_of(vendor, request.headers.get("authorization"), now=now)
        if account is None:
            raise api_error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        return account

    def _answer(self, vendor: Vendor, call: str, act: Callable[[], Document]) -> Response:
        """Done, or met by a fault; what was answered is kept, to be looked at."""
        met = self._faults.met(vendor, call)
        if met == "nonsense":
            return HTMLResponse("<p>Something went wrong.</p>")
        answered = act()
        self._answered.append({"vendor": vendor.key, "call": call, "answer": answered})
        return self._hang_up() if met == "hang_up" else JSONResponse(answered)

    # ------------------------------------------------------------ by hand

    async def _take_out(self, vendor: Vendor, id_: str) -> bool:
        accounts = [row["account"] for row in self._events.of(vendor) if row["id"] == id_]
        removed = self._events.remove(vendor, id_)
        for account in accounts:
            await self._changed(vendor, account)
        return removed

    def _serve_by_hand(self, vendor: Vendor) -> None:
        base = f"/{vendor.key}"

        @self._app.get(f"{base}/calendar", response_class=HTMLResponse)
        async def shown() -> str:
            return calendar_page(vendor, self._events.of(vendor))

        @self._app.post(f"{base}/calendar")
        async def put_in(request: Request) -> Response:
            said = await _form(request)
            said |= {name: f"{said.get(name, '')}:00Z" for name in ("starts", "ends")}
            try:
                added = self._events.add(vendor, read(BusyGiven, said))
            except StripeError as problem:
                return HTMLResponse(calendar_page(vendor, self._events.of(vendor), wrong=str(problem)), 400)
            await self._changed(vendor, added["account"])
            return RedirectResponse(f"{base}/calendar", 303)

        @self._app.post(f"{base}/calendar/{{id_}}/remove")
        async def take_out(id_: str) -> Response:
            await self._take_out(vendor, id_)
            return RedirectResponse(f"{base}/calendar", 303)

        @self._app.get(f"{base}/_state")
        async def state() -> Document:
            return {
                "events": self._events.of(vendor),
                "grants": self._grants.standing(vendor),
                "channels": self._channels.all() if vendor is GOOGLE else [],  # Microsoft's want another scope
                "answers": [row for row in self._answered if row["vendor"] == vendor.key],
            }

        @self._app.post(f"{base}/_events")
        async def add(request: Request) -> Document:
            added = self._events.add(vendor, read(BusyGiven, await _json(request)))
            await self._changed(vendor, added["account"])
            return added

        @self._app.delete(f"{base}/_events/{{id_}}")
        async def remove(id_: str) -> Document:
            return {"removed": await self._take_out(vendor, id_)}

        @self._app.post(f"{base}/_withdraw")
        async def withdraw(request: Request) -> Document:
            said = await _json(request)
            account = said.get("account") if isinstance(said, dict) else None
            return {"ended": self._grants.withdraw(vendor, account or vendor.account)}

        @self._app.get(f"{base}/_faults")
        async def show_faults() -> list[Document]:
            return self._faults.all(vendor)

        @self._app.post(f"{base}/_faults")
        async def add_faults(request: Request) -> list[Document]:
            return self._faults.add(vendor, await _json(request))

        @self._app.delete(f"{base}/_faults")
        async def clear_faults() -> list[Document]:
            return self._faults.clear(vendor)


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError as problem:
        raise StripeError(400, f"The body is no JSON: {problem}", executed=False) from problem
