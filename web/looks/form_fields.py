"""The questions of a form as inputs, and what was typed as the API takes it: by the type of each field."""

from collections.abc import Mapping, Sequence
from typing import Any

from web.sent import Sent

Field = Mapping[str, Any]


def answers_of(fields: Sequence[Field], sent: Sent) -> dict[str, Any]:
    """By name; what was left empty is left out. Inputs are named ``answers.<name>``, of a group
    ``answers.<group>.<name>``."""
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
    return int(value) if value.is_integer() else value


def shown(answer: Any) -> str:
    """An answer in words."""
    if isinstance(answer, bool):
        return "Yes" if answer else "No"
    if isinstance(answer, list):
        return ", ".join(str(one) for one in answer)
    return "" if answer is None else str(answer)
