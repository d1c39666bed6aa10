"""The mails: which there are, what each needs to know, and how one becomes subject, text and HTML.

A mail is a folder ``templates/email/<name>`` with ``subject.txt``, ``body.txt`` and ``body.html``. Whoever
sends one fills a `MailContext`; parts that a mail does not need stay out. `NEEDS` says which parts a mail
cannot do without: ``render`` refuses a context that lacks one, and the templates refuse names they do not
know, so that no client ever reads a half-empty mail.

Instants are aware datetimes (any zone); they are shown in ``MailContext.time_zone``, which every mail
names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from activities.mail import wording
from rules.mail.plain_text import is_web_address, one_line

TEMPLATE_ROOT = Path(__file__).resolve().parents[2] / "templates" / "email"

_LONGEST_SUBJECT = 180


@dataclass(frozen=True, kw_only=True)
class Links:
    """Every address a mail may point to, in one place. Ids and tokens are quoted; the result has no
    trailing slash.
    """

    public_url: str

    def _page(self, *parts: str) -> str:
        return "/".join((self.public_url.rstrip("/"), *(quote(part, safe="") for part in parts)))

    def booking(self, therapist_slug: str) -> str:
        return self._page("book", therapist_slug)

    def offered_time(self, therapist_slug: str, *, type: str, starts_at: datetime, hold_id: str) -> str:
        """Where a client takes a time that is held for them. ``starts_at``: aware; written in UTC."""
        instant = starts_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        asked = urlencode({"type": type, "starts_at": instant, "hold_id": hold_id})
        return f"{self.booking(therapist_slug)}?{asked}"

    def activation(self, token: str) -> str:
        return self._page("activate", token)

    def sign_in(self) -> str:
        return self._page("sign-in")

    def join(self, token: str) -> str:
        """Joins a new booking to the record that already has this address."""
        return self._page("join", token)

    def unsubscribe(self, token: str) -> str:
        """Ends the reminders to one client at one address."""
        return self._page("unsubscribe", token)

    def forms(self) -> str:
        return self._page("forms")

    def chats(self) -> str:
        """Where a client's messages wait."""
        return self._page("chats")

    def documents(self) -> str:
        return self._page("documents")

    def goals(self) -> str:
        return self._page("goals")

    def card(self) -> str:
        """Where a client gives a new card."""
        return self._page("card")

    def payment(self, payment_id: str) -> str:
        """Where a client confirms or pays one payment."""
        return self._page("payments", payment_id)

    def appointment(self, appointment_id: str) -> str:
        return self._page("appointments", appointment_id)

    def client(self, client_id: str) -> str:
        """A client's page for the practice."""
        return self._page("clients", client_id)

    def task(self, task_id: str) -> str:
        return self._page("tasks", task_id)


@dataclass(frozen=True, kw_only=True)
class Practice:
    """What the practice calls itself, and whom its mails name."""

    name: str
    care_team_email: str
    insurance_email: str


@dataclass(frozen=True, kw_only=True)
class MailTherapist:
    """``licensed_in``: state codes, named where a mail asks the client to check their insurance cover."""

    name: str
    licensed_in: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MailMoney:
    """``amount`` in the currency's minor unit (cents, or whole yen); ``currency`` an ISO code in any case."""

    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class MailAppointment:
    """One appointment as a mail shows it.

    ``type`` and ``mode`` are the words of `rules.enums`. ``fee`` is left out where nothing is owed (intro
    calls). ``outstanding_forms`` are form kinds or titles; they are shown where
    ``complete_forms_in_session`` is set. ``previous_starts_at`` is where a moved appointment was before,
    ``late_fee`` what its late cancellation costs.
    """

    id: str
    type: str
    starts_at: datetime
    ends_at: datetime
    mode: str
    join_url: str | None = None
    fee: MailMoney | None = None
    complete_forms_in_session: bool = False
    outstanding_forms: tuple[str, ...] = ()
    previous_starts_at: datetime | None = None
    late_fee: MailMoney | None = None


@dataclass(frozen=True, kw_only=True)
class MailOffer:
    """A time that is held for a client on the waitlist until ``held_until``.

    ``type`` is a word of `rules.enums`. ``last``: the client's place in line ends if they let it go by.
    """

    type: str
    starts_at: datetime
    ends_at: datetime
    held_until: datetime
    last: bool = False


