"""Signed copies: what was signed, as it was shown, beside the answers. Never changed, but in how it is sealed."""

from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.sealed import SealedDocument


class KeptCopy(SQLModel, table=True):
    """``document``: of ``rules.forms.signed``, and ``sha256`` its hash, which the fact of its form's completion has as
    well."""

    __tablename__ = "signed_copy"

    answer_id: UUID = Field(primary_key=True, foreign_key="form_answer.id")
    document: dict[str, Any] = Field(sa_type=SealedDocument)
    sha256: str = Field(max_length=64)
