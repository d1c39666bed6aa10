"""The mailer, through SendGrid's own client library. Against a stand-in only the address differs."""

import asyncio
import base64
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from opentelemetry import trace
from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from activities.ports import Attachment, MailerUnavailable, MailRejected, OutgoingMail
from rules.plain_text import one_line

# At DEBUG the library's HTTP client logs the mail and the key.
logging.getLogger("python_http_client").setLevel(logging.WARNING)
logging.getLogger("python_http_client.client").setLevel(logging.WARNING)

_HOST = "https://api.sendgrid.com"
_NO_ENTRY = (401, 403)
_traces = trace.get_tracer(__name__)


class SendGridMailer:
    """Implements ``activities.ports.Mailer``. The library blocks, so mails are sent in threads that nothing else
    waits for: a slow mail service holds up mails alone."""

    def __init__(
        self, *, api_key: str, host: str | None = None, timeout_seconds: float = 10.0, at_once: int = 30
    ) -> None:
        """``host`` is None for SendGrid itself, or a stand-in's root such as
        ``http://127.0.0.1:8400/sendgrid``. ``at_once``: how many mails may be on their way."""
        address = (host or _HOST).rstrip("/")
        self._client = SendGridAPIClient(api_key, host=address)
        self._traced = {"http.request.method": "POST", "server.address": urlsplit(address).hostname or ""}
        self._timeout = timeout_seconds
        self._threads = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="sendgrid")

    async def aclose(self) -> None:
        """Waits for mails that are on their way; none can be sent afterwards."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    async def send(self, mail: OutgoingMail) -> str:
        with _traces.start_as_current_span("POST", kind=trace.SpanKind.CLIENT, attributes=self._traced):
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._send, _document(mail))

    def _send(self, document: dict[str, Any]) -> str:
        try:
            answer = self._client.client.mail.send.post(request_body=document, timeout=self._timeout)
        except HTTPError as problem:
            status = int(problem.status_code)
            if status in _NO_ENTRY:
                # A wrong or blocked key is the practice's to mend, and says nothing about the mail.
                raise MailerUnavailable(f"SendGrid refused the key ({status})", ambiguous=False) from problem
            if status == 429 or status >= 500:
                raise MailerUnavailable(f"SendGrid answered {status}", ambiguous=status != 429) from problem
            raise MailRejected(status=status, message=_first_message(problem.body)) from problem
        except URLError as problem:
            # Raised until the last byte of the request is out, and never later: no mail can have gone.
            raise MailerUnavailable(f"SendGrid: {problem.reason}", ambiguous=False) from problem
        except (OSError, HTTPException) as problem:
            # Raised while the answer is awaited: what happened to the mail is not known.
            raise MailerUnavailable(f"SendGrid: {type(problem).__name__}", ambiguous=True) from problem
        return str(answer.headers.get("X-Message-Id") or "")


def _document(mail: OutgoingMail) -> dict[str, Any]:
    # Names come from people: whatever the service makes of one, it must not become a line of its own.
    name = one_line(mail.to_name or "")
    recipient = {"email": mail.to} | ({"name": name} if name else {})
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
            "subscription_tracking": {"enable": False},  # links of its own, which would end every mail
        },
    }
    if mail.headers:
        document["headers"] = dict(mail.headers)
    if "List-Unsubscribe" not in mail.headers:
        # Nobody can unsubscribe from these here, so the service's own list must not hold them back either.
        document["mail_settings"] = {"bypass_unsubscribe_management": {"enable": True}}
    if mail.attachments:
        document["attachments"] = [_attachment(each) for each in mail.attachments]
    return document


def _attachment(attachment: Attachment) -> dict[str, str]:
    return {
        "content": base64.b64encode(attachment.content).decode(),
        "filename": attachment.filename,
        "type": _type(attachment.type),
        "disposition": "attachment" if attachment.content_id is None else "inline",
        **({} if attachment.content_id is None else {"content_id": attachment.content_id}),
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
