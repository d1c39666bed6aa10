"""The mailer, through SendGrid's own client library. Against a stand-in only the address differs."""

import asyncio
import base64
import json
import logging
from email.message import Message
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from activities.ports import Attachment, MailerUnavailable, MailRejected, OutgoingMail

# At DEBUG the library's HTTP client logs the mail and the key.
logging.getLogger("python_http_client").setLevel(logging.WARNING)
logging.getLogger("python_http_client.client").setLevel(logging.WARNING)

_HOST = "https://api.sendgrid.com"


class SendGridMailer:
    """Implements ``activities.ports.Mailer``. The library blocks, so each mail is sent in a thread of its
    own."""

    def __init__(self, *, api_key: str, host: str | None = None, timeout_seconds: float = 10.0) -> None:
        """``host`` is None for SendGrid itself, or a stand-in's root such as
        ``http://127.0.0.1:8400/sendgrid``."""
        self._client = SendGridAPIClient(api_key, host=(host or _HOST).rstrip("/"))
        self._timeout = timeout_seconds

    async def send(self, mail: OutgoingMail) -> str:
        return await asyncio.to_thread(self._send, _document(mail))

    def _send(self, document: dict[str, Any]) -> str:
        try:
            answer = self._client.client.mail.send.post(request_body=document, timeout=self._timeout)
        except HTTPError as problem:
            status = int(problem.status_code)
            if status == 429 or status >= 500:
                raise MailerUnavailable(f"SendGrid answered {status}", ambiguous=status != 429) from problem
            raise MailRejected(status=status, message=_first_message(problem.body)) from problem
        except URLError as problem:
            refused = isinstance(problem.reason, ConnectionRefusedError)
            raise MailerUnavailable(f"SendGrid: {problem.reason}", ambiguous=not refused) from problem
        except (OSError, HTTPException) as problem:
            raise MailerUnavailable(f"SendGrid: {type(problem).__name__}", ambiguous=True) from problem
        return str(answer.headers.get("X-Message-Id") or "")


def _document(mail: OutgoingMail) -> dict[str, Any]:
    recipient = {"email": mail.to} | ({"name": mail.to_name} if mail.to_name else {})
    document: dict[str, Any] = {
        "personalizations": [{"to": [recipient]}],
        "from": {"email": mail.from_},
        "subject": mail.subject,
        "content": [{"type": "text/plain", "value": mail.text}, {"type": "text/html", "value": mail.html}],
        # Stored unprotected at the mail service: opaque words only.
        "categories": [mail.template],
        "custom_args": {"key": mail.key},
        # A rewritten link would hand single-use tokens to a third party, and a pixel would watch the reader.
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
        },
    }
    if mail.headers:
        document["headers"] = dict(mail.headers)
    if mail.attachments:
        document["attachments"] = [_attachment(each) for each in mail.attachments]
    return document


def _attachment(attachment: Attachment) -> dict[str, str]:
    return {
        "content": base64.b64encode(attachment.content).decode(),
        "filename": attachment.filename,
        "type": _type(attachment.type),
        "disposition": "attachment",
    }


def _type(given: str) -> str:
    """SendGrid refuses parameters in an attachment's type, save an invitation's ``method``; it adds the
    charset."""
    header = Message()
    header["Content-Type"] = given
    method = header.get_param("method")
    plain = header.get_content_type()
    return f"{plain}; method={method}" if plain == "text/calendar" and isinstance(method, str) else plain


def _first_message(body: Any) -> str:
    try:
        return str(json.loads(body)["errors"][0]["message"])
    except (ValueError, KeyError, IndexError, TypeError):
        return "refused"
