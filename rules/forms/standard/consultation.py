"""The Initial Consultation Form, as every practice begins with it. Two questions are required, all others are not."""

from rules.forms.conditions import Condition
from rules.forms.fields import FieldType, FormField
from rules.forms.wording import unwrapped

TITLE = "Initial Consultation Form"

BODY = unwrapped("""
Your answers help your therapist to prepare for your first session. Only two of them are required: why you come, and
whom we may call in an emergency. Leave out whatever you would rather speak about in person.

Your therapist reads them, and nobody else without a reason that is recorded. They are stored encrypted.

If you are in danger, or think of ending your life, please do not wait for your appointment: call the emergency number
of the place where you are (911 in the United States, where 988 reaches the Suicide and Crisis Lifeline), or go to the
nearest emergency room.
""")

FIELDS = (
    FormField(name="reason", label="What brings you here", type=FieldType.LONG_TEXT, required=True),
    FormField(name="since", label="Since when it has troubled you", type=FieldType.TEXT),
    FormField(name="goals", label="What you would like to reach", type=FieldType.LONG_TEXT),
    FormField(
        name="troubles",
        label="What has troubled you in the last weeks",
        type=FieldType.CHOICES,
        options=(
            "Low mood",
            "Worry or anxiety",
            "Panic",
            "Sleep",
            "Appetite or weight",
            "Concentration",
            "Anger",
            "Memories that come back",
            "Alcohol or drugs",
            "Relationships",
            "Work or school",
            "Grief",
            "Something else",
        ),
    ),
    FormField(name="history", label="What we should know of before", type=FieldType.LONG_TEXT),
    FormField(
        name="therapy_before",
        label="Have you been in therapy or psychiatric treatment before?",
        type=FieldType.YES_NO,
    ),
    FormField(
        name="therapy_told",
        label="When, what for, and what helped or did not",
        type=FieldType.LONG_TEXT,
        when=Condition(field="therapy_before", is_=(True,)),
    ),
    FormField(
        name="health", label="Illnesses, injuries or pain that your therapist should know of", type=FieldType.LONG_TEXT
    ),
    FormField(name="medication", label="Medication that you take, and how much of it", type=FieldType.LONG_TEXT),
    FormField(name="substances", label="How often you drink alcohol or take other drugs", type=FieldType.TEXT),
    FormField(
        name="thoughts_of_death",
        label="Thoughts of death, or of harming yourself",
        type=FieldType.CHOICE,
        options=(
            "Never",
            "In the past, not now",
            "Now and then",
            "Often",
            "I would rather speak about it in person",
        ),
    ),
    FormField(
        name="safe_at_home",
        label="Do you feel safe where you live?",
        type=FieldType.CHOICE,
        options=("Yes", "No", "I would rather speak about it in person"),
    ),
    FormField(name="living", label="With whom you live, and what you do by day", type=FieldType.LONG_TEXT),
    FormField(name="strengths", label="What gives you strength, and who stands by you", type=FieldType.LONG_TEXT),
    FormField(
        name="wishes",
        label="What you wish of your therapist, such as a name or pronouns, or what you would rather not",
        type=FieldType.LONG_TEXT,
    ),
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
)
