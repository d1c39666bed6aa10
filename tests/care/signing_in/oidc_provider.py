"""A provider of sign-ins (OpenID Connect) that checks what a real one checks - secret, PKCE, redirect address, one use
of a code - and that forges whatever a test wants.
"""

import asyncio
import base64
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from tests.care.served import served

CLIENT_ID, CLIENT_SECRET = "care journeys", "a secret with: a colon, & more"
Json = dict[str, Any]
RSA = RSAKey.generate_key(2048, parameters={"kid": "rsa", "use": "sig"})
EC = ECKey.generate_key("P-256", parameters={"kid": "ec", "use": "sig"})
OTHERS = RSAKey.generate_key(2048, parameters={"kid": "rsa", "use": "sig"})  # of the same name
UNKNOWN = RSAKey.generate_key(2048, parameters={"kid": "new", "use": "sig"})


@dataclass
class Granted:
    """What a code stands for."""

    claims: Json
    nonce: str
    challenge: str
    redirect_uri: str


@dataclass
class OidcStandIn:
    """``claims`` and ``header`` are laid over those of each token; a value of None leaves one out. ``key`` signs.
    ``discovery`` is laid over what is published. ``before`` is awaited before each answer; ``answers`` are given by
    path instead of its own; of the path ``drops`` the answer never ends."""

    now: Callable[[], datetime]
    url: str = ""
    keys: list[Key] = field(default_factory=lambda: [RSA, EC])
    key: Key = field(default_factory=lambda: RSA)
    claims: Json = field(default_factory=dict)
    header: Json = field(default_factory=dict)
    discovery: Json = field(default_factory=dict)
    answers: dict[str, Response] = field(default_factory=dict)
    redirect_uris: list[str] = field(default_factory=list)  # registered; empty: whatever comes
    access_token: str | None = "an opaque one"
    delay: float = 0.0
    drops: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    granted: dict[str, Granted] = field(default_factory=dict)
    rewritten: Callable[[str], str] = str

    # ------------------------------------------------------------ as a browser sees it

    def signs_in(self, url: str, **claims: Any) -> Json:
        """Somebody who has these claims signs in where the browser was sent to: what it comes back with."""
        assert url.startswith(f"{self.url}/authorize?"), url
        said = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (said["response_type"], said["client_id"]) == ("code", CLIENT_ID)
        assert said["code_challenge_method"] == "S256"
        assert "openid" in said["scope"].split()
        assert not self.redirect_uris or said["redirect_uri"] in self.redirect_uris
        code = secrets.token_urlsafe(16)
        usual = {"sub": "subject-of-maria", "email": "maria@practice.example", "email_verified": True}
        self.granted[code] = Granted(usual | claims, said["nonce"], said["code_challenge"], said["redirect_uri"])
        return {"code": code, "state": said["state"]}

    # ------------------------------------------------------------ tokens

    def token(self, claims: Json, **header: Any) -> str:
        """Signed, with what is laid over it."""
        moment = int(self.now().timestamp())
        whole = {"iss": self.url, "aud": CLIENT_ID, "iat": moment, "exp": moment + 300} | claims | self.claims
        named = {"alg": "ES256" if isinstance(self.key, ECKey) else "RS256", "kid": self.key.kid} | header | self.header
        left = {name: value for name, value in whole.items() if value is not None}
        head = {name: value for name, value in named.items() if value is not None}
        return self.rewritten(jwt.encode(head, left, self.key, algorithms=[head["alg"]]))

    def id_token(self, granted: Granted, *, access_token: str | None) -> str:
        half = {} if access_token is None else {"at_hash": half_hash(access_token)}
        return self.token(granted.claims | {"nonce": granted.nonce} | half)

    # ------------------------------------------------------------ over HTTP

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def counted(request: Request, goes_on: Any) -> Any:
            self.asked[request.url.path] += 1
            if self.delay:
                await asyncio.sleep(self.delay)
            if request.url.path == self.drops:
                return StreamingResponse(drop_by_drop())
            return self.answers.get(request.url.path) or await goes_on(request)

        @app.get("/.well-known/openid-configuration")
        async def discovered() -> Json:
            paths = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            published = {name: f"{self.url}/{path}" for name, path in paths.items()} | {"issuer": self.url}
            return published | self.discovery

        @app.get("/keys")
        async def published() -> Json:
            return {"keys": [{"kty": "OKP of tomorrow"}, *(key.as_dict(private=False) for key in self.keys)]}

        @app.post("/token")
        async def redeemed(request: Request) -> JSONResponse:
            form = {name: str(value) for name, value in (await request.form()).items()}
            if not self._is_client(request, form):
                return JSONResponse({"error": "invalid_client"}, 401)
            granted = self.granted.pop(form.get("code", ""), None)
            if granted is None or form.get("redirect_uri") != granted.redirect_uri:
                return JSONResponse({"error": "invalid_grant"}, 400)
            if challenge_of(form.get("code_verifier", "")) != granted.challenge:
                return JSONResponse({"error": "invalid_grant"}, 400)
            given = self.id_token(granted, access_token=self.access_token)
            said = {"id_token": given, "token_type": "Bearer", "access_token": self.access_token}
            return JSONResponse({name: value for name, value in said.items() if value is not None})

        return app

    def _is_client(self, request: Request, form: Json) -> bool:
        if self.discovery.get("token_endpoint_auth_methods_supported") == ["client_secret_post"]:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        scheme, _, said = request.headers.get("authorization", "").partition(" ")
        id_, _, secret = base64.b64decode(said).decode().partition(":")
        return scheme == "Basic" and (unquote_plus(id_), unquote_plus(secret)) == (CLIENT_ID, CLIENT_SECRET)


async def drop_by_drop() -> AsyncIterator[str]:
    for _ in range(100):
        yield " "
        await asyncio.sleep(0.05)


def challenge_of(verifier: str) -> str:
    return _text(hashlib.sha256(verifier.encode()).digest())


def half_hash(token: str) -> str:
    return _text(hashlib.sha256(token.encode()).digest()[:16])


def unsigned(token: str) -> str:
    """The same claims by the algorithm ``none``."""
    return f"{_text(json.dumps({'alg': 'none', 'typ': 'JWT'}).encode())}.{token.split('.')[1]}."


def by_public_key(token: str) -> str:
    """The same claims by HS256, whose secret is what everybody knows of the key."""
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    known = OctKey.import_key(base64.b64encode(RSA.as_pem(private=False)).decode())
    return jwt.encode({"alg": "HS256", "kid": "rsa"}, claims, known, algorithms=["HS256"])


def critical(token: str) -> str:
    """Well signed, under a header that has to be understood and cannot be."""
    _, said, _ = token.split(".")
    head = _text(json.dumps({"alg": "RS256", "kid": "rsa", "crit": ["of-tomorrow"], "of-tomorrow": True}).encode())
    key = RSA.get_op_key("sign")
    mac = key.sign(f"{head}.{said}".encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{head}.{said}.{_text(mac)}"


def altered(token: str) -> str:
    """Other claims under the same signature."""
    head, said, mac = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(said + "=="))
    return f"{head}.{_text(json.dumps(claims | {'email': 'root@practice.example'}).encode())}.{mac}"


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@asynccontextmanager
async def oidc_provider(now: Callable[[], datetime]) -> AsyncIterator[OidcStandIn]:
    stand_in = OidcStandIn(now=now)
    async with served(stand_in.app()) as url:
        stand_in.url = url
        yield stand_in
