"""What no answer may be, whoever asks whatever."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.errors import FailureGroup

from tests.api.fuzz.cases import Case

load_all_checks()
_CHECKS: Any = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)


@dataclass
class Findings:
    """What was found, each kind once for each call, with the first request that showed it."""

    found: dict[tuple[str, str], str] = field(default_factory=dict)
    asked: int = 0
    statuses: dict[int, int] = field(default_factory=dict)

    def look_at(self, answer: httpx.Response, case: Case, *, who: str, secret: set[str]) -> None:
        """Hold an answer against the description, and against what this caller may not learn."""
        self.asked += 1
        self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
        try:
            case.validate_response(answer, checks=_CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                self._note(f"{failure.title}, {answer.status_code}: {failure.message}", answer, case, who)
        told = sorted(id for id in secret if id in answer.text)
        if told and answer.status_code < 400:
            self._note("tells of somebody else's", answer, case, who)
        elif [id for id in told if id not in _said(answer.request)]:
            self._note("tells of somebody else's in a refusal", answer, case, who)

    def counted(self) -> str:
        """How often which status came."""
        return ", ".join(f"{status}: {number}" for status, number in sorted(self.statuses.items()))

    def _note(self, what: str, answer: httpx.Response, case: Case, who: str) -> None:
        sent = answer.request
        shown = f"{who}: {sent.method} {sent.url} {sent.content[:600]!r}\n -> {answer.status_code} {answer.text[:600]}"
        self.found.setdefault((case.operation.label, what), shown)

    def __str__(self) -> str:
        return "\n\n".join(f"{call}: {what}\n{shown}" for (call, what), shown in sorted(self.found.items()))


def _said(request: httpx.Request) -> str:
    return f"{request.url} {request.content.decode(errors='replace')}"
