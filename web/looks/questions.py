"""The questions of a form as whoever words it sees them: in words, and what is typed into a question's page."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any

from web.sent import Sent

Question = Mapping[str, Any]

TYPES = (
    ("text", "A line", "Up to 200 characters"),
    ("long_text", "A longer text", ""),
    ("yes_no", "Yes or no", ""),
    ("choice", "One of several", "You say what can be chosen"),
    ("choices", "Any of several", "You say what can be chosen"),
    ("scale", "A scale", "Such as 0 (not at all) to 10 (very much)"),
    ("number", "A number", ""),
    ("date", "A date", ""),
    ("file", "Files", "A scan, a letter, a picture"),
    ("agreement", "A tick that agrees", "The form is complete only with it, where it is needed"),
    ("signature", "A typed name", "Beside the signature under the whole form"),
)
TYPE_WORDS: Mapping[str, str] = {code: words for code, words, _ in TYPES} | {"group": "Several that belong together"}
DECIDE = ("yes_no", "agreement", "choice", "choices", "scale")
"""Types whose answers another question may depend on."""
FILES = (
    ("application/pdf", "PDF", ""),
    ("image/jpeg", "Picture (JPEG)", ""),
    ("image/png", "Picture (PNG)", ""),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Word document", ""),
    ("text/plain", "Plain text", ""),
)
_MOST_WORDS: Mapping[str, str] = {
    "text": "At most how many characters",
    "long_text": "At most how many characters",
    "choices": "At most how many of them",
    "number": "At most what number",
    "file": "At most how many files",
}


def most_words(type: str) -> str:
    """What ``most`` means for a question of this type; nothing where it has none, or a scale its own."""
    return _MOST_WORDS.get(type, "")


def possible(about: Question) -> list[tuple[str, str, str]]:
    """The answers of a question that another one may depend on, as choices: each by the name and the answer."""
    answers: Sequence[Any]
    match about["type"]:
        case "yes_no":
            answers = (True, False)
        case "agreement":
            answers = (True,)
        case "scale":
            answers = range(about["least"], about["most"] + 1)
        case _:
            answers = about["options"]
    return [(_answer_name(about["name"], one), _answer_words(about, one), "") for one in answers]


def chosen_of(question: Question | None) -> list[str]:
    """Those of ``possible`` that a question depends on now."""
    when = (question or {}).get("when")
    return [_answer_name(when["field"], one) for one in when["is"]] if when else []


def _answer_name(name: str, answer: Any) -> str:
    return f"{name}={json.dumps(answer, ensure_ascii=False)}"


def _answer_words(about: Question, answer: Any) -> str:
    if isinstance(answer, bool):
        return "Ticked" if about["type"] == "agreement" else "Yes" if answer else "No"
    return str(answer)


def condition_of(ticked: Sequence[str]) -> dict[str, Any] | None:
    """Of the answers that were ticked. Raises NoQuestion where they are answers of several questions, or none."""
    if not ticked:
        return None
    pairs = [one.partition("=") for one in ticked]
    if len({name for name, _, _ in pairs}) > 1:
        raise NoQuestion("when", "tick answers of one question alone")
    try:
        return {"field": pairs[0][0], "is": [json.loads(answer) for _, _, answer in pairs]}
    except ValueError:
        raise NoQuestion("when", "tick answers that stand there") from None


class NoQuestion(ValueError):
    """What was typed is none: ``field`` is wrong, ``message`` says how."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def question_of(known: Question | None, sent: Sent, *, name: str, type: str) -> dict[str, Any]:
    """As the API takes it. ``known``: as it was, of which a group keeps its inner questions. Raises NoQuestion
    where it asks nothing, or has a condition that is none."""
    if not sent.get("label"):
        raise NoQuestion("label", "say what is asked")
    found: dict[str, Any] = {"name": name, "label": sent.get("label"), "type": type}
    found["required"] = bool(sent.get("required"))
    if type in ("choice", "choices"):
        found["options"] = [line.strip() for line in sent.get("options").splitlines() if line.strip()]
    for bound in ("least", "most"):
        if sent.get(bound):
            found[bound] = _whole(sent.get(bound))
    if type == "scale":
        found |= sent.given("least_label", "most_label")
    if type == "file" and sent.all("accepts"):
        found["accepts"] = sent.all("accepts")
    if type == "group" and known is not None:
        found["fields"] = known["fields"]
    condition = condition_of(sent.all("when"))
    return found | ({"when": condition} if condition else {})


def _whole(text: str) -> int | str:
    """As it was typed where it is no number, for the API to say so."""
    return int(text) if re.fullmatch(r"-?\d{1,12}", text) else text


def name_for(label: str, taken: set[str]) -> str:
    """What the answer is kept under: from the first words of the question, and like no other."""
    name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:30].strip("_") or "question"
    name = name if name[0].isalpha() else f"q_{name}"
    return next(each for each in chain([name], (f"{name}_{number}" for number in count(2))) if each not in taken)


def changes(before: Sequence[Question], after: Sequence[Question]) -> Iterator[str]:
    """What happened to the questions, a sentence each."""
    old, new = ({one["name"]: one for one in questions} for questions in (before, after))
    for name, one in new.items():
        if name not in old:
            yield f"New: {one['label']}"
        elif one != old[name]:
            yield f"Changed: {one['label']}"
    for name, one in old.items():
        if name not in new:
            yield f"Taken out: {one['label']}"
    kept = [name for name in old if name in new]
    if kept != [name for name in new if name in old]:
        yield "They stand in another order."
