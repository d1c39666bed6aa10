"""An admin has the access log verified; what somebody changed without the keys is named."""

import httpx

from models.database import Sessions
from tests.api.access_log.test_chaining import write
from tests.api.conftest import ROOT
from tests.care.owner import Owner


async def test_a_line_that_was_changed_is_told(api: httpx.AsyncClient, sessions: Sessions, owner: Owner) -> None:
    await write(sessions, "maria", "ben")
    said = (await api.get("/v1/accesses/verify", headers=ROOT)).json()
    assert (said["valid"], said["faults"]) == (True, [])
    assert said["lines"] >= 2
    await owner.writes("UPDATE access_line SET who = 'nobody' WHERE who = 'maria'")
    said = (await api.get("/v1/accesses/verify", headers=ROOT)).json()
    assert said["valid"] is False
    assert "was changed, or written without the keys" in said["faults"][0]
