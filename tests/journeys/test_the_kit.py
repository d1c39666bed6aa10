"""The kit of stories: what one that fails tells, and its verbs for hours, leave, staff and sign-in."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.care.story import Care
from tests.care.telling import told
from tests.conftest import FAILED


@pytest.fixture(autouse=True)
def at_the_end(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Iterator[None]:
    """Taken down after the practice, which was made after it."""
    yield
    out = capsys.readouterr().out
    assert ("Sara (sara@example.com" in out) == request.node.stash.get(FAILED, False)
    request.node.stash[FAILED] = False


async def test_one_that_fails_tells_what_became_of_everybody(care: Care, request: pytest.FixtureRequest) -> None:
    sara = await care.client_in_care(sessions=2)
    await sara.session(1).occurs()
    await care.pass_time(days=9)  # nobody says how the second went
    text = await told(care)
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0].startswith("clock: ")
    assert [line.partition(": ")[2] for line in lines[1:] if " on: " in line][-2:] == [
        "Sara's session occurs", "pass_time(days=9)",
    ]  # fmt: skip
    assert f"Sara (sara@example.com, {sara.id})" in lines
    assert "stage: in_care" in lines
    starts = [f"{one.starts_at:%Y-%m-%d %H:%M:%S}" for one in sara.appointments]
    assert f"{starts[0]} session with ana: occurred" in lines
    assert f"{starts[1]} session with ana: scheduled" in lines
    for word in (
        "payment_paid by system",
        "task_opened by",
        "welcome to sara@example.com",
        "receipt to sara@example.com",
    ):
        assert any(word in line for line in lines), f"{word}\n{text}"
    due = f"{sara.session(1).ends_at + timedelta(days=1):%Y-%m-%d %H:%M:%S}"
    assert f"session 12000: paid, due {due}, paid {due}, tries: 1" in lines
    [task] = await care.tasks()
    assert f"{task['opened_at'][:19].replace('T', ' ')} outcome_missing: {task['text']}" in lines
    others = lines[lines.index("others") :]
    assert any("to ana@practice.example" in line for line in others)
    assert others[-1] == "tasks: none", "this one is Sara's"
    request.node.stash[FAILED] = True  # as if it had; the practice then prints it when it is taken down


async def test_what_cannot_be_told_hides_nothing_else(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    del care.tokens["desk"]
    text = await told(care)
    assert text.startswith("clock: ")
    assert sara.id in text
    assert text.endswith("... and no more: KeyError: 'desk'")


async def test_hours_leave_staff_and_sign_in(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    first = sara.session(1)
    hour = timedelta(hours=1)
    left = await care.goes_on_leave(first=first.starts_at - hour, last=first.ends_at + hour, notify=True)
    assert [each["id"] for each in left["appointments"]] == [first.id]
    await care.changes_hours(weekly=[])
    assert await care.slots("ana", "session") == []
    assert (await care.get("/v1/therapists/ana/availability"))["time_off"] != [], "the leave stays"

    await care.joins_staff("maria", "care_team")
    assert (await care.get("/v1/me", by="maria"))["roles"] == ["care_team"]
    await care.pass_time(hours=13)  # a sign-in that nobody uses ends
    await care.refused("GET", "/v1/me", by="maria", name="unauthenticated", status=401)
    await care.signs_in("maria")
    assert (await care.get("/v1/me", by="maria"))["roles"] == ["care_team"]
    assert len(await care.mails(to=sara.email, template="leave_notice")) == 1
