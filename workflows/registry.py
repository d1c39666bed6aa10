"""The one list of workflows, for the worker and for the replay tests; and what of it stays with its build."""

from typing import Any

from temporalio import workflow
from temporalio.common import VersioningBehavior

from workflows.appointment_journey import AppointmentJourney
from workflows.bulk_archive import BulkArchive
from workflows.client_journey import ClientJourney
from workflows.keep_journeys import KeepJourneys
from workflows.messages import BULK_ARCHIVE, RECONCILE_PAYMENTS
from workflows.outside_calendar import OutsideCalendar
from workflows.practice_mail import PracticeMail
from workflows.reconcile_payments import ReconcilePayments
from workflows.reencrypt import Reencrypt
from workflows.waitlist_offer import WaitlistOffer
from workflows.webhook_endpoint import WebhookEndpoint

WORKFLOWS = (
    ClientJourney,
    AppointmentJourney,
    WaitlistOffer,
    ReconcilePayments,
    BulkArchive,
    KeepJourneys,
    PracticeMail,
    Reencrypt,
    WebhookEndpoint,
    OutsideCalendar,
)


# The engine takes a behaviour from versioned workers alone. So what is over within hours says only there that it stays
# with the build that it began on; whatever lives longer follows the current one.


@workflow.defn(name=BULK_ARCHIVE, versioning_behavior=VersioningBehavior.PINNED)
class PinnedBulkArchive(BulkArchive):
    @workflow.init
    def __init__(self, *said: Any) -> None:
        super().__init__(*said)

    @workflow.run
    async def run(self, *said: Any) -> Any:
        return await super().run(*said)


@workflow.defn(name=RECONCILE_PAYMENTS, versioning_behavior=VersioningBehavior.PINNED)
class PinnedReconcilePayments(ReconcilePayments):
    @workflow.init
    def __init__(self, *said: Any) -> None:
        super().__init__(*said)

    @workflow.run
    async def run(self, *said: Any) -> Any:
        return await super().run(*said)


_PINNED: dict[type, type] = {BulkArchive: PinnedBulkArchive, ReconcilePayments: PinnedReconcilePayments}
OF_A_VERSION = tuple(_PINNED.get(each, each) for each in WORKFLOWS)
"""The same, for a worker that has a version."""
