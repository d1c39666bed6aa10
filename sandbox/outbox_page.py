"""The outbox as a page that reads well on a phone: who got which mail, and each mail as its reader sees
it."""

from datetime import datetime
from html import escape

from sandbox.store import Document

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #7778; }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 44rem; padding: 1rem }
h1 { font-size: 1.3rem; margin: .25rem 0 1rem }
a { color: inherit; text-decoration: none }
ul { list-style: none; margin: 0; padding: 0 }
li a, iframe, pre { border: 1px solid var(--line); border-radius: .6rem }
li a { display: block; margin-bottom: .6rem; padding: .7rem .9rem }
li a:hover, li a:focus { border-color: currentColor }
.subject { display: block; font-weight: 600; overflow-wrap: anywhere }
.about { color: GrayText; display: flex; flex-wrap: wrap; font-size: .85rem; gap: 0 .8rem }
.back { display: inline-block; margin-bottom: .5rem; text-decoration: underline }
iframe { background: #fff; height: 75vh; width: 100% }
pre { overflow-x: auto; padding: .8rem; white-space: pre-wrap }
summary { cursor: pointer; margin: .8rem 0 .4rem }
"""


def list_page(mails: list[Document], *, to: str | None) -> str:
    """Newest first. ``mails`` come oldest first."""
    rows = "".join(
        f'<li><a href="/outbox/{escape(mail["id"])}"><span class="subject">{escape(mail["subject"])}</span>'
        f"{_about(mail)}</a></li>"
        for mail in reversed(mails)
    )
    heading = f"Mails to {escape(to)}" if to else "Mails sent"
    body = f"<ul>{rows}</ul>" if rows else "<p>No mail has been sent yet.</p>"
    return page("Outbox", f"<h1>{heading} ({len(mails)})</h1>{body}")


def mail_page(mail: Document) -> str:
    """One mail. Its HTML runs in a frame without scripts; its links open beside it."""
    parts = [
        '<a class="back" href="/">All mails</a>',
        f"<h1>{escape(mail['subject'])}</h1><p>{_about(mail)}</p>",
    ]
    if mail["html"]:
        framed = escape('<base target="_blank">' + _with_pictures(mail), quote=True)
        parts.append(
            '<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" title="The mail" '
            f'srcdoc="{framed}"></iframe>'
        )
    if mail["text"]:
        shown = "" if mail["html"] else " open"
        parts.append(f"<details{shown}><summary>As plain text</summary><pre>{escape(mail['text'])}</pre></details>")
    parts += [
        f"<details><summary>{escape(each['filename'])} ({escape(each['type'])})</summary>"
        f"<pre>{escape(each['content'])}</pre></details>"
        for each in mail["attachments"]
        if "content_id" not in each
    ]
    return page(mail["subject"], "".join(parts))


def _with_pictures(mail: Document) -> str:
    """The HTML with the pictures in it that travel beside it."""
    html = str(mail["html"])
    for each in mail["attachments"]:
        if "content_id" in each:
            html = html.replace(f"cid:{each['content_id']}", f"data:{each['type']};base64,{each['content']}")
    return html


def _about(mail: Document) -> str:
    at = datetime.fromisoformat(mail["sent_at"]).strftime("%Y-%m-%d %H:%M UTC")
    facts = [f"to {mail['to']}", at, mail["template"] or ""]
    facts += [f"with {each['filename']}" for each in mail["attachments"] if "content_id" not in each]
    return '<span class="about">' + "".join(f"<span>{escape(fact)}</span>" for fact in facts if fact) + "</span>"


def page(title: str, body: str) -> str:
    """The page of the stand-ins, around a body of HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
