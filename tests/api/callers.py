"""Two therapists, each with a client, and everybody who can ask."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from api.auth import hash_of, new_token
from models.tables import Client, Therapist
from models.tables.accounts.token import Token, TokenKind
from tests.api.conftest import DESK, NOW, ROOT, SITE, Rows

Headers = dict[str, str]


@dataclass
class Callers:
    """``sara`` is ana's client, ``tom`` is ben's. ``headers`` by who asks."""

    ana: Therapist
    ben: Therapist
    sara: Client
    tom: Client
    headers: dict[str, Headers]

    def by(self, who: str) -> Headers:
        return self.headers[who]


async def everybody(rows: Rows, therapist_token: Callable[[str], Any]) -> Callers:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    sara, tom = await rows.client(ana, first_name="Sara"), await rows.client(ben, first_name="Tom")
    headers = {"site": SITE, "desk": DESK, "admin": ROOT}
    for slug in ("ana", "ben"):
        headers[slug] = await therapist_token(slug)
    for name, client in (("sara", sara), ("tom", tom)):
        token = new_token()
        expires_at = NOW + timedelta(days=30)
        await rows.add(
            Token(hash=hash_of(token), kind=TokenKind.SESSION, client_id=client.id, made_at=NOW, expires_at=expires_at)
        )
        headers[name] = {"Authorization": f"Bearer {token}"}
    return Callers(ana=ana, ben=ben, sara=sara, tom=tom, headers=headers)
