"""The one list of workflows, for the worker and for the replay tests."""

from workflows.appointment_journey import AppointmentJourney
from workflows.bulk_archive import BulkArchive
from workflows.client_journey import ClientJourney
from workflows.keep_journeys import KeepJourneys
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
