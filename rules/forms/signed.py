"""What was signed, as it was shown (a signed copy): its words are fixed at that moment, and nothing alters them later.

A copy is a JSON document of whole sentences: whoever shows it adds none. Its hash is SHA-256 over the document with
its names in order. It holds a random salt, so that the hash, which stands in the clear in the timeline, tells nothing
to whoever tries out answers; whoever has the copy can compute it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from rules.forms.fields import FieldType, FormField, asked
from rules.money.receipts import Letterhead
from rules.time_words import local_time, month_name

NOT_ANSWERED = "Not answered"
_TEST = "Test: this was signed for a test client."


class Part(StrEnum):
    """What a piece of a copy is."""

    TITLE = "title"
    TEXT = "text"  # paragraphs, as they were read
    ANSWER = "answer"  # to the question that names it
    SIGNING = "signing"  # who, when, from where


@dataclass(frozen=True, kw_only=True)
class Piece:
    """``name``: of an answer its question. ``text`` may have several lines."""

    part: Part
    text: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class SignedCopy:
    """``practice``: as it named itself then."""

    practice: Letterhead
    signed_at: datetime
    pieces: tuple[Piece, ...]
    salt: str

    def document(self) -> dict[str, Any]:
        pieces = [{**asdict(piece), "part": piece.part.value} for piece in self.pieces]
        at = self.signed_at.astimezone(UTC).isoformat()
        return {"practice": asdict(self.practice), "signed_at": at, "pieces": pieces, "salt": self.salt}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "SignedCopy":
        return cls(
            practice=Letterhead(**document["practice"]),
            signed_at=datetime.fromisoformat(document["signed_at"]),
            pieces=tuple(Piece(**{**piece, "part": Part(piece["part"])}) for piece in document["pieces"]),
            salt=document["salt"],
        )


def hash_of(document: Mapping[str, Any]) -> str:
    """64 hex digits."""
    plain = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(plain.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class AttachedFile:
    """``size`` in bytes, ``sha256`` of its content in hex."""

    filename: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Read:
    """Another text to which a form's agreement is, as people read it."""

    title: str
    version: int
    body: str


@dataclass(frozen=True, kw_only=True)
class Signing:
    """All that a copy is made of. ``body``: the form's own text, as people read it. ``read``: what stands beside it.
    ``files``: those in the answers. ``entered_by``: who of the practice filled it in with the client; None for the
    client's own side. ``network``: from where, as far as that is kept. ``time_zone``: the practice's.
    """

    practice: Letterhead
    title: str
    version: int
    body: str
    read: Read | None
    fields: Sequence[FormField]
    answers: Mapping[str, Any]
    client_name: str
    client_ref: str
    signature: str
    signed_at: datetime
    time_zone: str
    network: str | None
    entered_by: str | None
    test: bool = False
    files: Mapping[UUID, AttachedFile] = field(default_factory=dict)


def signed_copy(signing: Signing, *, salt: str) -> SignedCopy:
    """The copy that is kept. The answers complete the form."""
    return SignedCopy(practice=signing.practice, signed_at=signing.signed_at, pieces=tuple(_pieces(signing)), salt=salt)


def _pieces(signing: Signing) -> Iterator[Piece]:
    if signing.test:
        yield Piece(part=Part.TEXT, text=_TEST)
    yield Piece(part=Part.TITLE, text=signing.title)
    yield Piece(part=Part.TEXT, text=f"Version {signing.version}")
    if signing.body.strip():
        yield Piece(part=Part.TEXT, text=signing.body)
    if signing.read is not None:
        yield Piece(part=Part.TITLE, text=signing.read.title)
        yield Piece(part=Part.TEXT, text=f"Version {signing.read.version}")
        yield Piece(part=Part.TEXT, text=signing.read.body)
    yield from _answers(signing.fields, signing.answers, signing.files, within="")
    filled_in = f"{signing.entered_by}, together with the client" if signing.entered_by else "The client"
    utc = signing.signed_at.astimezone(UTC)
    for name, text in (
        ("Client", f"{signing.client_name} ({signing.client_ref})".strip()),
        ("Filled in by", filled_in),
        ("Signed with the name", signing.signature),
        ("Signed at", local_time(signing.signed_at, signing.time_zone)),
        ("", f"{utc:%Y-%m-%d %H:%M:%S} UTC"),
        ("From the network", signing.network or "Not known"),
    ):
        yield Piece(part=Part.SIGNING, name=name, text=text)


def _answers(
    fields: Sequence[FormField], answers: Mapping[str, Any], files: Mapping[UUID, AttachedFile], *, within: str
) -> Iterator[Piece]:
    """Each question that was asked, those of a group under its name, and what was answered."""
    for question in asked(fields, answers):
        label, answer = f"{within}{question.label}", answers.get(question.name)
        if question.type is FieldType.GROUP and answer is not None:
            yield from _answers(question.fields, answer, files, within=f"{label}: ")
        else:
            yield Piece(part=Part.ANSWER, name=label, text=in_words(question, answer, files))


def in_words(question: FormField, answer: Any, files: Mapping[UUID, AttachedFile]) -> str:
    """What was answered, as it is read."""
    if answer is None or answer == [] or (isinstance(answer, str) and not answer.strip()):
        return NOT_ANSWERED
    match question.type:
        case FieldType.YES_NO:
            return "Yes" if answer else "No"
        case FieldType.AGREEMENT:
            return "Agreed"
        case FieldType.CHOICES:
            return "\n".join(answer)
        case FieldType.DATE:
            day = date.fromisoformat(answer)
            return f"{day.day} {month_name(day.month)} {day.year}"
        case FieldType.SCALE:
            return _on_scale(question, answer)
        case FieldType.FILE:
            return "\n".join(_file(files[UUID(id)]) for id in answer)
        case _:
            return str(answer)


def _on_scale(question: FormField, answer: int) -> str:
    ends = ((question.least, question.least_label), (question.most, question.most_label))
    told = [f"{end} is {label}" for end, label in ends if label]
    return f"{answer} ({', '.join(told) or f'from {question.least} to {question.most}'})"


def _file(kept: AttachedFile) -> str:
    return f"{kept.filename} ({kept.content_type}, {kept.size} bytes, SHA-256 {kept.sha256})"
