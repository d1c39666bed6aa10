"""Two therapists, each with a client, and everybody who can ask."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.tables import Client, Therapist
from tests.care.defaults import ADMIN_KEY, DESK_KEY, SITE_KEY
from tests.care.rows import Rows

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
    service_keys = {"site": SITE_KEY, "desk": DESK_KEY, "admin": ADMIN_KEY}
    headers = {who: {"Authorization": f"Bearer {key}"} for who, key in service_keys.items()}
    headers |= {slug: await therapist_token(slug) for slug in ("ana", "ben")}
    headers |= {"sara": await rows.signed_in(sara), "tom": await rows.signed_in(tom)}
    return Callers(ana=ana, ben=ben, sara=sara, tom=tom, headers=headers)
