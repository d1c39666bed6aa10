"""Two therapists, each with a client, and everybody who can ask."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.tables import Client, Therapist
from rules.enums import Role
from tests.care.defaults import ADMIN_KEY, DESK_KEY, SITE_KEY
from tests.care.rows import Rows

Headers = dict[str, str]


@dataclass
class Callers:
    """``sara`` is ana's client, ``tom`` is ben's. ``headers`` by who asks: ``via-sara`` is the site with her token,
    ``sara-pass`` with a pass of hers, ``via-maria`` with the token of somebody of the care team."""

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
    for name, client in (("sara", sara), ("tom", tom)):
        headers |= {f"via-{name}": headers["site"] | {"On-Behalf-Of": headers[name]["Authorization"]}}
        headers |= {f"{name}-pass": await rows.by_pass(client)}
    maria = await rows.session_of(await rows.staff("maria-lopez", Role.CARE_TEAM))
    headers |= {"via-maria": headers["site"] | {"On-Behalf-Of": maria["Authorization"]}}
    return Callers(ana=ana, ben=ben, sara=sara, tom=tom, headers=headers)
