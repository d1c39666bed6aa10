"""Intake forms: the built-in templates, each in its newest version. All that makes a form an intake form stands here.

They are rows like the practice's own forms (``models.writes.forms.texts``). A change of title or questions here
needs the next ``version``: migrating writes it as a new row, and the API, once it has started, has it asked for as any
new version is: see ``rules.forms.asking``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rules.forms.fields import FieldType, FormField

INFORMED_CONSENT = "informed_consent"
BILLING_INFO = "billing_info"  # completing it also saves the card

SEEN_BY_STAFF = frozenset({INFORMED_CONSENT, BILLING_INFO})
"""What was answered in these is no matter of care; the answers of all other forms are."""

FEE_POLICY_VERSION = "2026-1"
FEE_POLICY_TEXT = (
    "I agree that my card is saved and charged after each session that took place, within 48 hours of its end. "
    "If I cancel less than 48 hours before a session, or do not come, the full fee is due."
)


@dataclass(frozen=True, kw_only=True)
class IntakeForm:
    title: str
    fields: tuple[FormField, ...]
    version: int = 1


INTAKE_FORMS: Mapping[str, IntakeForm] = MappingProxyType(
    {
        INFORMED_CONSENT: IntakeForm(
            title="Informed Consent & Confidentiality",
            fields=(
                FormField(
                    name="agrees",
                    label="I have read the informed consent and agree to it",
                    type=FieldType.AGREEMENT,
                    required=True,
                ),
            ),
        ),
        "initial_consultation": IntakeForm(
            title="Initial Consultation Form",
            fields=(
                FormField(name="reason", label="What brings you here", type=FieldType.LONG_TEXT, required=True),
                FormField(name="goals", label="What you would like to reach", type=FieldType.LONG_TEXT),
                FormField(name="history", label="What we should know of before", type=FieldType.LONG_TEXT),
                FormField(
                    name="emergency_contact",
                    label="Whom we may call in an emergency",
                    type=FieldType.GROUP,
                    required=True,
                    fields=(
                        FormField(name="name", label="Name", type=FieldType.TEXT, required=True),
                        FormField(name="phone", label="Phone", type=FieldType.TEXT, required=True, most=50),
                    ),
                ),
            ),
        ),
        BILLING_INFO: IntakeForm(
            title="Billing Info",
            fields=(
                FormField(name="billing_name", label="Name on the bill", type=FieldType.TEXT, required=True),
                FormField(
                    name="accepts_fee_policy",
                    label="I agree to the fee policy",
                    type=FieldType.AGREEMENT,
                    required=True,
                ),
            ),
        ),
    }
)
"""By kind, in the order in which they are filled in; a new one comes last."""
