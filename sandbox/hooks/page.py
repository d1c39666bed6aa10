"""What a program was told, as a page."""

import json
from html import escape

from sandbox.outbox_page import page
from sandbox.store import Document


def hooks_page(received: list[Document]) -> str:
    """Newest first. They come oldest first."""
    rows = "".join(_row(message) for message in reversed(received))
    body = f"<ul>{rows}</ul>" if rows else "<p>No program has been told of anything yet.</p>"
    return page("Webhooks", f"<h1>Webhooks received ({len(received)})</h1>{body}")


def _row(message: Document) -> str:
    told = message["body"] or {"kind": "Refused: it is not signed as it should be"}
    facts = [message["id"], message["received_at"], f"{message['times']} times" if message["times"] > 1 else ""]
    about = "".join(f"<span>{escape(str(fact))}</span>" for fact in facts if fact)
    shown = escape(json.dumps(told, indent=2))
    return (
        f'<li><details><summary><span class="subject">{escape(str(told["kind"]))}</span>'
        f'<span class="about">{about}</span></summary><pre>{shown}</pre></details></li>'
    )
