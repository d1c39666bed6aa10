"""Whether a mail that the practice has worded can go out: all that holds of our own is asked of it.

It is parsed, rendered from everything and from no more than it can count on, and what comes out is looked at.
"""

import re
import traceback
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from jinja2 import TemplateSyntaxError, UndefinedError, meta, nodes

from activities.mail.context import MailContext
from activities.mail.overrides.samples import FULL, NAMES, each_way
from activities.mail.rendering import FILES, MARK, OwnTemplate, RenderedMail, Templates, names_of, render, render_file
from rules.mail.kinds import Mail, kind_of
from rules.mail.shape import addresses_of, html_faults, spoken, subject_faults, time_faults
from rules.mail.terms import Reader

SUBJECT, TEXT, HTML = FILES
_HINTS = get_type_hints(MailContext)
_NAMES = frozenset(_HINTS) | {"mail", "reminder"}
_OF_JINJA = frozenset(("caller", "kwargs", "loop", "self", "super", "varargs"))
_TO_THE_PRACTICE_ITSELF = frozenset((Reader.CARE_TEAM, Reader.WITNESS))
_TEST = "Test client"
_ADDRESS = re.compile(r"https?://\S+")
_ASK_FIRST = "not every such mail has it, so ask first, as in {% if ... is defined %}"


@dataclass(frozen=True, kw_only=True)
class TemplateFault:
    """What is wrong with one file of the practice's; ``line`` where one is to blame."""

    path: Path
    text: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.path}{'' if self.line is None else f', line {self.line}'}: {self.text}"


def faults_of(mail: Mail, templates: Templates) -> list[TemplateFault]:
    """Of one mail: of those of its files that are the practice's own."""
    own = {file: templates.own[name] for file in FILES if (name := f"{mail}/{file}") in templates.own}
    if not own:
        return []
    written = [fault for template in own.values() for fault in _as_written(template, templates)]
    return written or list(dict.fromkeys(_as_rendered(mail, own, templates)))


# ---------------------------------------------------------------- as it is written


def _as_written(template: OwnTemplate, templates: Templates) -> Iterator[TemplateFault]:
    environment, path = templates.environment, template.path
    try:
        tree = environment.parse(template.text)
        environment.compile(template.text)  # only then filters are looked up
    except TemplateSyntaxError as error:
        yield TemplateFault(path=path, line=error.lineno, text=error.message or "it is no template")
        return
    unknown = meta.find_undeclared_variables(tree) - _NAMES - _OF_JINJA - environment.globals.keys() - set(_bound(tree))
    for name in sorted(unknown):
        line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), None)
        yield TemplateFault(path=path, line=line, text=f"there is no {name}; there are {_listed(_NAMES)}")
    for node in tree.find_all(nodes.Getattr):
        whose = node.node.name if isinstance(node.node, nodes.Name) else ""
        known = _parts_of(whose)
        if known and node.attr not in known:
            text = f"{whose} has no {node.attr}; it has {_listed(known)}"
            yield TemplateFault(path=path, line=node.lineno, text=text)
    for number, line_of in enumerate(template.text.splitlines(), start=1):
        if "archiv" in line_of.lower():
            yield TemplateFault(path=path, line=number, text="it speaks of an archive, of which no client is told")


def _bound(tree: nodes.Template) -> Iterator[str]:
    """Names that the template gives itself. Jinja does not see them inside of a block."""
    for bound in tree.find_all((nodes.FromImport, nodes.Import, nodes.Macro, nodes.Name)):
        if isinstance(bound, nodes.FromImport):
            yield from (name if isinstance(name, str) else name[1] for name in bound.names)
        elif isinstance(bound, nodes.Import):
            yield bound.target
        elif isinstance(bound, nodes.Macro) or (isinstance(bound, nodes.Name) and bound.ctx != "load"):
            yield bound.name


def _parts_of(name: str) -> frozenset[str]:
    """What a part of a mail's context has; empty for a plain value, or what is no part."""
    hint = _HINTS.get(name)
    kinds = [kind for kind in (hint, *get_args(hint)) if isinstance(kind, type) and is_dataclass(kind)]
    return frozenset(attribute for kind in kinds[:1] for attribute in _readable(kind))


def _readable(kind: type) -> Iterator[str]:
    yield from (part.name for part in fields(kind))
    yield from (name for name in vars(kind) if not name.startswith("_"))


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


# ---------------------------------------------------------------- as it is rendered


