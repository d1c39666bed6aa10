"""The one list of activities, for the worker and for the tests."""

from collections.abc import Callable
from typing import Any

from activities.accounts.cancellations import CancellationActivities
from activities.accounts.message_sender import SenderActivities
from activities.archive.archive import ArchiveActivities
from activities.archive.bulk import BulkArchiveActivities
from activities.base import Dependencies
from activities.booking.appointment import AppointmentActivities
from activities.booking.book import BookingActivities
from activities.booking.outside.reading import CalendarActivities
from activities.booking.series import SeriesActivities
from activities.booking.unmarking import UnmarkingActivities
from activities.booking.waitlist import WaitlistActivities
from activities.care.chats import ChatActivities
from activities.care.goals import GoalActivities
from activities.clients.account import AccountActivities
from activities.clients.joining import JoiningActivities
from activities.clients.matching import MatchingActivities
from activities.clients.resuming import ResumingActivities
from activities.delivery.outbox import DeliveryActivities
from activities.events.webhooks import WebhookActivities
from activities.forms.asking import AskingActivities
from activities.forms.intake import FormActivities
from activities.forms.requested import RequestedFormActivities
from activities.keeping.gone_journeys import GoneJourneyActivities
from activities.keeping.practice_mail import PracticeMailActivities
from activities.keeping.rounds import KeepingActivities
from activities.keeping.sealing_anew import SealingActivities
from activities.money.approval.refused import ApprovalActivities
from activities.money.charge import PaymentActivities
from activities.money.confirmations import ConfirmationActivities
from activities.money.credits import CreditActivities
from activities.money.reconcile import ReconcileActivities
from activities.money.refunds import RefundActivities
from activities.money.retries import RetryActivities
from activities.money.stripe_events import InboundActivities
from activities.money.waivers import WaiverActivities
from activities.trying import TryActivities

__all__ = ["Dependencies", "build"]

GROUPS = (
    MatchingActivities,
    BookingActivities,
    AppointmentActivities,
    SeriesActivities,
    UnmarkingActivities,
    WaitlistActivities,
    CalendarActivities,
    AccountActivities,
    JoiningActivities,
    ResumingActivities,
    AskingActivities,
    FormActivities,
    RequestedFormActivities,
    GoalActivities,
    PaymentActivities,
    TryActivities,
    ConfirmationActivities,
    CreditActivities,
    RefundActivities,
    WaiverActivities,
    ApprovalActivities,
    RetryActivities,
    InboundActivities,
    ReconcileActivities,
    ArchiveActivities,
    BulkArchiveActivities,
    GoneJourneyActivities,
    SenderActivities,
    CancellationActivities,
    ChatActivities,
    KeepingActivities,
    SealingActivities,
    PracticeMailActivities,
    DeliveryActivities,
    WebhookActivities,
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
