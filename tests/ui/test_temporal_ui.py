"""What people type and click in the Temporal UI, in a real browser: understood, refused in words, or healed."""

import os

import httpx
import pytest

from local.stack import LocalStack, Ports
from tests.care.defaults import details
from tests.care.story import Person
from tests.stack.practice import add_therapist, care_of, soon
from tests.ui.browser import TemporalUI, browsing, chromium
from tests.ui.pictures import CANCELLED, DETAILS, EMPTY, NAMES, REFUSED
from workflows.messages import appointment_workflow_id, journey_id

pytestmark = pytest.mark.skipif(
    chromium() is None and "NEED_CHROMIUM" not in os.environ,
    reason="there is no Chromium on this machine (Debian: apt-get install chromium), so the Temporal UI is not tested",
)


@pytest.mark.crowd  # a minute long
@pytest.mark.timeout(300)
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
        await _read_and_send_updates(ui, journey_id(sara.id))
        await _send_what_is_refused(ui, appointment_workflow_id(session.id))
        await _send_signals(ui, journey_id(sara.id))
        await _request_cancellation(ui, sara)
        await _terminate(ui, sara)


async def _read_and_send_updates(ui: TemporalUI, journey: str) -> None:
    """Without an input, with a wrong one, and with the right one."""
    await ui.open(journey)
    await ui.picture(DETAILS)
    await ui.open_names("Update")
    await ui.picture(NAMES)
    await ui.open(journey)
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


async def _send_what_is_refused(ui: TemporalUI, appointment: str) -> None:
    await ui.open(appointment)
    await ui.choose("Update", "record_outcome")
    await ui.submit('{"outcome": "occurred"}')
    await ui.picture(REFUSED)
    assert "successful" not in await ui.seen()


async def _send_signals(ui: TemporalUI, journey: str) -> None:
    """One that is not for people, with nothing in it, is dropped with a note; those for people need no input."""
    await ui.open(journey)
    await ui.choose("Signal", "system.appointment_reported")
    await ui.submit()
    await ui.shows("system.appointment_reported was dropped", loads_again=True)
    await ui.choose("Signal", "archive")
    await ui.submit()
    await ui.shows("is in stage archived", loads_again=True)
    await ui.choose("Signal", "unarchive")
    await ui.submit()
    await ui.shows("is in stage activation", loads_again=True)


async def _request_cancellation(ui: TemporalUI, sara: Person) -> None:
    await ui.request_cancellation()
    await ui.shows("ancellation was", loads_again=True)
    await ui.picture(CANCELLED)
    _ = await sara.books("session", soon(4 * 86400), by="desk")


async def _terminate(ui: TemporalUI, sara: Person) -> None:
    """Ended altogether, it is there again for the next who asks."""
    await ui.terminate()
    await ui.shows("TERMINATED", loads_again=True)
    _ = await sara.books("session", soon(5 * 86400), by="desk")
    await ui.open(journey_id(sara.id))
    await ui.shows("RUNNING")
    await ui.shows("is in stage activation", loads_again=True)
    assert "journey_resumed" in await sara.facts()
