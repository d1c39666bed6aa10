"""What the API refuses, as it says it (RFC 9457)."""

from collections.abc import Mapping
from typing import Any

SECOND_FACTOR = "second-factor-required"

_AGAIN = "This could not be finished just now. Press the button once more: what was done already is not done twice."


class ApiRefused(Exception):
    """A problem document. ``name`` is the last part of its type, such as ``slot-taken``."""

    def __init__(self, status: int, document: Mapping[str, Any], *, retry_after: str | None = None) -> None:
        super().__init__(document.get("detail", ""))
        self.status = status
        self.document = dict(document)
        self.retry_after = retry_after

    @property
    def name(self) -> str:
        return str(self.document.get("type", "")).rsplit("/", 1)[-1]

    @property
    def detail(self) -> str:
        if self.name == "engine-unavailable":  # which the API says to programs
            return _AGAIN
        return str(self.document.get("detail") or self.document.get("title") or "This was refused.")

    @property
    def fields(self) -> dict[str, str]:
        """What is wrong, by the name of the field as the API has it: ``details.email``."""
        return {str(line["field"]): str(line["message"]) for line in self.document.get("errors", ())}

    def renamed(self, names: Mapping[str, str]) -> "ApiRefused":
        """The same, where the page calls fields otherwise than the API: by the API's name."""
        lines = [{"field": names.get(name, name), "message": message} for name, message in self.fields.items()]
        document = self.document | ({"errors": lines} if lines else {})
        return ApiRefused(self.status, document, retry_after=self.retry_after)


class ApiUnreachable(Exception):
    """The API did not answer, or not as an API does. What was asked may have been done."""


class ApiSlow(ApiUnreachable):
    """The API did not answer in time. What was asked may be done still."""


GONE = (404, 410)
"""What a link answers that is no longer good, or never was."""


def wrong_field(name: str, message: str) -> ApiRefused:
    """What the page itself can tell, as the API would say it."""
    document = {"type": "validation-failed", "detail": message, "errors": [{"field": name, "message": message}]}
    return ApiRefused(422, document)
