"""What a worker does, whoever tells it when: one mail, one reminder, one charge. Each is safe to do again.

``run`` asks the database: SQL with ``%(name)s``, and its values; it answers the rows.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx

from bench.peers.practice import vendors

Run = Callable[..., Awaitable[Sequence[Any]]]

_CLIENT = """SELECT client.email, therapist.email, client.activation, EXISTS (SELECT FROM mail WHERE key = %(key)s)
  FROM client JOIN therapist ON therapist.id = client.therapist WHERE client.id = %(client)s"""
_SENT = """INSERT INTO mail (key, client_id, template, due_at) VALUES (%(key)s, %(client)s, %(template)s, %(due)s)
  ON CONFLICT DO NOTHING"""
_STILL = """SELECT client_id FROM appointment WHERE id = %(id)s AND status = 'scheduled' AND starts_at > now()"""
_TO_CHARGE = """SELECT client.customer, client.card FROM payment JOIN client ON client.id = payment.client_id
  WHERE payment.id = %(id)s AND payment.status = 'scheduled' AND client.status = 'active'"""
PAID = """UPDATE payment SET status = 'paid', paid_at = clock_timestamp(), intent = %(intent)s
  WHERE id = %(id)s AND status = 'scheduled' RETURNING client_id"""

TO_THERAPIST = ("new_client", "appointment_booked")
AT_FIRST_BOOKING = ("welcome", "booking_confirmation", "forms_requested", *TO_THERAPIST)


async def mail(
    run: Run, http: httpx.AsyncClient, *, key: str, client_id: str, template: str, due: str | None = None
) -> None:
    """Send it unless it was. Between the sending and the note of it lies a moment in which a crash doubles it."""
    [(client, therapist, activation, sent)] = await run(_CLIENT, key=key, client=client_id)
    if sent:
        return
    to = therapist if template in TO_THERAPIST else client
    says = f"https://practice.example/activate/{activation}" if template == "welcome" else ""
    await vendors.send(http, key=key, to=to, template=template, says=says)
    _ = await run(_SENT, key=key, client=client_id, template=template, due=due)


async def remind(run: Run, http: httpx.AsyncClient, *, appointment_id: str, number: int, due: str) -> None:
    """Before the start, and only of what still stands."""
    for (client_id,) in await run(_STILL, id=appointment_id):
        key = f"{appointment_id}:reminder:{number}"
        await mail(run, http, key=key, client_id=str(client_id), template="appointment_reminder", due=due)


async def charge(run: Run, http: httpx.AsyncClient, *, payment_id: str) -> str | None:
    """The intent; None if there is nothing to charge any more."""
    for customer, card in await run(_TO_CHARGE, id=payment_id):
        return await vendors.charge(http, payment_id=payment_id, customer=customer, card=card)
    return None
