"""Billing Info, as every practice begins with it. The fee policy is read below its own words, and signed with it."""

from rules.forms.fields import FieldType, FormField
from rules.forms.wording import unwrapped

TITLE = "Billing Info"

BODY = unwrapped("""
Please save the card by which you want to pay for your sessions, and read the fee policy below. Nothing is charged
now.
""")

FIELDS = (
    FormField(name="billing_name", label="Name on the bill", type=FieldType.TEXT, required=True),
    FormField(name="accepts_fee_policy", label="I agree to the fee policy", type=FieldType.AGREEMENT, required=True),
)
