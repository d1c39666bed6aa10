"""The questions of a form as inputs, and what was typed as the API takes it: by the type of each field.

Inputs are named ``answers.<name>``, of a group ``answers.<group>.<name>``: so the API names what is wrong with them.
New files are under ``files.<name>``.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from web.sent import Sent

Field = Mapping[str, Any]


def answers_of(fields: Sequence[Field], sent: Sent) -> dict[str, Any]:
    """By name; what was left empty is left out."""
    found = ((field["name"], _answer(field, f"answers.{field['name']}", sent)) for field in fields)
    return {name: answer for name, answer in found if answer is not None}


def _answer(field: Field, name: str, sent: Sent) -> Any:
    match field["type"]:
        case "group":
            inner = ((one["name"], _answer(one, f"{name}.{one['name']}", sent)) for one in field["fields"])
            group = {key: value for key, value in inner if value is not None}
            return group or None
        case "choices" | "file":
            return sent.all(name) or None
        case "agreement":
            return True if sent.get(name) else None
        case "yes_no":
            return {"yes": True, "no": False}.get(sent.get(name))
        case "number" | "scale":
            return _number(sent.get(name))
        case _:
            return sent.get(name) or None


def _number(text: str) -> int | float | str | None:
    """A number where it is one; else as it was typed, for the API to say what is wrong with it."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return text
    if not isfinite(value):
        return text
    return int(value) if value.is_integer() else value


def file_paths(fields: Sequence[Field], before: str = "") -> Iterator[str]:
    """Of the questions that are answered by files: ``scans``, or ``cover.card`` in a group."""
    for field in fields:
        if field["type"] == "file":
            yield f"{before}{field['name']}"
        elif field["type"] == "group":
            yield from file_paths(field["fields"], f"{field['name']}.")


def add_file(answers: dict[str, Any], path: str, file_id: str) -> None:
    """To those that are named there already."""
    *groups, name = path.split(".")
    for group in groups:
        answers = answers.setdefault(group, {})
    answers[name] = [*answers.get(name, ()), file_id]


def asked_if(field: Field, beside: Sequence[Field]) -> str:
    """When a question is asked, in words; ``beside``: those that stand with it."""
    when = field.get("when")
    if not when:
        return ""
    about = next((one for one in beside if one["name"] == when["field"]), None)
    if about is None:
        return ""
    said = " or ".join("ticked" if about["type"] == "agreement" else shown(one) for one in when["is"])
    return f"Only if you answered: {about['label'].rstrip('?:')} - {said}."


def decided_by(field: Field, before: str) -> tuple[str, str]:
    """For the script: the name of the input that decides, and the values that count, a line each."""
    when = field["when"]
    values = ({True: "yes", False: "no"}[one] if isinstance(one, bool) else str(one) for one in when["is"])
    return f"{before}{when['field']}", "\n".join(values)


def shown(answer: Any) -> str:
    """An answer in words."""
    if isinstance(answer, bool):
        return "Yes" if answer else "No"
    if isinstance(answer, list):
        return ", ".join(str(one) for one in answer)
    return "" if answer is None else str(answer)


def read_again(fields: Sequence[Field], answers: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]) -> Any:
    """Question, answer and files of each that was answered, in their order. ``files``: by id."""
    for field in fields:
        answer = answers.get(field["name"])
        match field["type"]:
            case "group" if isinstance(answer, Mapping):
                for label, words, named in read_again(field["fields"], answer, files):
                    yield f"{field['label']}: {label}", words, named
            case "file" if answer:
                yield field["label"], "", [files[one] for one in answer if one in files]
            case "agreement" if answer:
                yield field["label"], "Agreed", []
            case _ if answer is not None:
                yield field["label"], shown(answer), []
