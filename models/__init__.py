"""The schema, one file per noun, and the queries over it. Importing this package loads every table."""

from models.appointment import Appointment
from models.bulk_archive import BulkArchive, BulkArchiveLine
from models.calendar_feed import CalendarFeed
from models.chat import Blast, BlastLine, Chat, ChatMember, ChatMessage, ChatRead
from models.client import Client
from models.credit import Credit, CreditUse
from models.document import Document, DocumentContent, DocumentShare
from models.fact import Fact
from models.form import FormAnswer, FormRequest
from models.form_template import FormTemplate
from models.goal import Goal
from models.group import ClientGroup
from models.idempotency import IdempotencyKey
from models.inbound_event import InboundEvent
from models.mail import SentMail
from models.match import Match
from models.note import SessionNote
from models.notification import Notification
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
    "Blast",
    "BlastLine",
    "BulkArchive",
    "BulkArchiveLine",
    "CalendarFeed",
    "Chat",
    "ChatMember",
    "ChatMessage",
    "ChatRead",
    "Client",
    "ClientGroup",
    "Credit",
    "CreditUse",
    "DateOverride",
    "Dispute",
    "Document",
    "DocumentContent",
    "DocumentShare",
    "Fact",
    "FormAnswer",
    "FormRequest",
    "FormTemplate",
    "Goal",
    "IdempotencyKey",
    "InboundEvent",
    "Match",
    "Notification",
    "OccupiedTime",
    "Payment",
    "PaymentTry",
    "Reconciliation",
    "Refund",
    "SentMail",
    "SessionNote",
    "Task",
    "Therapist",
    "TimeOffPeriod",
    "Token",
    "WaitlistOffer",
    "WaitlistPlace",
    "WeeklyHours",
]
