"""The texts that every practice has: the intake forms, and the fee policy that is signed with one of them.

They are rows like the practice's own forms (``models.writes.forms.texts``), and the practice's to word: what stands
here is the first version, which a new database begins with. No release changes a text that is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rules.forms.fields import FormField
from rules.forms.standard import billing, consultation, fee_policy, informed_consent

INFORMED_CONSENT = "informed_consent"
BILLING_INFO = "billing_info"  # completing it also saves the card, and signs the fee policy
FEE_POLICY = "fee_policy"

OF_ANOTHER_VERSION = "is of a form that has changed since it was shown; show it again, as it is asked for now"
OF_ANOTHER_TEXT = "is of a text that has changed; show the one of the card setup"
"""Why a version is refused that is not the one to be signed."""

SEEN_BY_STAFF = frozenset({INFORMED_CONSENT, BILLING_INFO})
"""What was answered in these is no matter of care; the answers of all other forms are."""


@dataclass(frozen=True, kw_only=True)
class StandardText:
    title: str
    body: str
    fields: tuple[FormField, ...] = ()


INTAKE_FORMS: Mapping[str, StandardText] = MappingProxyType(
    {
        INFORMED_CONSENT: StandardText(
            title=informed_consent.TITLE, body=informed_consent.BODY, fields=informed_consent.FIELDS
        ),
        "initial_consultation": StandardText(
            title=consultation.TITLE, body=consultation.BODY, fields=consultation.FIELDS
        ),
        BILLING_INFO: StandardText(title=billing.TITLE, body=billing.BODY, fields=billing.FIELDS),
    }
)
"""By kind, in the order in which they are filled in; a new one comes last."""

STANDARD_FEE_POLICY = StandardText(title=fee_policy.TITLE, body=fee_policy.BODY)
STANDARD_TEXTS: Mapping[str, StandardText] = MappingProxyType({**INTAKE_FORMS, FEE_POLICY: STANDARD_FEE_POLICY})
