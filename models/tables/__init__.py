"""The schema, one file per noun. Importing this package loads every table."""

import models.sealing  # noqa: F401 - what seals and opens their rows
from models.tables.accounts.access_log import AccessBlock, AccessLine, AccessRepeat, ChainedAccess
from models.tables.accounts.account import Account
from models.tables.accounts.budget import BudgetUse
from models.tables.accounts.email_change import EmailChange
from models.tables.accounts.idempotency import IdempotencyKey
from models.tables.accounts.oidc import OidcLink, OidcSignIn
from models.tables.accounts.opening import Opening
from models.tables.accounts.passkey_challenge import PasskeyChallenge
from models.tables.accounts.program_key import ProgramKey
from models.tables.accounts.second_factor import RecoveryCode, SecondFactor
from models.tables.accounts.token import Token
from models.tables.archive.bulk_archive import BulkArchiveLine, BulkArchiveRecord
from models.tables.booking.appointment import Appointment
from models.tables.booking.calendar_consent import CalendarConsent
from models.tables.booking.calendar_feed import CalendarFeed
from models.tables.booking.closure import Closure
from models.tables.booking.leave import Leave
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.outside_calendar import OutsideBusy, OutsideCalendarRow
from models.tables.booking.therapist import AppointmentSettings, DateOverrideRow, Therapist, TimeOffPeriod, WeeklyHours
from models.tables.booking.therapist_photo import TherapistPhoto
from models.tables.booking.waitlist import WaitlistOfferRecord, WaitlistPlace
from models.tables.care.chat import Blast, BlastLine, Chat, ChatMember, ChatMessage, ChatRead
from models.tables.care.document import Document, DocumentContent, DocumentShare
from models.tables.care.goal import Goal
from models.tables.care.note import SessionNote
from models.tables.care.notification import Notification
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.clients.form_words import FormWords
from models.tables.clients.group import ClientGroup
from models.tables.clients.handed_in import HandedIn
from models.tables.clients.match import FormMatch, Match
from models.tables.clients.remark import Remark
from models.tables.clients.step_answer import StepAnswer
from models.tables.clients.task import Task
from models.tables.events.event import Event, EventsRemoved
from models.tables.events.webhook import WebhookDelivery, WebhookRecord
from models.tables.forms.draft import FormDraft
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.forms.signed_copy import KeptCopy
from models.tables.forms.text import PracticeText, TextDraft
from models.tables.forms.upload import FormUpload, FormUploadContent
from models.tables.keeping.anchor import Anchor, AnchoredHead
from models.tables.keeping.applied_migration import AppliedMigration
from models.tables.keeping.epoch import Epoch
from models.tables.keeping.keeping import Keeping, Resumption
from models.tables.keeping.reencryption import Reencryption
from models.tables.keeping.row_change import RowChange
from models.tables.keeping.settings import SettingsRow, SettingsSeen
from models.tables.mail.inbound_event import InboundEvent
from models.tables.mail.outbox import OutboxItem
from models.tables.money.approval import Approval
from models.tables.money.credit import Credit, CreditReversal, CreditUse
from models.tables.money.payment import Payment, PaymentTry
from models.tables.money.reconciliation import Reconciliation
from models.tables.money.refund import Dispute, Refund

__all__ = [
    "AccessBlock",
    "AccessLine",
    "AccessRepeat",
    "Account",
    "Anchor",
    "AnchoredHead",
    "AppliedMigration",
    "Appointment",
    "AppointmentSettings",
    "Approval",
    "Blast",
    "BlastLine",
    "BudgetUse",
    "BulkArchiveLine",
    "BulkArchiveRecord",
    "CalendarConsent",
    "CalendarFeed",
    "ChainedAccess",
    "Chat",
    "ChatMember",
    "ChatMessage",
    "ChatRead",
    "Client",
    "ClientGroup",
    "Closure",
    "Credit",
    "CreditReversal",
    "CreditUse",
    "DateOverrideRow",
    "Dispute",
    "Document",
    "DocumentContent",
    "DocumentShare",
    "EmailChange",
    "Epoch",
    "Event",
    "EventsRemoved",
    "Fact",
    "FormAnswer",
    "FormDraft",
    "FormMatch",
    "FormRequest",
    "FormUpload",
    "FormUploadContent",
    "FormWords",
    "Goal",
    "HandedIn",
    "IdempotencyKey",
    "InboundEvent",
    "Keeping",
    "KeptCopy",
    "Leave",
    "Match",
    "Notification",
    "OccupiedTime",
    "OidcLink",
    "OidcSignIn",
    "Opening",
    "OutboxItem",
    "OutsideBusy",
    "OutsideCalendarRow",
    "PasskeyChallenge",
    "Payment",
    "PaymentTry",
    "PracticeText",
    "ProgramKey",
    "Reconciliation",
    "RecoveryCode",
    "Reencryption",
    "Refund",
    "Remark",
    "Resumption",
    "RowChange",
    "SecondFactor",
    "SessionNote",
    "SettingsRow",
    "SettingsSeen",
    "StepAnswer",
    "Task",
    "TextDraft",
    "Therapist",
    "TherapistPhoto",
    "TimeOffPeriod",
    "Token",
    "WaitlistOfferRecord",
    "WaitlistPlace",
    "WebhookDelivery",
    "WebhookRecord",
    "WeeklyHours",
]
