"""The pages: where a person consents, and a calendar in which events are put by hand. Plain HTML, no script."""

from collections.abc import Mapping
from html import escape

from sandbox.calendars.vendors import Vendor
from sandbox.store import Document

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 40rem; padding: 1rem }
label { display: block; margin: .8rem 0 }
input, select, button { font: inherit; padding: .4rem .6rem }
li { margin: .4rem 0 }
li form { display: inline }
.wrong { border-left: .3rem solid #c33; padding-left: .7rem }
"""
_SHOWN = {"busy": "Busy", "tentative": "Tentative", "oof": "Away", "elsewhere": "Working elsewhere", "free": "Free"}


def consent_page(vendor: Vendor, asked: Mapping[str, str]) -> str:
    """``asked``: the query that the browser came with, which the form sends along."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name, quote=True)}" value="{escape(value, quote=True)}">'
        for name, value in asked.items()
    )
    scopes = "".join(f"<li><code>{escape(scope)}</code></li>" for scope in asked["scope"].split())
    body = (
        f"<h1>{escape(vendor.name)}</h1><p>A program wants to see:</p><ul>{scopes}</ul>"
        f'<form method="post">{hidden}'
        f'<label>Account <input name="account" value="{escape(vendor.account, quote=True)}" required></label>'
        '<button name="answer" value="allow">Allow</button> '
        '<button name="answer" value="allow_nothing">Allow, but not the calendar</button> '
        '<button name="answer" value="deny">Deny</button></form>'
    )
    return page(f"{vendor.name}: consent", body)


def calendar_page(vendor: Vendor, events: list[Document], *, wrong: str | None = None) -> str:
    rows = "".join(_row(vendor, event) for event in events)
    complaint = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    options = "".join(f'<option value="{value}">{label}</option>' for value, label in _SHOWN.items())
    body = (
        f"<h1>The calendar at {escape(vendor.name)}</h1>{complaint}"
        f"{f'<ul>{rows}</ul>' if rows else '<p>Nothing is in it.</p>'}"
        '<h2>Put an event in</h2><form method="post">'
        f'<label>Account <input name="account" value="{escape(vendor.account, quote=True)}"></label>'
        '<label>Title, which the practice never learns <input name="title" value="Dentist"></label>'
        '<label>From (UTC) <input name="starts" type="datetime-local" required></label>'
        '<label>To (UTC) <input name="ends" type="datetime-local" required></label>'
        f'<label>Shown as <select name="shown">{options}</select></label>'
        "<button>Put it in</button></form>"
    )
    return page(f"{vendor.name}: calendar", body)


def _row(vendor: Vendor, event: Document) -> str:
    when = (
        f"{event['starts']} to {event['ends']}" if event["starts"] else f"{event['first_day']} to {event['last_day']}"
    )
    more = [_SHOWN[event["shown"]], event["account"]]
    more += [word for word in ("cancelled", "declined") if event[word]]
    more += [f"{event['weeks']} weeks"] if event["weeks"] > 1 else []
    return (
        f"<li>{escape(event['title'] or '(no title)')}: {escape(when)} ({escape(', '.join(more))}) "
        f'<form method="post" action="/{vendor.key}/calendar/{event["id"]}/remove"><button>Remove</button></form></li>'
    )


def page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
