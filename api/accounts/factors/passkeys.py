"""Passkeys (WebAuthn, level 3): what browsers are asked, and what is believed of their answers.

The user is verified each time, by a finger, a face or a PIN, so that a passkey is two factors by itself. No attestation
is asked for: whose authenticator it is makes no difference. A public key that was copied into another row, or a row
that was given to another account, opens nothing.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    options_to_json_dict,
    parse_attestation_object,
    parse_client_data_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from api.accounts.factors.credentials import AuthenticationResponseJSON, RegistrationResponseJSON
from api.accounts.factors.opening import secret_of
from models.tables.accounts.second_factor import SecondFactor
from rules.accounts.passkeys import (
    CHALLENGE_TTL,
    LARGEST_CREDENTIAL_ID,
    LARGEST_PUBLIC_KEY,
    RelyingParty,
    credential_hash,
)

log = structlog.get_logger(__name__)

Options = dict[str, Any]
_TIMEOUT = int(CHALLENGE_TTL.total_seconds() * 1000)
# The statement of any other format tells of an authenticator that was asked to tell: nobody has asked.
_FORMATS = (AttestationFormat.NONE, AttestationFormat.PACKED)
# What a made-up answer raises in the library, and in what it stands on.
_NO_FIT = (
    WebAuthnException, UnsupportedAlgorithm, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip


class NoFit(ValueError):
    """What a browser answered is not believed. The message says why, for logs: whoever asks is told no more than that
    it does not fit."""


@dataclass(frozen=True, kw_only=True)
class KeptPasskey:
    """What is sealed of a passkey: ``public_key`` (COSE) and ``credential_id`` in base64url; whose it is; ``eligible``:
    it may be kept outside of one device, which never changes; the ``transports`` to its authenticator."""

    account_id: str
    credential_id: str
    public_key: str
    eligible: bool
    transports: tuple[str, ...]

    @classmethod
    def of(cls, factor: SecondFactor) -> "KeptPasskey | None":
        """None where it has ended, or cannot be opened: its key is gone, or somebody changed the row."""
        secret = secret_of(factor)
        if secret is None:
            return None
        kept = json.loads(secret)
        known = cls(**kept | {"transports": tuple(kept["transports"])})
        if known.account_id != str(factor.account_id) or known.hash != factor.credential_hash:
            log.error("a passkey is another account's", factor=str(factor.id))
            return None
        return known

    @property
    def id_bytes(self) -> bytes:
        return base64url_to_bytes(self.credential_id)

    @property
    def hash(self) -> str:
        return credential_hash(self.id_bytes)

    def text(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A passkey that was made. ``sign_count`` and ``backed_up`` are as it said last."""

    kept: KeptPasskey
    sign_count: int
    backed_up: bool


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A passkey has signed, and its user was verified."""

    sign_count: int
    backed_up: bool


def handle_of(account_id: UUID) -> bytes:
    """By which an authenticator knows the account: it tells nothing of whose it is."""
    return account_id.bytes


def creation_options(
    party: RelyingParty,
    challenge: bytes,
    *,
    practice: str,
    account_id: UUID,
    address: str,
    known: Sequence[KeptPasskey],
) -> Options:
    """``PublicKeyCredentialCreationOptionsJSON``. ``address``, by which its owner signs in, stays in their
    authenticator: it tells whoever has several accounts which one it is."""
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=practice,
        user_id=handle_of(account_id),
        user_name=address,
        challenge=challenge,
        timeout=_TIMEOUT,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(known),
    )
    return options_to_json_dict(options)


def request_options(party: RelyingParty, challenge: bytes, *, known: Sequence[KeptPasskey] = ()) -> Options:
    """``PublicKeyCredentialRequestOptionsJSON``. Without any that is ``known`` the authenticator offers what it has."""
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_TIMEOUT,
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def _descriptors(known: Sequence[KeptPasskey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(id=kept.id_bytes, transports=_known_transports(kept.transports)) for kept in known
    ]


def _known_transports(said: Collection[str]) -> list[AuthenticatorTransport]:
    return [transport for transport in AuthenticatorTransport if transport.value in said]


def challenge_in(credential: RegistrationResponseJSON | AuthenticationResponseJSON) -> bytes:
    """Which challenge it says that it answers. Raises NoFit."""
    try:
        said = parse_client_data_json(base64url_to_bytes(credential.response.clientDataJSON))
    except _NO_FIT as error:
        raise NoFit(f"client data: {error}") from error
    if said.cross_origin:
        raise NoFit("it was asked for in a frame of another site")
    return said.challenge


def registered(
    credential: RegistrationResponseJSON, party: RelyingParty, *, challenge: bytes, account_id: UUID
) -> Registered:
    """Raises NoFit."""
    try:
        attested = parse_attestation_object(base64url_to_bytes(credential.response.attestationObject))
        if attested.fmt not in _FORMATS:
            raise NoFit(f"the format {attested.fmt!r} of an attestation that nobody asked for")
        made = verify_registration_response(
            credential=_as_json(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except _NO_FIT as error:
        raise NoFit(str(error)) from error
    if made.credential_id != base64url_to_bytes(credential.rawId):
        raise NoFit("two credentials in one answer")
    if len(made.credential_id) > LARGEST_CREDENTIAL_ID or len(made.credential_public_key) > LARGEST_PUBLIC_KEY:
        raise NoFit("a key that is too large")
    kept = KeptPasskey(
        account_id=str(account_id),
        credential_id=bytes_to_base64url(made.credential_id),
        public_key=bytes_to_base64url(made.credential_public_key),
        eligible=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        transports=tuple(each.value for each in _known_transports(credential.response.transports)),
    )
    return Registered(kept=kept, sign_count=made.sign_count, backed_up=made.credential_backed_up)


def signed(
    credential: AuthenticationResponseJSON, party: RelyingParty, kept: KeptPasskey, *, challenge: bytes, alone: bool
) -> Signed:
    """Raises NoFit. ``alone``: nobody has said whose passkey it is but the authenticator.

    What its counter says is not looked at: of an answer that is not the passkey's own, it says nothing."""
    handle = credential.response.userHandle
    if handle is None and alone:
        raise NoFit("it does not say whose it is")
    if handle is not None and base64url_to_bytes(handle) != handle_of(UUID(kept.account_id)):
        raise NoFit("it is of another account")
    try:
        made = verify_authentication_response(
            credential=_as_json(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=base64url_to_bytes(kept.public_key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except _NO_FIT as error:
        raise NoFit(str(error)) from error
    if (made.credential_device_type is CredentialDeviceType.MULTI_DEVICE) != kept.eligible:
        raise NoFit("what may be kept outside of one device never changes")
    return Signed(sign_count=made.new_sign_count, backed_up=made.credential_backed_up)


def _as_json(credential: RegistrationResponseJSON | AuthenticationResponseJSON) -> dict[str, Any]:
    said: Mapping[str, Any] = credential.model_dump(exclude_none=True)
    return dict(said)
