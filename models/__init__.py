"""The schema, one file per noun, and the queries over it. Importing this package loads every table."""

from models.appointment import Appointment
from models.calendar_feed import CalendarFeed
from models.client import Client
from models.credit import Credit, CreditUse
from models.fact import Fact
from models.form import FormAnswer, FormRequest
from models.idempotency import IdempotencyKey
from models.inbound_event import InboundEvent
from models.mail import SentMail
from models.match import Match
from models.occupied_time import OccupiedTime
from models.payment import Payment, PaymentTry
from models.reconciliation import Reconciliation
from models.refund import Dispute, Refund
from models.task import Task
from models.therapist import AppointmentSettings, DateOverride, Therapist, TimeOffPeriod, WeeklyHours
from models.token import Token
from models.waitlist import WaitlistOffer, WaitlistPlace

__all__ = [
    "Appointment",
    "AppointmentSettings",
    "CalendarFeed",
    "Client",
    "Credit",
    "CreditUse",
    "DateOverride",
    "Dispute",
    "Fact",
    "FormAnswer",
    "FormRequest",
    "IdempotencyKey",
    "InboundEvent",
    "Match",
    "OccupiedTime",
    "Payment",
    "PaymentTry",
    "Reconciliation",
    "Refund",
    "SentMail",
    "Task",
    "Therapist",
    "TimeOffPeriod",
    "Token",
    "WaitlistOffer",
    "WaitlistPlace",
    "WeeklyHours",
]
