"""The web server of the practice: the paths and bodies of this product's API, as far as the journey needs them.

Each request is one transaction, in which the peer's jobs are made too. There are no roles, no encryption, no history of
changes and no idempotency of requests: what a practice would have to add, and the product has.
"""

import hashlib
import hmac
import json
import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import anyio.to_thread
import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bench.peers.practice.vendors import FEE, stripe
from bench.peers.practice.work import PAID

Json = dict[str, Any]
FORMS = ("informed_consent", "initial_consultation", "billing_info")


class BookedSession(NamedTuple):
    id: str
    starts_at: datetime
    reminders: list[datetime]


class Transaction(NamedTuple):
    """``run``: SQL with ``%(name)s`` and its values, answered by the rows. ``connection``: for the peer's own calls."""

    run: Callable[..., Sequence[Any]]
    connection: Any


class BarePractice(ABC):
    """What a peer adds: how it reaches the database, and which jobs it makes in a transaction."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Transaction]: ...

    @abstractmethod
    def booked(self, tx: Transaction, client_id: str, sessions: list[BookedSession]) -> None: ...

    @abstractmethod
    def occurred(self, tx: Transaction, session_id: str, due_at: datetime) -> None: ...

    @abstractmethod
    def cancelled(self, tx: Transaction, session_ids: list[str]) -> None: ...

    @abstractmethod
    def paid(self, tx: Transaction, payment_id: str, client_id: str) -> None: ...


class NotSignedIn(Exception):
    pass


class Web:
    def __init__(self, practice: BarePractice) -> None:
        self.practice = practice
        self.http = httpx.Client(trust_env=False, timeout=30)

    def begin_journey(self, body: Json) -> Json:
        """Matched with whom has the smallest caseload."""
        id = str(uuid4())
        with self.practice.transaction() as tx:
            [(therapist,)] = tx.run(
                """UPDATE therapist SET caseload = caseload + 1 WHERE id =
                   (SELECT id FROM therapist ORDER BY caseload, id LIMIT 1 FOR UPDATE) RETURNING id"""
            )
            _ = tx.run("INSERT INTO client (id, therapist) VALUES (%(id)s, %(therapist)s)", id=id, therapist=therapist)
        return {"client_id": id, "match": {"therapist": therapist}, "answers": body.get("answers")}

    def book(self, body: Json, client_id: str) -> Json:
        details, charge_after = body["details"], timedelta(seconds=body["charge_after"])
        sessions = []
        with self.practice.transaction() as tx:
            _ = tx.run(
                "UPDATE client SET email = %(email)s, name = %(name)s, activation = %(token)s WHERE id = %(id)s",
                email=details["email"],
                name=details["first_name"],
                token=secrets.token_urlsafe(),
                id=client_id,
            )
            for kind in FORMS:
                _ = tx.run("INSERT INTO form (client_id, kind) VALUES (%(id)s, %(kind)s)", id=client_id, kind=kind)
            for start in map(datetime.fromisoformat, body["starts_at"]):
                reminders = [start - timedelta(seconds=before) for before in body["reminders"]]
                session = BookedSession(str(uuid4()), start, reminders)
                _ = tx.run(
                    """INSERT INTO appointment (id, client_id, starts_at, ends_at, charge_after)
                       VALUES (%(id)s, %(client)s, %(starts)s, %(ends)s, %(after)s)""",
                    id=session.id,
                    client=client_id,
                    starts=start,
                    ends=start + timedelta(seconds=body["lasts"]),
                    after=charge_after,
                )
                sessions.append(session)
            self.practice.booked(tx, client_id, sessions)
        return {"appointments": [{"id": session.id} for session in sessions]}

    def activate(self, body: Json) -> Json:
        salt, token = secrets.token_bytes(16), secrets.token_urlsafe()
        password = hashlib.scrypt(body["password"].encode(), salt=salt, n=2**14, r=8, p=1)
        with self.practice.transaction() as tx:
            found = tx.run(
                """UPDATE client SET activation = NULL, password = %(password)s, salt = %(salt)s
                   WHERE activation = %(token)s RETURNING id""",
                token=body["token"],
                password=password,
                salt=salt,
            )
            if not found:
                raise NotSignedIn("the link is not known")
            _ = tx.run("INSERT INTO sign_in VALUES (%(token)s, %(id)s)", token=token, id=found[0][0])
        return {"token": token}

    def set_up_card(self, client_id: str, token: str) -> Json:
        with self.practice.transaction() as tx:
            self._must_be(tx, client_id, token)
        customer = stripe(self.http, "POST", "customers", key=f"customer:{client_id}")["id"]
        setup = stripe(self.http, "POST", "setup_intents", customer=customer, usage="off_session")["id"]
        with self.practice.transaction() as tx:
            _ = tx.run("UPDATE client SET customer = %(customer)s WHERE id = %(id)s", customer=customer, id=client_id)
        return {"setup_intent": setup}

    def fill_in(self, body: Json, client_id: str, kind: str, token: str) -> Json:
        card = None
        if kind == "billing_info":
            card = stripe(self.http, "GET", f"setup_intents/{body['setup_intent']}")["payment_method"]
        with self.practice.transaction() as tx:
            self._must_be(tx, client_id, token)
            _ = tx.run(
                """UPDATE form SET answers = %(answers)s, signature = %(signature)s, answered_at = now()
                   WHERE client_id = %(id)s AND kind = %(kind)s""",
                answers=json.dumps(body["answers"]),
                signature=body["signature"],
                id=client_id,
                kind=kind,
            )
            if card:
                _ = tx.run("UPDATE client SET card = %(card)s WHERE id = %(id)s", card=card, id=client_id)
        return {}

    def occurred(self, session_id: str) -> Json:
        with self.practice.transaction() as tx:
            found = tx.run(
                """UPDATE appointment SET status = 'occurred' WHERE id = %(id)s AND status = 'scheduled'
                   AND starts_at <= now() RETURNING client_id, greatest(now(), ends_at + charge_after)""",
                id=session_id,
            )
            for client_id, due_at in found:
                _ = tx.run(
                    """INSERT INTO payment (id, client_id, amount, due_at)
                       VALUES (%(id)s, %(client)s, %(fee)s, %(due)s)""",
                    id=session_id,
                    client=client_id,
                    fee=FEE,
                    due=due_at,
                )
                self.practice.occurred(tx, session_id, due_at)
        return {}

    def archive(self, client_id: str) -> Json:
        with self.practice.transaction() as tx:
            _ = tx.run("UPDATE client SET status = 'archived' WHERE id = %(id)s", id=client_id)
            found = tx.run(
                """UPDATE appointment SET status = 'cancelled' WHERE client_id = %(id)s AND status = 'scheduled'
                   RETURNING id""",
                id=client_id,
            )
            self.practice.cancelled(tx, [str(id) for (id,) in found])
        return {}

    def stripe_says(self, event: Json) -> Json:
        told = event["data"]["object"]
        payment_id = told.get("metadata", {}).get("payment_id")
        with self.practice.transaction() as tx:
            new = tx.run("INSERT INTO stripe_event VALUES (%(id)s) ON CONFLICT DO NOTHING RETURNING 1", id=event["id"])
            if new and payment_id and event["type"] == "payment_intent.succeeded":
                for (client_id,) in tx.run(PAID, id=payment_id, intent=told["id"]):
                    self.practice.paid(tx, payment_id, str(client_id))
        return {}

    def _must_be(self, tx: Transaction, client_id: str, token: str) -> None:
        if not tx.run("SELECT 1 FROM sign_in WHERE token = %(t)s AND client_id = %(id)s", t=token, id=client_id):
            raise NotSignedIn("sign in first")


def is_from_stripe(body: bytes, header: str, *, secret: str) -> bool:
    said = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    digest = hmac.new(secret.encode(), f"{said.get('t')}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(digest, said.get("v1", ""))


def serve(practice: BarePractice) -> None:
    """Until it is stopped, on ``PORT``."""
    web = Web(practice)

    def route(path: str, method: str, do: Callable[..., Json], *, body: bool = True, token: bool = False) -> Route:
        async def answer(request: Request) -> JSONResponse:
            given: Json = {**request.path_params}
            if body:
                given["body"] = await request.json()
            if token:
                given["token"] = request.headers.get("authorization", "").removeprefix("Bearer ")
            try:
                return JSONResponse(await anyio.to_thread.run_sync(lambda: do(**given)))
            except NotSignedIn as problem:
                return JSONResponse({"detail": str(problem)}, status_code=403)

        return Route(path, answer, methods=[method])

    async def webhook(request: Request) -> JSONResponse:
        body = await request.body()
        secret = os.environ["STRIPE_WEBHOOK_SECRET"]
        if not is_from_stripe(body, request.headers.get("stripe-signature", ""), secret=secret):
            return JSONResponse({"detail": "not from Stripe"}, status_code=400)
        return JSONResponse(await anyio.to_thread.run_sync(web.stripe_says, json.loads(body)))

    async def healthy(_: Request) -> JSONResponse:
        return JSONResponse({})

    client, session = "/v1/clients/{client_id}", "/v1/appointments/{session_id}"
    routes = [
        Route("/readyz", healthy),
        Route("/v1/webhooks/stripe", webhook, methods=["POST"]),
        route("/v1/journeys", "POST", web.begin_journey),
        route(f"{client}/appointments", "POST", web.book),
        route("/v1/activations", "POST", web.activate),
        route(f"{client}/card-setup", "POST", web.set_up_card, body=False, token=True),
        route(f"{client}/forms/{{kind}}", "PUT", web.fill_in, token=True),
        route(f"{session}/outcome", "POST", web.occurred, body=False),
        route(f"{client}/archive", "POST", web.archive, body=False),
    ]
    uvicorn.run(Starlette(routes=routes), port=int(os.environ["PORT"]), log_level="warning", access_log=False)
