"""Second factors as they are shown beside whatever else was."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Showing:
    """By what a code is looked at. ``real`` is the world's time, by which apps make their codes and challenges lapse;
    ``now`` the product's. ``request_id``: the request in which it is shown."""

    real: datetime
    now: datetime
    request_id: UUID


@dataclass(frozen=True, kw_only=True)
class ShownPasskey:
    """A passkey of this account that has signed what it was asked, for this once. It counts as used once its counter is
    written (`models.writes.accounts.second_factors.use_passkey`)."""

    factor_id: UUID
    account_id: UUID
    sign_count: int
    backed_up: bool


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was shown: a ``code`` as it was typed, or a ``passkey``, which is None where it does not fit."""

    code: str | None = None
    passkey: ShownPasskey | None = None
    given: bool = True


NOTHING = Proof(given=False)
