"""Webhooks: whose side an endpoint is on, when a delivery is tried again, and how what was said of it is told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 - what Standard Webhooks' secrets begin with
BOTH_SIGN = timedelta(hours=24)  # after a rotation: the former secret and the new one
TEST_KIND = "webhook.test"
TRIES_SHOWN = 20  # of one delivery, the newest
MOST_ENDPOINTS = 10


class EndpointSide(StrEnum):
    """Whose program an endpoint is: what it is told follows from that."""

    SITE = "site"
    PRACTICE = "practice"


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"  # a test alone, which is tried once


class EndpointOff(StrEnum):
    """Why an endpoint is told nothing."""

    BY_HAND = "by_hand"
    GAVE_UP = "gave_up"  # a delivery was tried for as long as one is


def next_try(
    tried: int,
    *,
    first_at: datetime,
    now: datetime,
    retries: Sequence[timedelta],
    then_every: timedelta,
    for_as_long_as: timedelta,
) -> datetime | None:
    """When a delivery that was ``tried`` so often, and failed again ``now``, is tried next; None: never by itself.

    The waits are ``retries``, one after the other, and ``then_every``; no try is begun later than ``for_as_long_as``
    after the first.
    """
    at = now + (retries[tried - 1] if tried <= len(retries) else then_every)
    return at if at <= first_at + for_as_long_as else None
