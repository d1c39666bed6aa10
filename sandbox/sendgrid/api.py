"""SendGrid's mail send, checked as SendGrid checks it; what it takes lands in the outbox."""

import base64
import binascii
import re
from typing import Any

from engine.clock import Clock
from sandbox.sendgrid.events import MailEvents
from sandbox.store import Document, Store
from sandbox.stripe.objects import new_id

_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")
_RESERVED_HEADERS = {
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to",
    "from", "subject", "reply-to", "cc", "bcc",
}  # fmt: skip
_HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."


class SendGridRefused(Exception):
    """An answer other than 202; ``errors`` in SendGrid's shape."""

    def __init__(self, status: int, errors: list[Document]) -> None:
        super().__init__(status)
        self.status = status
        self.errors = errors


class SendGridApi:
    """Every request to the SendGrid stand-in passes through ``send``."""

    def __init__(self, store: Store, clock: Clock, events: MailEvents) -> None:
        self._store = store
        self._clock = clock
        self._events = events

    async def send(self, authorization: str | None, mail: Any) -> str:
        """Takes one mail and returns its message id. Raises SendGridRefused."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.startswith("SG."):
            raise SendGridRefused(
                401,
                [
                    {
                        "message": "The provided authorization grant is invalid, expired, or revoked",
                        "field": None,
                        "help": None,
                    }
                ],
            )
        if errors := _problems(mail):
            raise SendGridRefused(400, errors)
        message_id = new_id("sg", 22)[3:]
        sent_at = (await self._clock.now()).isoformat()
        rows = []
        for index, entry in enumerate(mail["personalizations"]):
            for place, recipient in enumerate(entry["to"]):
                row = _outbox_row(mail, entry, recipient)
                row.update(id=f"{message_id}.{index}.{place}", message_id=message_id, sent_at=sent_at)
                self._store.put("mail", row)
                rows.append(row)
        self._store.commit()
        for row in rows:
            await self._events.of_sending(row)
        return message_id

    def outbox(self, *, to: str | None = None) -> list[Document]:
        """Every mail sent, oldest first; with ``to``, only those to this address, in whatever case."""
        rows = self._store.all("mail")
        return [row for row in rows if to is None or row["to"].lower() == to.lower()]

    def mail(self, id_: str) -> Document | None:
        return self._store.get("mail", id_)


def _outbox_row(mail: Document, entry: Document, recipient: Document) -> Document:
    bodies = {part["type"]: part["value"] for part in mail["content"]}
    return {
        "to": recipient["email"],
        "to_name": recipient.get("name"),
        "from": mail["from"]["email"],
        "subject": entry.get("subject") or mail["subject"],
        "text": bodies.get("text/plain"),
        "html": bodies.get("text/html"),
        "template": (mail.get("categories") or [None])[0],
        "attachments": [_shown(each) for each in mail.get("attachments") or []],
        "headers": {**(mail.get("headers") or {}), **(entry.get("headers") or {})},
        "custom_args": {**(mail.get("custom_args") or {}), **(entry.get("custom_args") or {})},
    }


def _shown(attachment: Document) -> Document:
    """Text is shown as text, anything else stays base64."""
    type_ = attachment.get("type") or "application/octet-stream"
    content = attachment["content"]
    if type_.startswith("text/"):
        content = base64.b64decode(content).decode(errors="replace")
    shown = {"filename": attachment["filename"], "type": type_, "content": content}
    return shown | ({"content_id": attachment["content_id"]} if "content_id" in attachment else {})


def _problems(mail: Any) -> list[Document]:
    if not isinstance(mail, dict):
        return [_problem("Bad Request", None)]
    return [
        *_personalization_problems(mail),
        *_sender_problems(mail),
        *_content_problems(mail.get("content")),
        *_attachment_problems(mail.get("attachments")),
        *_label_problems(mail),
    ]


def _problem(message: str, field: str | None) -> Document:
    topic = re.sub(r"\.\d+", "", field) if field else None
    return {"message": message, "field": field, "help": f"{_HELP}{topic}" if topic else None}


def _personalization_problems(mail: Document) -> list[Document]:
    entries = mail.get("personalizations")
    if not isinstance(entries, list) or not entries:
        return [
            _problem(
                "The personalizations field is required and must have at least one personalization.",
                "personalizations",
            )
        ]
    found: list[Document] = []
    for index, entry in enumerate(entries):
        field = f"personalizations.{index}"
        to = entry.get("to") if isinstance(entry, dict) else None
        if not isinstance(to, list) or not to:
            found.append(
                _problem(
                    "The to array is required for all personalization objects, and must have at least "
                    "one email object with a valid email address.",
                    f"{field}.to",
                )
            )
            continue
        found += [
            _problem("Does not contain a valid address.", f"{field}.to.{place}.email")
            for place, recipient in enumerate(to)
            if not _is_address(recipient)
        ]
        addresses = [recipient["email"].lower() for recipient in to if _is_address(recipient)]
        if len(set(addresses)) < len(addresses):
            found.append(
                _problem(
                    "Each email address in the personalization block should be unique between to, cc, and bcc.",
                    field,
                )
            )
    return found


def _is_address(given: Any) -> bool:
    return (
        isinstance(given, dict)
        and isinstance(given.get("email"), str)
        and _ADDRESS.fullmatch(given["email"]) is not None
        and isinstance(given.get("name", ""), str)
    )


def _sender_problems(mail: Document) -> list[Document]:
    found = []
    if not isinstance(mail.get("from"), dict):
        found.append(
            _problem(
                "The from object must be provided for every email send. It is an object that requires "
                "the email parameter, but may also contain a name parameter.",
                "from.email",
            )
        )
    elif not _is_address(mail["from"]):
        found.append(_problem("The from email does not contain a valid address.", "from.email"))
    entries = mail.get("personalizations")
    rows = entries if isinstance(entries, list) else []
    everywhere = bool(rows) and all(isinstance(row, dict) and row.get("subject") for row in rows)
    subject = mail.get("subject")
    if not (isinstance(subject, str) and subject) and not everywhere:
        found.append(
            _problem(
                "The subject is required. You can get around this requirement if you use a template "
                "with a subject defined or if every personalization has a subject defined.",
                "subject",
            )
        )
    return found


def _content_problems(content: Any) -> list[Document]:
    if not isinstance(content, list) or not content:
        return [
            _problem(
                "Unless a valid template_id is provided, the content parameter is required. There must be "
                "at least one defined content block.",
                "content",
            )
        ]
    found: list[Document] = []
    for index, part in enumerate(content):
        field = f"content.{index}"
        type_ = part.get("type") if isinstance(part, dict) else None
        if not isinstance(type_, str) or not type_:
            found.append(
                _problem("The content type must be a string at least one character in length.", f"{field}.type")
            )
        elif re.search(r"[;\r\n]", type_):
            found.append(_problem("The content type cannot contain ';', or CRLF characters.", f"{field}.type"))
        value = part.get("value") if isinstance(part, dict) else None
        if not isinstance(value, str) or not value:
            found.append(
                _problem("The content value must be a string at least one character in length.", f"{field}.value")
            )
    types = [part.get("type") for part in content if isinstance(part, dict)]
    if "text/html" in types and "text/plain" in types and types.index("text/plain") != 0:
        found.append(
            _problem(
                "If present, text/plain must be first, followed by text/html, followed by any other content.",
                "content",
            )
        )
    return found


def _attachment_problems(attachments: Any) -> list[Document]:
    if attachments is None:
        return []
    if not isinstance(attachments, list):
        return [_problem("The attachments parameter must be an array.", "attachments")]
    found: list[Document] = []
    for index, given in enumerate(attachments):
        field = f"attachments.{index}"
        each = given if isinstance(given, dict) else {}
        if not _is_base64(each.get("content")):
            found.append(_problem("The attachment content must be base64 encoded.", f"{field}.content"))
        filename = each.get("filename")
        if not isinstance(filename, str) or not filename:
            found.append(_problem("The attachment filename is required.", f"{field}.filename"))
        elif re.search(r"[;\r\n]", filename):
            found.append(
                _problem("The attachment filename cannot contain ';', or CRLF characters.", f"{field}.filename")
            )
        # The one parameter SendGrid lets through is an invitation's method.
        type_ = re.sub(r"^(text/calendar); ?method=[A-Z]+$", r"\1", str(each.get("type") or ""))
        if re.search(r"[;\r\n]", type_):
            found.append(_problem("The attachment type cannot contain ';', or CRLF characters.", f"{field}.type"))
        if each.get("disposition", "attachment") not in ("attachment", "inline"):
            found.append(
                _problem(
                    "The disposition of your attachment can be either inline or attachment.",
                    f"{field}.disposition",
                )
            )
        content_id = each.get("content_id")
        if content_id is not None and (not isinstance(content_id, str) or re.search(r"[;\r\n]", content_id)):
            found.append(
                _problem("The attachment content_id cannot contain ';', or CRLF characters.", f"{field}.content_id")
            )
    return found


def _is_base64(content: Any) -> bool:
    if not isinstance(content, str) or not content:
        return False
    try:
        base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _label_problems(mail: Document) -> list[Document]:
    found: list[Document] = []
    headers = mail.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        found.append(_problem("The headers parameter must be an object of strings.", "headers"))
    elif taken := sorted(name for name in headers if name.lower() in _RESERVED_HEADERS):
        found.append(_problem(f"The header {taken[0]} is reserved and cannot be set.", f"headers.{taken[0]}"))
    categories = mail.get("categories") or []
    if not isinstance(categories, list) or len(categories) > 10:
        found.append(_problem("There is a limit of 10 categories per request.", "categories"))
    elif not all(isinstance(word, str) and len(word) <= 255 for word in categories):
        found.append(_problem("Category names must be strings of at most 255 characters.", "categories"))
    arguments = mail.get("custom_args") or {}
    if not isinstance(arguments, dict) or not all(isinstance(value, str) for value in arguments.values()):
        found.append(_problem("The custom_args parameter must be an object of strings.", "custom_args"))
    return found
