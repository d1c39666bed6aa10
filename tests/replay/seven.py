"""Seven changes of the order of commands, as somebody might make them, and what the corpus says of each.

``python -m tests.replay.seven`` makes each in a copy of `workflows`, replays the corpus on that, and shows the first
history that cannot follow. One that all can follow would show a gap: then the corpus needs another story.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from engine.codec import data_converter
from engine.ending import end
from tests.care.house import KEYS
from tests.replay.corpus import corpus
from tests.replay.replaying import replayed

ROOT = Path(__file__).parents[2]


class OutOfDate(LookupError):
    """The code that is to be changed is not there any more, or not once."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """``before`` stands once in the file, and becomes ``after``. ``told``: what must be said of it, as a pattern."""

    name: str
    file: str
    before: str
    after: str
    told: str


SEVEN = (
    Change(
        name="a step before its timer",
        file="workflows/appointment_journey.py",
        before="""\
        if await self.wait.until(due.at, label=label_of(due)):
            return
        await self.act_on(due)
""",
        after="""\
        await self.act_on(due)
        if await self.wait.until(due.at, label=label_of(due)):
            return
""",
        told=r"the history has a timer \(.+\); the code now asks for the step `(deliver|open_task)`",
    ),
    Change(
        name="two signals swapped",
        file="workflows/requests/joining.py",
        before="""\
            await self._tell(joined.into_id, JoinedSignal(from_id=journey.client_id, facts=joined.into))
            for appointment in joined.appointments:
                await notify_appointment(appointment)
""",
        after="""\
            for appointment in joined.appointments:
                await notify_appointment(appointment)
            await self._tell(joined.into_id, JoinedSignal(from_id=journey.client_id, facts=joined.into))
""",
        told=r"the history has the signal `system.record_joined to \S+`; the code now asks for the signal"
        r" `system.facts_changed to appointment:\S+`",
    ),
    Change(
        name="an upsert left out",
        file="workflows/waitlist_offer.py",
        before="        self.search_attributes.upsert({THERAPIST_SLUG: self.therapist})\n",
        after="",
        told=r"the history has the search attributes `TherapistSlug`; the code now asks for",
    ),
    Change(
        name="a new child workflow",
        file="workflows/requests/archive.py",
        before="        journey.outbox.expect(result.facts.deliver_at)  # an archived client has no timers\n",
        after="""\
        journey.outbox.expect(result.facts.deliver_at)
        _ = await workflow.start_child_workflow("PracticeMail", id=f"archived:{journey.client_id}")
""",
        told=r"; the code now asks for the workflow `PracticeMail`",
    ),
    Change(
        name="a timer that begins before the former one ends",
        file="workflows/parts/wait.py",
        before="""\
        if self._timer is not None and (self._instant != instant or self._timer.done()):
            self._timer.cancel()
            self._timer = None
        if self._timer is None and instant is not None:
            self._timer = asyncio.create_task(workflow.sleep(instant - workflow.now(), summary=label))
""",
        after="""\
        former = self._timer
        if self._timer is not None and (self._instant != instant or self._timer.done()):
            self._timer = None
        if self._timer is None and instant is not None:
            self._timer = asyncio.create_task(workflow.sleep(instant - workflow.now(), summary=label))
        if former is not None and former is not self._timer:
            former.cancel()
""",
        told=r"the history has the end of a timer; the code now asks for a timer",
    ),
    Change(
        name="an upsert moved to the beginning",
        file="workflows/client_journey.py",
        before="        outbox = asyncio.create_task(journey.outbox.work())\n",
        after="        self.show()\n        outbox = asyncio.create_task(journey.outbox.work())\n",
        told=r"; the code now asks for the search attributes `.*ClientRef.*`",
    ),
    Change(
        name="a signal's handler that begins a step",
        file="workflows/requests/care.py",
        before="            self.journey.outbox.note(workflow.now())\n",
        after="""\
            self.journey.take((await steps.resume_journey(self.journey.client_id)).facts or self.journey.facts)
            self.journey.outbox.note(workflow.now())
""",
        told=r"; the code now asks for the step `resume_journey`",
    ),
)


def caught(change: Change) -> str:
    """What the corpus says of a change: history by history until one is different. Empty if none is.

    Raises OutOfDate.
    """
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(ROOT / "workflows", Path(place) / "workflows", ignore=shutil.ignore_patterns("__pycache__"))
        file = Path(place) / change.file
        code = file.read_text(encoding="utf-8")
        if code.count(change.before) != 1:
            raise OutOfDate(f"{change.name}: {change.file} has changed; make tests/replay/seven.py fit again")
        file.write_text(code.replace(change.before, change.after), encoding="utf-8")
        # What is started as a module looks for others where it was started first: there is the changed copy.
        done = subprocess.run(
            [sys.executable, "-m", "tests.replay.seven", "here"],
            cwd=place,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        return done.stdout.strip()


async def first_difference() -> str:
    """On the code that is imported here: the shortest history first."""
    histories = dict(sorted(corpus().items(), key=lambda one: len(one[1].events)))
    names = iter(histories)
    async for one in replayed(histories.values(), data_converter(KEYS)):
        name = next(names)
        if one.told:
            by = "" if one.broken else " (found by comparing alone)"
            return f"{name} ({one.workflow}): {one.told}{by}"
    return ""


def main(arguments: list[str]) -> int:
    """The command. Returns its exit code."""
    if arguments == ["here"]:
        print(asyncio.run(first_difference()))
        return 0
    missed = 0
    for change in SEVEN:
        told = caught(change)
        missed += not told
        print(f"{change.name}, in {change.file}:\n    {told or 'NOT CAUGHT'}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    end(main(sys.argv[1:]))
