"""What is different between two wordings of a text: the paragraphs that changed, with the words that came and went."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from markupsafe import Markup, escape

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


def differences(before: str, after: str) -> list[Markup]:
    """One for each place that changed, in order; empty where both say the same."""
    old, new = (text.strip().split("\n\n") if text.strip() else [] for text in (before, after))
    found = []
    for what, first, last, begin, end in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if what != "equal":
            found.append(Markup("").join(_words("\n\n".join(old[first:last]), "\n\n".join(new[begin:end]))))
    return found


def _words(before: str, after: str) -> Iterator[Markup]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    for what, first, last, begin, end in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        gone, come = "".join(old[first:last]), "".join(new[begin:end])
        if what == "equal":
            yield escape(gone)
            continue
        if gone:
            yield Markup("<del>{}</del>").format(gone)
        if come:
            yield Markup("<ins>{}</ins>").format(come)
