"""People with passkeys, and what their browsers say."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.api.accounts.factors.apps import PASSWORD, Headers, Owner
from tests.api.conftest import PUBLIC_URL, problem_of
from tests.care.signing_in.authenticator import HONEST, Authenticator, Lie

ORIGIN = PUBLIC_URL
SYNCED = "Synced passkey"
CODES_TOO = ["passkey", "recovery_code"]
Json = dict[str, Any]


@dataclass
class Holder:
    """Somebody with an account, who may have several passkeys. ``ids`` are the factors', in the order of ``keys``."""

    who: Owner
    keys: list[Authenticator] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    recovery_codes: list[str] = field(default_factory=list)

    @property
    def api(self) -> httpx.AsyncClient:
        return self.who.api

    @property
    def key(self) -> Authenticator:
        return self.keys[0]

    async def begins(self, **more: Any) -> httpx.Response:
        return await self.who.ask("", **({"kind": "passkey", "current": PASSWORD} | more))

    async def registers(self, key: Authenticator | None = None, lie: Lie = HONEST, **more: Any) -> httpx.Response:
        """From asking for it to what the confirmation answers."""
        key = key or Authenticator(origin=ORIGIN)
        begun = await self.begins(**more)
        assert begun.status_code == 201, begun.text
        id, options = begun.json()["id"], begun.json()["passkey_options"]
        confirmed = await self.who.ask(f"/{id}/confirmations", credential=key.makes(options, lie))
        if confirmed.status_code == 200:
            self.keys.append(key)
            self.ids.append(id)
            self.recovery_codes = confirmed.json()["recovery_codes"] or self.recovery_codes
        return confirmed

    async def enrols(self, key: Authenticator | None = None, **more: Any) -> "Holder":
        confirmed = await self.registers(key, **more)
        assert confirmed.status_code == 200, confirmed.text
        return self

    async def asked(self, headers: Headers | None = None, side: str | None = None) -> Json:
        """To sign in by a passkey alone."""
        body = {"side": side or self.who.side}
        answer = await self.api.post("/v1/sessions/challenges", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["passkey_options"])

    async def sends(self, credential: Json, headers: Headers | None = None, **more: Any) -> httpx.Response:
        body = {"side": self.who.side, "passkey": credential} | more
        return await self.api.post("/v1/sessions", json=body, headers=headers)

    async def signs_in(self, lie: Lie = HONEST, key: Authenticator | None = None, **more: Any) -> httpx.Response:
        """By a passkey alone."""
        return await self.sends((key or self.key).signs(await self.asked(), lie), **more)

    async def beside_password(self, lie: Lie = HONEST, **more: Any) -> httpx.Response:
        """With the password first, and then the passkey that the refusal asks for."""
        asked = await self.who.signs_in(**more)
        assert problem_of(asked) == "second-factor-required", asked.text
        signed = self.key.signs(asked.json()["passkey_options"], lie)
        return await self.who.signs_in(passkey=signed, **more)

    async def shown(self, lie: Lie = HONEST, key: Authenticator | None = None) -> Json:
        """For a change of second factors."""
        answer = await self.who.ask("/challenges")
        assert answer.status_code == 201, answer.text
        return (key or self.key).signs(answer.json()["passkey_options"], lie)


def did_not_fit(answer: httpx.Response) -> None:
    """In the same words, whatever was wrong."""
    assert answer.status_code == 401, answer.text
    assert problem_of(answer) == "unauthenticated"
    assert answer.json()["detail"] == "This passkey does not fit, or was asked too long ago. Please try again."
