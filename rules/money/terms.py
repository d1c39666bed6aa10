"""What a fee policy says of money, and so what was agreed when an appointment was booked under it: no setting that
changes later changes it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rules.policy import JourneyPolicy


@dataclass(frozen=True, kw_only=True)
class Terms:
    """As the settings of the same names were when the fee policy was published."""

    notice_window: timedelta
    charge_after: timedelta
    charge_deadline: timedelta
    charge_retries: tuple[timedelta, ...]

    @classmethod
    def of(cls, policy: JourneyPolicy) -> "Terms":
        return cls(
            notice_window=policy.notice_window,
            charge_after=policy.charge_after,
            charge_deadline=policy.charge_deadline,
            charge_retries=policy.charge_retries,
        )

    def document(self) -> dict[str, Any]:
        """As it stands in the appointment's row: seconds, and a list of them."""
        return {
            "notice_window": self.notice_window.total_seconds(),
            "charge_after": self.charge_after.total_seconds(),
            "charge_deadline": self.charge_deadline.total_seconds(),
            "charge_retries": [retry.total_seconds() for retry in self.charge_retries],
        }

    @classmethod
    def read(cls, document: dict[str, Any]) -> "Terms":
        return cls(
            notice_window=timedelta(seconds=document["notice_window"]),
            charge_after=timedelta(seconds=document["charge_after"]),
            charge_deadline=timedelta(seconds=document["charge_deadline"]),
            charge_retries=tuple(timedelta(seconds=retry) for retry in document["charge_retries"]),
        )


@dataclass(frozen=True, kw_only=True)
class AgreedTerms:
    """Those under which somebody books, and the version of the fee policy that they are of."""

    fee_policy_version: int
    terms: Terms