def _as_rendered(mail: Mail, own: Mapping[str, OwnTemplate], templates: Templates) -> Iterator[TemplateFault]:
    for how, context in each_way(mail):
        try:
            rendered = render(mail, context, templates)
        except Exception as error:  # noqa: BLE001 - a template may do anything, and whatever it is stops the mail
            yield _broken(error, how, context, own)
            return
        yield from _of(rendered, mail, context, own)
        if context.test:
            yield from _of_a_test_client(rendered, own)
    yield from _unsaid(mail, own, templates)


def _broken(error: Exception, how: str, context: MailContext, own: Mapping[str, OwnTemplate]) -> TemplateFault:
    """Where a template of the practice's stood when it broke, in whichever template it did."""
    paths = {str(template.path): template.path for template in own.values()}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in paths]
    asks = f"; {_ASK_FIRST}" if isinstance(error, UndefinedError) and context != FULL else ""
    text = f"{str(error) or type(error).__name__}, {how}{asks}"
    if not frames:
        return TemplateFault(path=next(iter(paths.values())), text=text)
    return TemplateFault(path=paths[frames[-1].filename], line=frames[-1].lineno, text=text)


def _of(
    rendered: RenderedMail, mail: Mail, context: MailContext, own: Mapping[str, OwnTemplate]
) -> Iterator[TemplateFault]:
    if SUBJECT in own:
        yield from _each(own[SUBJECT], subject_faults(rendered.subject.removeprefix(MARK), names=NAMES))
    for file, body, addresses in (
        (TEXT, rendered.text, set(_ADDRESS.findall(rendered.text))),
        (HTML, rendered.html, addresses_of(rendered.html)),
    ):
        if file not in own:
            continue
        yield from _each(own[file], time_faults(spoken(body)))
        yield from _each(own[file], _left_out(spoken(body), addresses, mail, context))
    if HTML in own:
        yield from _each(own[HTML], html_faults(rendered.html))
    if own.keys() & {TEXT, HTML} and set(_ADDRESS.findall(rendered.text)) != addresses_of(rendered.html):
        yield TemplateFault(
            path=(own.get(HTML) or own[TEXT]).path, text=f"{TEXT} and {HTML} lead to different addresses"
        )


def _left_out(body: str, addresses: Collection[str], mail: Mail, context: MailContext) -> Iterator[str]:
    """What a reader must find in each body."""
    kind = kind_of(mail)
    if not body:
        yield "it is empty"
    by_card = context.payment is None or context.payment.can_be_paid  # nobody is sent to pay what no card can
    if "link" in kind.parts and by_card and context.link not in addresses:
        yield "it has no {{ link }}, to which its button leads"
    if context.unsubscribe_link and kind.is_stoppable(own_form=True) and context.unsubscribe_link not in addresses:
        yield "it has no {{ unsubscribe_link }}, by which its reader ends such mails"
    if kind.to not in _TO_THE_PRACTICE_ITSELF:
        if context.practice.name not in body:
            yield "it does not say from whom it is: {{ practice.name }}"
        if context.practice.address not in body:
            yield "it has no {{ practice.address }}"


def _of_a_test_client(rendered: RenderedMail, own: Mapping[str, OwnTemplate]) -> Iterator[TemplateFault]:
    for file, body in ((TEXT, rendered.text), (HTML, rendered.html)):
        if file in own and _TEST not in spoken(body):
            text = f"a test client's mail does not say so: {{% if test %}}{_TEST} ...{{% endif %}}"
            yield TemplateFault(path=own[file].path, text=text)


def _unsaid(mail: Mail, own: Mapping[str, OwnTemplate], templates: Templates) -> Iterator[TemplateFault]:
    """A body has all that its kind of mail is for: without it, it could not be rendered."""
    for file in own.keys() & {TEXT, HTML}:
        for part in sorted(kind_of(mail).parts):
            names: dict[str, Any] = names_of(FULL)
            del names[part]
            if _renders(mail, file, names, templates):
                yield TemplateFault(path=own[file].path, text=f"it never says {part}, which such a mail is for")


def _renders(mail: Mail, file: str, names: Mapping[str, Any], templates: Templates) -> bool:
    try:
        render_file(mail, file, names, templates)
    except Exception:  # noqa: BLE001 - it asks for what is not there, whatever that comes to
        return False
    return True


def _each(template: OwnTemplate, faults: Iterator[str]) -> Iterator[TemplateFault]:
    yield from (TemplateFault(path=template.path, text=text) for text in faults)