@dataclass(frozen=True, kw_only=True)
class MailPayment:
    """The payment a mail is about.

    ``total`` is the whole fee, ``credit_used`` and ``card_charged`` its two parts (one may be absent),
    ``kind`` a `rules.words.PaymentKind`. ``reference`` is an opaque id that the client may quote.
    ``paid_at``: once it is paid.
    """

    reference: str
    kind: str
    total: MailMoney
    appointment_starts_at: datetime
    card_charged: MailMoney | None = None
    credit_used: MailMoney | None = None
    card_brand: str | None = None
    card_last4: str | None = None
    paid_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class MailCard:
    """The saved card. It works to the end of its month; ``over``: that has passed."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int
    over: bool = False


@dataclass(frozen=True, kw_only=True)
class MailTask:
    """What the care team must look at: ``title`` names the kind in plain words, ``text`` is one plain
    sentence.
    """

    title: str
    text: str
    client_ref: str | None = None


@dataclass(frozen=True, kw_only=True)
class MailContext:
    """Everything a mail may say. The first four parts belong to every mail; `NEEDS` lists the rest per
    mail.

    ``recipient_name``: how to greet the reader; empty greets nobody by name. ``time_zone``: the reader's
    IANA zone. ``test``: the journey is a test client's; the mail says so. ``link``: where the mail's one
    button leads, made by `Links`. ``link_expires_at``: until when. ``forms``: outstanding form kinds or
    titles. ``unsubscribe_link``: where mails like this one can be ended. ``check_insurance``: ask the client to
    check their cover (the intro call and the first session). ``notice_hours``: the notice window, told with
    a session's confirmation. ``change``: ``"moved"`` or ``"cancelled"``, for the therapist, with
    ``changed_by_client``.
    """

    recipient_name: str
    time_zone: str
    practice: Practice
    test: bool = False

    link: str | None = None
    link_expires_at: datetime | None = None
    unsubscribe_link: str | None = None
    client_name: str | None = None
    therapist: MailTherapist | None = None
    appointments: tuple[MailAppointment, ...] = ()
    forms: tuple[str, ...] = ()
    check_insurance: bool = False
    notice_hours: int | None = None
    change: str | None = None
    changed_by_client: bool = False
    offer: MailOffer | None = None
    payment: MailPayment | None = None
    card: MailCard | None = None
    task: MailTask | None = None


def _needs(*parts: str) -> frozenset[str]:
    return frozenset(parts)


_CONTENT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        # to the client
        "welcome": _needs("link", "link_expires_at"),
        "activation_reminder": _needs("link", "link_expires_at"),
        "booking_confirmation": _needs("therapist", "appointments"),
        "appointment_rescheduled": _needs("therapist", "appointments"),
        "appointment_cancelled": _needs("therapist", "appointments"),
        "appointment_updated": _needs("therapist", "appointments"),
        "appointment_reminder": _needs("therapist", "appointments"),
        "forms_requested": _needs("forms", "link"),
        "forms_reminder": _needs("forms", "link"),
        "goal_reminder": _needs("link"),
        "book_first": _needs("therapist", "link"),
        "book_first_session": _needs("therapist", "link"),
        "slot_offered": _needs("therapist", "offer", "link"),
        "new_message": _needs("link"),
        "receipt": _needs("payment"),
        "payment_failed": _needs("payment", "link"),
        "payment_needs_you": _needs("payment", "link"),
        "card_expiring": _needs("card", "link"),
        "document_shared": _needs("link"),
        "already_known": _needs("link", "link_expires_at"),
        "we_will_get_back": _needs(),
        # to the therapist
        "new_client": _needs("client_name"),
        "appointment_booked": _needs("client_name", "appointments"),
        "appointment_changed": _needs("client_name", "appointments", "change"),
        "client_back": _needs("client_name"),
        "mark_outcome": _needs("client_name", "appointments", "link"),
        "book_next": _needs("client_name", "link"),
        # to the care team
        "task_opened": _needs("task", "link"),
    }
)

TEMPLATES: frozenset[str] = frozenset(_CONTENT)
"""Every mail there is; each is a folder of its own."""

REMINDERS: frozenset[str] = frozenset(
    {
        "activation_reminder",
        "appointment_reminder",
        "forms_reminder",
        "book_first",
        "book_first_session",
        "goal_reminder",
        "document_shared",
        "new_message",
    }
)
"""The mails that an unsubscribed client does not get; each has a link by which to unsubscribe, and the headers for it.

``slot_offered`` is none of them: the client asked for it by joining the waitlist, the time is held for a short
while only, and whoever wants no more of them leaves the waitlist. Nor is ``card_expiring``: it is about a payment that
would fail, and whoever heard of it only then would owe it.
"""

STOPPED_WITH_THEM: frozenset[str] = frozenset({"forms_requested"})
"""Like `REMINDERS`, but only when they ask for a form that the practice has made. The intake forms belong to the
account: without them nothing more can be booked, and they are asked for once, whoever is unsubscribed.
"""

NEEDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {name: parts | (_needs("unsubscribe_link") if name in REMINDERS else _needs()) for name, parts in _CONTENT.items()}
)
"""What each mail cannot do without, by the names of `MailContext`."""


@dataclass(frozen=True, kw_only=True)
class RenderedMail:
    """A mail ready to be sent: the subject is one line, the same is said in plain text and in HTML."""

    subject: str
    text: str
    html: str


class UnknownMail(LookupError):
    """There is no mail of that name."""


class IncompleteMail(ValueError):
    """The context lacks what the mail must say; ``missing`` names the parts, sorted."""

    def __init__(self, template: str, missing: frozenset[str]) -> None:
        self.template = template
        self.missing = tuple(sorted(missing))
        super().__init__(f"the mail {template} needs {', '.join(self.missing)}")


def render(template: str, context: MailContext) -> RenderedMail:
    """Render one mail.

    ``template`` is one of `TEMPLATES`. Raises `UnknownMail`; `IncompleteMail` when a part from `NEEDS` is
    missing; ``jinja2.UndefinedError`` when a template asks for anything the context does not have;
    ``ZoneInfoNotFoundError`` for an unknown time zone. None of these gets better by trying again.
    """
    if template not in TEMPLATES:
        raise UnknownMail(f"there is no mail {template}")
    missing = frozenset(part for part in NEEDS[template] if not getattr(context, part))
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
    stoppable = template in REMINDERS or (template in STOPPED_WITH_THEM and "unsubscribe_link" in names)
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
        local_time=wording.local_time,
        local_date=wording.local_date,
        month_name=wording.month_name,
        minutes=wording.minutes,
        money=wording.money,
        form_title=wording.form_title,
        type_title=wording.type_title,
        payment_title=wording.payment_title,
        greeting=wording.greeting,
        listed=wording.listed,
    )
    environment.tests["web_address"] = is_web_address
    environment.tests["intake_form"] = wording.is_intake_form
    return environment
