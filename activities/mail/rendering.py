"""Rendering: how a mail's context becomes subject, text and HTML (Jinja templates).

A mail is a folder ``templates/email/<name>`` with ``subject.txt``, ``body.txt`` and ``body.html``. Its entry in
`rules.mail.kinds` says which parts of the context it cannot do without: ``render`` refuses a context that lacks one,
and the templates refuse names they do not know, so that no client ever reads a half-empty mail.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    FunctionLoader,
    StrictUndefined,
    select_autoescape,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from activities.mail import wording
from activities.mail.context import MailContext
from activities.ports import MailTemplates
from rules import time_words
from rules.mail.kinds import kind_of
from rules.mail.shape import LONGEST_SUBJECT
from rules.mail.terms import Stopped
from rules.money.currencies import in_full
from rules.plain_text import is_web_address, one_line

TEMPLATE_ROOT = Path(__file__).resolve().parents[2] / "templates" / "email"
MARK = "[TEST] "
"""Before the subject of a mail about a test client."""
FILES = ("subject.txt", "body.txt", "body.html")
"""Of each mail."""


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


@dataclass(frozen=True, kw_only=True)
class OwnTemplate:
    """A template of the practice's own, in place of ours: its text, as it was when it was read, and its file."""

    text: str
    path: Path


class Templates:
    """The templates of mails: ours, and in the place of some, by their names such as ``welcome/body.txt``, the
    practice's own. They are read once, so that what was checked is what is mailed."""

    def __init__(self, own: Mapping[str, OwnTemplate] | None = None) -> None:
        self.own = dict(own or {})
        loaders = [FunctionLoader(partial(_own, self.own)), FileSystemLoader(TEMPLATE_ROOT)]
        self.environment = _environment(ChoiceLoader(loaders))


def _own(own: Mapping[str, OwnTemplate], name: str) -> tuple[str, str, Callable[[], bool]] | None:
    found = own.get(name)
    return None if found is None else (found.text, str(found.path), lambda: True)


@cache
def built_in() -> Templates:
    return Templates()


def render(template: str, context: MailContext, templates: MailTemplates | None = None) -> RenderedMail:
    """Render one mail, from our own templates unless others are given.

    ``template`` is the name of a mail. Raises `rules.mail.kinds.UnknownMail`; `IncompleteMail` when a part that its
    kind needs is missing; ``jinja2.UndefinedError`` when a template asks for anything the context does not have;
    ``ZoneInfoNotFoundError`` for an unknown time zone. None of these gets better by trying again.
    """
    missing = frozenset(part for part in kind_of(template).parts if not getattr(context, part))
    if missing:
        raise IncompleteMail(template, missing)
    return render_names(template, names_of(context), templates)


def names_of(context: MailContext) -> dict[str, Any]:
    """The names a template may use: parts that are None are left out, so that using one is an error, not a
    blank.

    Every text is made one clean line first. Names come from public forms: a line break in one must become
    neither a header nor a line that looks like the practice wrote it.
    """
    clean: MailContext = _clean(context)
    values = {part.name: getattr(clean, part.name) for part in fields(clean)}
    return {name: value for name, value in values.items() if value is not None}


def render_names(template: str, names: Mapping[str, Any], templates: MailTemplates | None = None) -> RenderedMail:
    """Render from bare names, with nothing but the templates' own strictness; `render` is what senders
    call.
    """
    subject, text, html = (render_file(template, file, names, templates) for file in FILES)
    if names.get("test"):
        subject = MARK + subject
    return RenderedMail(subject=one_line(subject)[:LONGEST_SUBJECT], text=wording.tidy(text), html=html)


def render_file(template: str, file: str, names: Mapping[str, Any], templates: MailTemplates | None = None) -> str:
    """One of the `FILES` of a mail, as it comes."""
    stopped = kind_of(template).stopped
    stoppable = stopped is Stopped.ALWAYS or (stopped is Stopped.FOR_OWN_FORMS and "unsubscribe_link" in names)
    every = {**names, "mail": template, "reminder": stoppable}
    return (templates or built_in()).environment.get_template(f"{template}/{file}").render(every)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, tuple):
        return tuple(_clean(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{part.name: _clean(getattr(value, part.name)) for part in fields(value)})
    return value


def _environment(loader: BaseLoader) -> Environment:
    # Sandboxed: whoever words mails reaches the values of a mail, and nothing behind them.
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        auto_reload=False,
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
