"""What holds of every mail, whoever worded it: checks of what was rendered. Each answers sentences, and none for a mail
that is as it must be.

A subject stands on locked screens and in shared mailboxes, so it tells nobody what a mail is about. A body tells each
time once, with its zone. HTML asks nobody for anything: whoever was asked would learn that the mail was read.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from html import unescape
from html.parser import HTMLParser

LONGEST_SUBJECT = 180
LONGEST_HTML = 100_000  # longer mails are cut off by some mail programs
TELLING = re.compile(
    "therap|session|intro|counsel|clinic|treat|diagnos|mental|health|anxi|depress|consent|consultation|insur|"
    "patient|archiv|no.show|missed|declin|fail|lost|stolen|fraud|reject",
    re.IGNORECASE,
)
_DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day \d{1,2} [A-Z][a-z]+ \d{4}"
_ZONE = r"[A-Z][^()\d]*(?:UTC[+-]\d\d:\d\d)?"
_TOLD = re.compile(rf"{_DAY}, \d\d:\d\d \({_ZONE}\)")  # as `rules.time_words.local_time` tells it
_CLOCK = re.compile(r"\b\d{1,2}:\d\d\b")
_ACTIVE = frozenset(("base", "embed", "form", "frame", "iframe", "input", "link", "object", "script", "svg", "video"))
_FETCHED = frozenset(("src", "srcset", "background", "poster", "data"))
_REMOTE_STYLE = re.compile(r"url\s*\(|@import", re.IGNORECASE)
_LINK = re.compile(r"(https?|mailto):", re.IGNORECASE)


def spoken(body: str) -> str:
    """What a reader sees of a body: without its addresses and its markup, on one line."""
    shown = re.sub(r"<style>.*</style>|<[^>]*>", " ", body, flags=re.DOTALL)
    return " ".join(re.sub(r"https?://\S+", "", unescape(shown)).split())


def subject_faults(subject: str, *, names: Collection[str]) -> Iterator[str]:
    """``names``: of people, none of which it may say."""
    if not subject.strip():
        yield "it is empty"
    if len(subject) > LONGEST_SUBJECT:
        yield f"it has {len(subject)} signs, and may have {LONGEST_SUBJECT}"
    if found := TELLING.search(subject):
        yield f"it tells what the mail is about: {found.group()!r} in {subject!r}"
    if found_names := [name for name in names if re.search(rf"\b{re.escape(name)}\b", subject)]:
        yield f"it names somebody: {found_names[0]!r} in {subject!r}"
    yield from time_faults(subject)


def time_faults(text: str) -> Iterator[str]:
    """``text``: what is seen of a subject or a body."""
    twice = [told for told, number in Counter(_TOLD.findall(text)).items() if number > 1]
    yield from (f"it tells {told!r} more than once" for told in twice)
    rest = _TOLD.sub("", text)
    if found := _CLOCK.search(rest):
        around = rest[max(found.start() - 30, 0) : found.end() + 10].strip()
        yield f"it tells a time without its zone: {around!r} (say it by `| local_time(time_zone)`)"


def html_faults(html: str) -> Iterator[str]:
    """What a mail program would fetch, run or leave unsaid to whoever sees no pictures."""
    reader = _HtmlReader()
    reader.feed(html)
    reader.close()
    yield from dict.fromkeys(reader.faults)
    if len(html) > LONGEST_HTML:
        yield f"it has {len(html)} signs, and mail programs cut it off after {LONGEST_HTML}"


def addresses_of(html: str) -> set[str]:
    """Where its links lead."""
    reader = _HtmlReader()
    reader.feed(html)
    reader.close()
    return reader.addresses


class _HtmlReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.addresses: set[str] = set()
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        given = {name: value or "" for name, value in attrs}
        if tag in _ACTIVE:
            self.faults.append(f"mail programs show no <{tag}>, or ask somebody for it")
        if tag == "img" and "alt" not in given:
            self.faults.append("a picture has no alt text")
        if tag == "meta" and "refresh" in given.get("http-equiv", "").lower():
            self.faults.append("it leads away by itself (<meta http-equiv=refresh>)")
        for name, value in given.items():
            if name in _FETCHED and not value.startswith("cid:"):
                self.faults.append(
                    f"{value!r} would be fetched when the mail is read: pictures travel with it, as cid:logo"
                )
            elif name.startswith("on"):
                self.faults.append(f"mail programs run no {name}")
            elif name == "style" and _REMOTE_STYLE.search(value):
                self.faults.append(f"a style would fetch something: {value!r}")
            elif name == "href":
                self._link(value)

    def handle_data(self, data: str) -> None:
        if self._in_style and _REMOTE_STYLE.search(data):
            self.faults.append("a style would fetch something")

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"

    def _link(self, address: str) -> None:
        if _LINK.match(address):
            self.addresses.add(address)
        else:
            self.faults.append(f"{address!r} is no web or mail address")
