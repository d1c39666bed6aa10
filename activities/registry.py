"""The one list of activities, for the worker and for the tests."""

from collections.abc import Callable
from typing import Any

from activities.accounts import AccountActivities
from activities.appointments import AppointmentActivities
from activities.archive import ArchiveActivities
from activities.booking import BookingActivities
from activities.bulk_archive import BulkArchiveActivities
from activities.chats import ChatActivities
from activities.core import Dependencies
from activities.credits import CreditActivities
from activities.exceptions import ExceptionActivities
from activities.forms import FormActivities
from activities.goals import GoalActivities
from activities.inbound import InboundActivities
from activities.joining import JoiningActivities
from activities.mail import MailActivities
from activities.matching import MatchingActivities
from activities.payments import PaymentActivities
from activities.reconcile import ReconcileActivities
from activities.refunds import RefundActivities
from activities.requested_forms import RequestedFormActivities
from activities.senders import SenderActivities
from activities.series import SeriesActivities
from activities.waitlist import WaitlistActivities

__all__ = ["Dependencies", "build"]

GROUPS = (
    MatchingActivities,
    BookingActivities,
    AppointmentActivities,
    SeriesActivities,
    WaitlistActivities,
    AccountActivities,
    JoiningActivities,
    FormActivities,
    RequestedFormActivities,
    GoalActivities,
    PaymentActivities,
    CreditActivities,
    RefundActivities,
    ExceptionActivities,
    InboundActivities,
    ReconcileActivities,
    ArchiveActivities,
    BulkArchiveActivities,
    SenderActivities,
    ChatActivities,
    MailActivities,
)


def build(dependencies: Dependencies) -> list[Callable[..., Any]]:
    """Every activity, bound to its dependencies."""
    found = []
    for group in GROUPS:
        instance = group(dependencies)
        for name, member in vars(group).items():
            if hasattr(member, "__temporal_activity_definition"):
                found.append(getattr(instance, name))
    return found
