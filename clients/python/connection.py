"""Where the practice's API is, who asks it, and for whom."""

import hmac
import os
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import httpx
from care_journeys_client import AuthenticatedClient
from care_journeys_client.types import Response

KEY = os.environ["SITE_API_KEY"]
API = AuthenticatedClient(base_url=os.environ["API_URL"], token=KEY, timeout=httpx.Timeout(35.0))

Wanted = TypeVar("Wanted")


@dataclass(frozen=True)
class Journey:
    """One visitor's. ``speaks``: what stands in ``On-Behalf-Of``, the pass first and the person's own token later."""

    client_id: UUID
    therapist: str
    speaks: str
    visitor: str


class OtherAnswer(Exception):
    """The API answered something else than this program knows what to do with."""


def wanted(kind: type[Wanted], answer: Response[Any]) -> Wanted:
    """The answer, of a kind that was expected: a view, or a problem by its name."""
    if isinstance(answer.parsed, kind):
        return answer.parsed
    raise OtherAnswer(f"{kind.__name__} was expected, and HTTP {answer.status_code} came: {answer.parsed}")


def visitor_of(address: str) -> str:
    """The same mark for the same network address, which names nobody: budgets count by it."""
    return hmac.new(KEY.encode(), address.encode(), "sha256").hexdigest()
