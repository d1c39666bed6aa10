"""What browsers answer of passkeys (WebAuthn, level 3: ``PublicKeyCredential.toJSON()``), bounded. What is not looked
at is taken and dropped, since browsers add to it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from webauthn.helpers import base64url_to_bytes

from api.bodies import Body, Secret


def _encoded(text: str) -> str:
    try:
        base64url_to_bytes(text)
    except ValueError:
        raise ValueError("must be base64url") from None
    return text


_BASE64URL = r"^[A-Za-z0-9_-]+$"


class _FromBrowser(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


CredentialId = Annotated[
    str, StringConstraints(min_length=1, max_length=1364, pattern=_BASE64URL), AfterValidator(_encoded)
]
Encoded = Annotated[
    str, StringConstraints(min_length=1, max_length=12_000, pattern=_BASE64URL), AfterValidator(_encoded)
]
Transport = Annotated[str, StringConstraints(max_length=20, pattern=r"^[a-z0-9-]+$")]


class AuthenticatorAttestationResponseJSON(_FromBrowser):
    clientDataJSON: Encoded  # noqa: N815 - the standard's name
    attestationObject: Encoded  # noqa: N815
    transports: Annotated[list[Transport], Field(max_length=10)] = []


class RegistrationResponseJSON(_FromBrowser):
    """As ``navigator.credentials.create()`` answered, by ``toJSON()``."""

    id: CredentialId
    rawId: CredentialId  # noqa: N815
    type: Literal["public-key"]
    response: AuthenticatorAttestationResponseJSON


class AuthenticatorAssertionResponseJSON(_FromBrowser):
    clientDataJSON: Encoded  # noqa: N815
    authenticatorData: Encoded  # noqa: N815
    signature: Encoded
    userHandle: CredentialId | None = None  # noqa: N815


class AuthenticationResponseJSON(_FromBrowser):
    """As ``navigator.credentials.get()`` answered, by ``toJSON()``."""

    id: CredentialId
    rawId: CredentialId  # noqa: N815
    type: Literal["public-key"]
    response: AuthenticatorAssertionResponseJSON


class FactorShown(Body):
    """What may be shown as a second factor: a ``code``, which may be a recovery code, or what a ``passkey`` signed."""

    code: Annotated[Secret | None, Field(repr=False)] = None
    passkey: Annotated[AuthenticationResponseJSON | None, Field(repr=False)] = None

    @model_validator(mode="after")
    def _one_at_most(self) -> "FactorShown":
        if self.code is not None and self.passkey is not None:
            raise ValueError("either code or passkey is taken, not both")
        return self

    @property
    def shows_factor(self) -> bool:
        return self.code is not None or self.passkey is not None
