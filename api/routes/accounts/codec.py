"""The payload codec over HTTP, as the Temporal UI and CLI ask for it.

Both may send an ``Authorization`` header, with the token of somebody of the care team, or with their access token of
the provider by which staff sign in. On one machine, where the UI has none to send, it is let in by the address it is
served from (``ApiSettings.trust_ui``).
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from temporalio.api.common.v1 import Payloads

from api.access_log.declared import shows, shows_no_client
from api.access_log.payloads import clients_named_in
from api.access_log.route import LoggedRoute
from api.access_log.shown import shows_clients
from api.accounts.oidc.access import asker_by_access_token
from api.accounts.oidc.tokens import is_jwt
from api.accounts.on_behalf import HEADER as ON_BEHALF_OF
from api.accounts.tokens import read_bearer, unauthenticated
from api.deps import Services, Svc, asker_of, must_reach
from api.problems import refuse, responses, wrong_fields
from engine.codec import DecryptionFailed, EncryptionCodec, UnknownKey
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.enums import Role
from rules.refusals import Problem


def as_the_ui_asks(_: Annotated[str | None, Query(alias="preserveStorageRefs")] = None) -> None:
    """The Temporal UI says so of payloads that are kept elsewhere: here there are none, and it makes no difference."""


router = APIRouter(
    prefix="/codec",
    tags=["codec"],
    route_class=LoggedRoute,
    dependencies=[Depends(as_the_ui_asks), shows_no_client("what is given is given back, encrypted")],
)

Origin = Annotated[str | None, Header()]


def _cors(services: Services, origin: str | None) -> dict[str, str]:
    if origin not in services.settings.ui_origins or origin is None:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "POST, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Namespace",
        "Access-Control-Max-Age": "600",
        "Vary": "Origin",
    }


async def _let_in(request: Request, services: Services, origin: str | None) -> None:
    """What is read is read by a person, under the role that sees every client. Raises Refused."""
    token = read_bearer(request.headers.get("authorization"))
    if token is None and services.settings.trust_ui and origin in services.settings.ui_origins:
        return
    if token is not None and services.provider is not None and is_jwt(token):
        if ON_BEHALF_OF in request.headers:
            raise refuse(Problem.NOT_ALLOWED, f"{ON_BEHALF_OF} stands beside a program's key alone.")
        request.state.asker = await asker_by_access_token(
            services.sessions,
            services.provider,
            token,
            factor_demanded=services.settings.staff_second_factor,
            real=await services.real_clock.now(),
        )
    asker = await asker_of(request)
    if asker is None:
        raise unauthenticated()
    await must_reach(request)
    if asker.account is None:
        raise refuse(Problem.NOT_ALLOWED, "Payloads are read by a person, with a token of their own: no key opens any.")
    caller = next((caller for caller in asker.callers if caller.role is Role.CARE_TEAM), None)
    if caller is None:
        raise refuse(Problem.NOT_ALLOWED, "Payloads are of every client: they are for the care team alone.")
    request.state.caller = caller


@router.options("/decode", include_in_schema=False)
@router.options("/encode", include_in_schema=False)
async def preflight(*, services: Svc, origin: Origin = None) -> Response:
    return Response(status_code=204, headers=_cors(services, origin))


@router.post(
    "/decode",
    summary="Decrypt payloads",
    dependencies=[shows(AccessKind.RECORD, AccessEvent.DECODE)],
    responses=responses(),
)
async def decode_payloads(*, request: Request, services: Svc, origin: Origin = None) -> JSONResponse:
    await _let_in(request, services, origin)
    payloads = await _read(request)
    try:
        plain = await EncryptionCodec(services.cipher).decode(list(payloads.payloads))
    except (UnknownKey, DecryptionFailed) as error:
        raise wrong_fields([("payloads", str(error))]) from error
    shows_clients(*clients_named_in(payload.data for payload in plain))
    return _written(Payloads(payloads=plain), services, origin)


@router.post("/encode", summary="Encrypt payloads", responses=responses())
async def encode_payloads(*, request: Request, services: Svc, origin: Origin = None) -> JSONResponse:
    await _let_in(request, services, origin)
    payloads = await _read(request)
    sealed = await EncryptionCodec(services.cipher).encode(list(payloads.payloads))
    return _written(Payloads(payloads=sealed), services, origin)


async def _read(request: Request) -> Payloads:
    try:
        return Parse(await request.body(), Payloads(), ignore_unknown_fields=True)
    except (ParseError, UnicodeDecodeError, RecursionError) as error:
        raise wrong_fields([("body", "must be payloads as JSON")]) from error


def _written(payloads: Payloads, services: Services, origin: str | None) -> JSONResponse:
    return JSONResponse(MessageToDict(payloads), headers=_cors(services, origin))
