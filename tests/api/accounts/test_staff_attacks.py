"""What somebody of the practice might try: stay after the end, become another, be the last one left."""

from typing import Any

import httpx
import pytest

from rules.enums import Role
from tests.api.conftest import ROOT
from tests.care.rows import Rows


@pytest.mark.parametrize("how", ["account ended", "role taken", "another profile"])
async def test_a_therapist_who_goes_leaves_no_programs_token_behind(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Any, how: str
) -> None:
    ana = await rows.therapist("ana")
    await rows.therapist("ben")
    account = await rows.staff("ana", Role.THERAPIST, therapist=ana)
    program, bens = await therapist_token("ana"), await therapist_token("ben")
    assert (await api.get("/v1/clients", headers=program)).status_code == 200
    path = f"/v1/staff/{account.id}"
    if how == "account ended":
        done = await api.delete(path, headers=ROOT)
    elif how == "role taken":
        done = await api.patch(path, json={"roles": ["care_team"]}, headers=ROOT)
    else:
        done = await api.patch(path, json={"roles": ["therapist"], "therapist": "ben"}, headers=ROOT)
    assert done.status_code in (200, 204), done.text
    assert [(await api.get("/v1/clients", headers=who)).status_code for who in (program, bens)] == [401, 200]


async def test_a_therapist_who_stays_keeps_the_programs_tokens(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Any
) -> None:
    account = await rows.staff("ana", Role.THERAPIST, therapist=await rows.therapist("ana"))
    program = await therapist_token("ana")
    both = {"roles": ["therapist", "care_team"], "therapist": "ana"}
    assert (await api.patch(f"/v1/staff/{account.id}", json=both, headers=ROOT)).status_code == 200
    assert (await api.get("/v1/clients", headers=program)).status_code == 200
