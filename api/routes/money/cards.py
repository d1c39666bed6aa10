"""The card that a client's payments are made with: how one is saved, and which one is."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from api.access_log.declared import shows
from api.bodies import Body
from api.commands import ByKnown
from api.deps import Known, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import not_found, responses
from api.reading.versioned import MadeOf, versioned
from api.routes.money.ways_back import ReturnUrl, must_be_ours
from models.reads.forms.requests import policy_to_sign
from models.reads.forms.texts import read_as
from rules.accounts.accesses import AccessKind
from rules.refusals import Problem
from workflows.messages import SET_UP_CARD

router = APIRouter(
    prefix="/v1", tags=["payments"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.PAYMENTS)]
)


class SavedCardView(BaseModel):
    """``usable``: false once a bank has said that this card must not be asked again; another one is needed then."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int
    usable: bool


@router.get(
    "/clients/{client_id}/card",
    dependencies=[versioned(MadeOf.ONE)],
    summary="The card that a client has saved",
    responses=responses(Problem.NOT_FOUND),
)
async def get_card(*, client_id: UUID, services: Svc, caller: Known) -> SavedCardView:
    """Not found for who has none."""
    client = await must_see_client(services, caller, client_id)
    if client.card is None or client.stripe_payment_method is None:
        raise not_found("card")
    return SavedCardView(**client.card, usable=not client.card_blocked)


class CardSetupBody(Body):
    """With ``return_url`` the card is given on Stripe's own page, which leads back there: with ``checkout_session``
    in its query once the card is saved, without it if the client has thought better of it."""

    return_url: ReturnUrl | None = None


class _Consent(BaseModel):
    """The fee policy that the client agrees to with it, in the version that is to be signed."""

    consent_text: str
    consent_version: str


class CardSetup(_Consent):
    """What Stripe's own form in the browser needs to save a card, and the text that the client agrees to."""

    customer: str
    setup_intent: str
    client_secret: str


class CheckoutSetup(_Consent):
    """Stripe's own page for a card, good until ``expires_at``, and the text that the client agrees to before."""

    url: str
    checkout_session: str
    expires_at: datetime


@router.post(
    "/clients/{client_id}/card-setup",
    status_code=201,
    summary="Prepare the saving of a card",
    responses=responses(Problem.NOT_FOUND),
)
async def set_up_card(
    *, client_id: UUID, command: ByKnown, body: CardSetupBody | None = None
) -> CheckoutSetup | CardSetup:
    await command.must_see_client(client_id)
    back = must_be_ours(command.services.settings, body.return_url if body else None)
    done = await command.ask(SET_UP_CARD, client_id=client_id, return_url=back)
    async with command.services.sessions() as session:
        policy = await policy_to_sign(session, client_id)
    said = (done.document or {}) | {"consent_text": read_as(policy), "consent_version": str(policy.version)}
    return CardSetup(**said) if back is None else CheckoutSetup(**said)
