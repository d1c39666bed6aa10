"""What people type and click in the Temporal UI, in a real browser: understood, refused in words, or healed."""

import os

import httpx
import pytest

from local.stack import LocalStack, Ports
from tests.care.defaults import details
from tests.stack.practice import add_therapist, care_of, soon
from tests.ui.browser import browsing, chromium
from tests.ui.pictures import CANCELLED, DETAILS, EMPTY, NAMES, REFUSED
from workflows.messages import appointment_workflow_id, journey_id

pytestmark = pytest.mark.skipif(
    chromium() is None and "NEED_CHROMIUM" not in os.environ,
    reason="there is no Chromium on this machine (Debian: apt-get install chromium), so the Temporal UI is not tested",
)


@pytest.mark.timeout(180)
async def test_no_click_and_no_input_in_the_temporal_ui_can_hurt() -> None:
    assert chromium(), "Chromium is needed here, and is not installed"
    async with (
        await LocalStack.start(ports=Ports.free(), seed=False, env={"PRACTICE_TIME_ZONE": "America/New_York"}) as stack,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
        browsing(str(stack.temporal_ui_url)) as ui,
    ):
        care = care_of(stack, http)
        await add_therapist(care, "ana")
        sara = await care.arrives(name="Sara", therapist="ana", client=details("Sara"))
        [session] = await sara.books("session", soon(3 * 86400), by="desk")

        await ui.open(journey_id(sara.id))
        await ui.picture(DETAILS)

        # An empty input, a wrong one, and the right one.
        await ui.open_names("Update")
        await ui.picture(NAMES)
        await ui.page.keyboard.press("Escape")
        await ui.open(journey_id(sara.id))
        await ui.choose("Update", "match_by_hand")
        await ui.submit()
        await ui.picture(EMPTY)
        await ui.close_dialog()
        await ui.choose("Update", "match_by_hand")
        await ui.submit('{"therapist": 5, "reason": "evenings", "sara_lind": true}')
        await ui.shows("therapist must be")
        assert (await ui.seen()).count("sara_lind") == 1, "what was typed is not said again"
        await ui.close_dialog()
        await ui.choose("Update", "send_activation_link")
        await ui.submit()
        await ui.succeeded()

        # What is refused is red.
        await ui.open(appointment_workflow_id(session.id))
        await ui.choose("Update", "record_outcome")
        await ui.submit('{"outcome": "occurred"}')
        await ui.picture(REFUSED)
        assert "successful" not in await ui.seen()
        await ui.close_dialog()

        # A signal that is not for people, with nothing in it, is dropped with a note.
        await ui.open(journey_id(sara.id))
        await ui.choose("Signal", "system.appointment_reported")
        await ui.submit()
        await ui.shows("system.appointment_reported was dropped", loads_again=True)

        await ui.request_cancellation()
        await ui.shows("ancellation was", loads_again=True)
        await ui.picture(CANCELLED)
        assert (await sara.look())["stage"] == "activation"
        [again] = await sara.books("session", soon(4 * 86400), by="desk")
        assert again.id

        # Signals without input.
        await ui.choose("Signal", "archive")
        await ui.submit()
        await ui.shows("is in stage archived", loads_again=True)
        await ui.choose("Signal", "unarchive")
        await ui.submit()
        await ui.shows("is in stage activation", loads_again=True)
