"""What the webhooks of vendors share: a refusal of what cannot be believed, and the way to the journey it is about."""

from datetime import datetime

import structlog
from pydantic import BaseModel

from api.deps import Services
from api.engine import Gone
from api.problems import Refused
from models.tables.clients.client import Client
from models.writes.mail.inbound_events import mark_handled
from rules.money.webhook_signature import SignatureInvalid
from rules.refusals import Problem, Refusal
from workflows.messages import INBOUND_EVENT, journey_id

log = structlog.get_logger(__name__)


class Received(BaseModel):
    received: bool = True


def not_believed(header: str, error: SignatureInvalid) -> Refused:
    """The answer (400) to a webhook whose signature, in this header, does not fit."""
    log.warning("webhook refused", because=str(error))
    refusal = Refusal(
        name=Problem.VALIDATION_FAILED,
        detail=f"This webhook cannot be believed: {error}.",
        data={"errors": [{"field": header, "message": str(error)}]},
    )
    return Refused(refusal, status=400)


async def hand_on(services: Services, event_id: str, client: Client | None, *, otherwise: str, now: datetime) -> None:
    """Wake the journey of the client whom a stored event is about. Without one it is done with, ``otherwise`` says why.

    The same event twice is one to the journey.
    """
    outcome = otherwise
    if client is not None:
        sent = await services.engine.signal(journey_id(str(client.id)), INBOUND_EVENT, event_id)
        if not isinstance(sent, Gone):
            return
        outcome = "the journey has ended"
    async with services.sessions() as session:
        await mark_handled(session, event_id, outcome=outcome, at=now)
        await session.commit()
