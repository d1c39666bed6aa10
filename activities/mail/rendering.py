"""Rendering: how a mail's context becomes subject, text and HTML (Jinja templates).

A mail is a folder ``templates/email/<name>`` with ``subject.txt``, ``body.txt`` and ``body.html``. Its entry in
`rules.mail.kinds` says which parts of the context it cannot do without: ``render`` refuses a context that lacks one,
and the templates refuse names they do not know, so that no client ever reads a half-empty mail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from activities.mail import wording
from activities.mail.context import MailContext
from rules import time_words
from rules.mail.kinds import kind_of
from rules.mail.terms import Stopped
from rules.money.currencies import in_full
from rules.plain_text import is_web_address, one_line

TEMPLATE_ROOT = Path(__file__).resolve().parents[2] / "templates" / "email"

_LONGEST_SUBJECT = 180


@dataclass(frozen=True, kw_only=True)
class RenderedMail:
    """A mail ready to be sent: the subject is one line, the same is said in plain text and in HTML."""

    subject: str
    text: str
    html: str


class IncompleteMail(ValueError):
    """The context lacks what the mail must say; ``missing`` names the parts, sorted."""

    def __init__(self, template: str, missing: frozenset[str]) -> None:
        self.template = template
        self.missing = tuple(sorted(missing))
        super().__init__(f"the mail {template} needs {', '.join(self.missing)}")


def render(template: str, context: MailContext) -> RenderedMail:
    """Render one mail.

    ``template`` is the name of a mail. Raises `rules.mail.kinds.UnknownMail`; `IncompleteMail` when a part that its
    kind needs is missing; ``jinja2.UndefinedError`` when a template asks for anything the context does not have;
    ``ZoneInfoNotFoundError`` for an unknown time zone. None of these gets better by trying again.
    """
    missing = frozenset(part for part in kind_of(template).parts if not getattr(context, part))
    if missing:
        raise IncompleteMail(template, missing)
    return render_names(template, names_of(context))


def names_of(context: MailContext) -> dict[str, Any]:
    """The names a template may use: parts that are None are left out, so that using one is an error, not a
    blank.

    Every text is made one clean line first. Names come from public forms: a line break in one must become
    neither a header nor a line that looks like the practice wrote it.
    """
    clean: MailContext = _clean(context)
    values = {part.name: getattr(clean, part.name) for part in fields(clean)}
    return {name: value for name, value in values.items() if value is not None}


def render_names(template: str, names: Mapping[str, Any]) -> RenderedMail:
    """Render from bare names, with nothing but the templates' own strictness; `render` is what senders
    call.
    """
    environment = _environment()
    stopped = kind_of(template).stopped
    stoppable = stopped is Stopped.ALWAYS or (stopped is Stopped.FOR_OWN_FORMS and "unsubscribe_link" in names)
    every = {**names, "mail": template, "reminder": stoppable}
    subject = environment.get_template(f"{template}/subject.txt").render(every)
    if names.get("test"):
        subject = f"[TEST] {subject}"
    return RenderedMail(
        subject=one_line(subject)[:_LONGEST_SUBJECT],
        text=wording.tidy(environment.get_template(f"{template}/body.txt").render(every)),
        html=environment.get_template(f"{template}/body.html").render(every),
    )


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, tuple):
        return tuple(_clean(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{part.name: _clean(getattr(value, part.name)) for part in fields(value)})
    return value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_ROOT),
        # Text is text; only HTML has something to escape.
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        local_time=time_words.local_time,
        local_date=time_words.local_date,
        month_name=time_words.month_name,
        minutes=time_words.minutes,
        money=wording.money,
        in_full=in_full,
        type_title=wording.type_title,
        payment_title=wording.payment_title,
        act_title=wording.act_title,
        factor_change=wording.factor_change,
        greeting=wording.greeting,
        listed=wording.listed,
    )
    environment.tests["web_address"] = is_web_address
    return environment
