"""Messages as a support person sends them: the exact name, to which workflow, with an input to paste."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.messages import Update

# What only the person knows. It stands in brackets where it is to be put.
THERAPIST = "<the therapist's slug>"
REASON = "<why>"
NOTE = "<what was done>"
START = "<such as 2026-12-04T09:00-05:00>"
ADDRESS = "<the right address>"
OTHER_RECORD = "<the id of the other record>"
FILL_IN = "Where `<…>` stands in an input, put what it says."


@dataclass(frozen=True, kw_only=True)
class Sending:
    """A message and what it is for. ``workflow_id`` names another workflow than the one that shows it."""

    why: str
    kind: str
    name: str
    input: dict[str, Any]
    workflow_id: str | None = None

    def line(self) -> str:
        where = f" to `{self.workflow_id}`" if self.workflow_id else ""
        # Brackets and letters of all languages as they are: it is read by people too.
        said = f"input `{json.dumps(self.input, ensure_ascii=False)}`" if self.input else "no input"
        return f"{self.why}: {self.kind} `{self.name}`{where}, {said}"


def update(why: str, message: Update[Any, Any], /, *, workflow_id: str | None = None, **input: Any) -> Sending:
    return Sending(why=why, kind="update", name=message.name, input=input, workflow_id=workflow_id)


def signal(why: str, name: str, /, *, workflow_id: str | None = None, **input: Any) -> Sending:
    return Sending(why=why, kind="signal", name=name, input=input, workflow_id=workflow_id)


def as_list(sendings: Iterable[Sending]) -> list[str]:
    return [f"- {sending.line()}" for sending in sendings]


def as_text(lines: Iterable[str]) -> str:
    """The details as Markdown; below them what the brackets in an input mean, where there are any."""
    text = "\n".join(lines)
    return f"{text}\n\n{FILL_IN}" if '"<' in text or ":<" in text else text
