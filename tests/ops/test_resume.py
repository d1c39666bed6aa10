"""``python -m ops.resume``: everything on an empty engine, or what is named; what runs is left as it is."""

from uuid import uuid4

import pytest

from ops.connected import Connected
from ops.resume import main, resume_all, resume_these
from rules.keeping import PRACTICE_MAIL_ID
from tests.activities.keeping.conftest import Kept, kept, mail_of, server
from tests.care.rows import NOW
from workflows.messages import appointment_workflow_id, journey_id

__all__ = ["kept", "server"]


def on(kept: Kept) -> Connected:
    return Connected(sessions=kept.sessions, executions=kept.executions, clock=kept.deps.clock)


async def test_on_an_empty_engine_everything_is_started(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    sara, tina = await kept.journey(started=False), await kept.journey()
    ahead = await kept.appointment(sara, started=False)
    assert await resume_all(on(kept)) == 2
    assert capsys.readouterr().out.splitlines() == [
        "client-journey: 2 looked at, 1 started",
        "appointment: 1 looked at, 1 started",
    ]
    for workflow_id in (journey_id(str(sara.id)), appointment_workflow_id(str(ahead.id))):
        execution = await kept.executions.look_at(workflow_id)
        assert execution is not None
        assert (execution.runs, execution.epoch) == (True, await kept.epoch())
    assert {fact.kind for fact in await kept.facts(sara)} == {"journey_resumed"}
    assert await kept.facts(tina) == []
    assert await resume_all(on(kept)) == 0


@pytest.mark.parametrize("of_a_client", [True, False])
async def test_what_delivers_for_closed_records_and_for_nobody_is_started_where_something_waits(
    kept: Kept, of_a_client: bool
) -> None:
    assert await resume_these(on(kept), [PRACTICE_MAIL_ID]) == (0, [])
    gone = await kept.journey(started=False, closed_at=NOW)
    mail = mail_of(gone, due=NOW)
    mail.client_id = gone.id if of_a_client else None
    await kept.rows.add(mail)
    assert await resume_all(on(kept)) == 1
    assert await kept.runs(PRACTICE_MAIL_ID)
    assert await resume_these(on(kept), [PRACTICE_MAIL_ID]) == (0, [])


async def test_what_is_named_is_started_and_what_is_closed_is_named(kept: Kept) -> None:
    sara = await kept.journey()
    await kept.of(sara).terminate("for good")
    closed = journey_id(str(uuid4()))
    assert await resume_these(on(kept), [journey_id(str(sara.id)), closed, "keep-journeys"]) == (
        1,
        [closed, "keep-journeys"],
    )
    assert await kept.runs(journey_id(str(sara.id)))
    assert await resume_these(on(kept), [journey_id(str(sara.id))]) == (0, [])


@pytest.mark.parametrize("wrong", [[], ["--all", "client-journey:1"], ["--none"]])
def test_it_is_told_what_to_start(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(wrong)
    assert left.value.code == 2
    assert "usage" in capsys.readouterr().err
