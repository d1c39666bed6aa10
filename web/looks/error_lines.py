"""What the summary of errors says, read from the page it stands on: its fields by their own labels, in their order."""

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import NamedTuple

_INPUTS = ("input", "select", "textarea")
_VOID = ("input", "br", "img", "hr", "meta", "link")


class ErrorLine(NamedTuple):
    target: str
    """The id of the field; empty where the page does not have it."""
    text: str


def slug(name: str) -> str:
    """The id of a field: ``answers-days-0``."""
    return name.replace(".", "-").replace("[", "-").replace("]", "")


def error_lines(content: str, errors: Mapping[str, str]) -> list[ErrorLine]:
    """``content``: the page below the summary. ``errors``: what is wrong, by the name of the field."""
    page = _Page()
    page.feed(content)
    places = {name: place for place, name in enumerate(page.order)}
    known = [name for name in errors if slug(name) in places]
    lines = [ErrorLine(slug(name), _said(page.label(slug(name)) or _told(name), errors[name])) for name in known]
    lines.sort(key=lambda line: places[line.target])
    return lines + [ErrorLine("", _said(_told(name), errors[name])) for name in errors if name not in known]


def _told(name: str) -> str:
    """For a field without a label of the page's own: ``starts_at`` as "Starts at"."""
    return name.rpartition(".")[2].replace("_", " ").capitalize()


def _said(label: str, message: str) -> str:
    return f"{label.rstrip(':')}: {message}"


class _Page(HTMLParser):
    """Ids in their order; what labels and legends say of them."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []
        self._labels: dict[str, str] = {}
        self._within: dict[str, str] = {}  # an input's id: that of its fieldset
        self._fieldsets: list[str] = []
        self._open: str | None = None  # whose words are being read
        self._left_out = 0  # tags deep in what is no part of a label

    def label(self, target: str) -> str:
        own = self._labels.get(target, "")
        around = self._labels.get(self._within.get(target, ""), "")
        return ": ".join(" ".join(part.split()) for part in (around, own) if part)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        target = given.get("id") or ""
        if target:
            self.order.append(target)
        if tag == "fieldset":
            self._fieldsets.append(target or f"fieldset {len(self.order)} {self.getpos()}")
        if tag in _INPUTS and target and self._fieldsets:
            self._within[target] = self._fieldsets[-1]
        classes = (given.get("class") or "").split()
        if tag == "legend" and self._fieldsets and "hidden-text" not in classes:
            self._open = self._fieldsets[-1]
        elif tag == "label" and given.get("for"):
            self._open = given["for"]
        elif tag == "h2" and target:
            self._open = target
        elif self._open and tag not in _VOID and (self._left_out or {"quiet", "hint", "hidden-text"} & set(classes)):
            self._left_out += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "fieldset" and self._fieldsets:
            self._fieldsets.pop()
        if tag in ("legend", "label", "h2"):
            self._open, self._left_out = None, 0
        elif self._left_out:
            self._left_out -= 1

    def handle_data(self, data: str) -> None:
        if self._open and not self._left_out:
            self._labels[self._open] = self._labels.get(self._open, "") + data
