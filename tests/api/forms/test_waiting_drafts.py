"""Drafts that wait: an admin sees them, those of forms that there are not yet included; nobody else does."""

from tests.api.conftest import DESK, ROOT
from tests.api.forms.test_texts import FIELD
from tests.api.forms.texts import Texts


async def test_drafts_wait_until_they_are_published(texts: Texts) -> None:
    for kind, title in (("sleep", "Sleep"), ("worry", "Worry")):
        body = {"title": title, "body": "", "fields": [FIELD]}
        assert (await texts.api.put(f"/v1/texts/{kind}", json=body, headers=ROOT)).status_code == 200
    first = (await texts.api.get("/v1/text-drafts?limit=1", headers=ROOT)).json()
    assert [(one["kind"], one["is_new"], one["title"]) for one in first["items"]] == [("sleep", True, "Sleep")]
    cursor = first["next_cursor"]
    second = (await texts.api.get(f"/v1/text-drafts?limit=1&cursor={cursor}", headers=ROOT)).json()
    assert [one["kind"] for one in second["items"]] == ["worry"]
    assert second["next_cursor"] is None
    assert (await texts.api.get("/v1/text-drafts", headers=DESK)).status_code == 403
    await texts.publish("sleep")
    assert [one["kind"] for one in (await texts.api.get("/v1/text-drafts", headers=ROOT)).json()["items"]] == ["worry"]
