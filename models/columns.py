"""Column types the tables share: instants with a zone, enums as checked text, JSON documents, lists of words."""

from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, Enum, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

Instant = DateTime(timezone=True)
Document = JSONB(none_as_null=True)
Words = ARRAY(Text)
MinorUnits = BigInteger


def word(kind: type[StrEnum], *, name: str) -> Enum:
    """A text column that holds the values of ``kind`` and nothing else; ``name`` names its check constraint."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=40,
        name=name,
        values_callable=lambda members: [member.value for member in members],
    )
