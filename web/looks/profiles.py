"""A therapist's profile as it is typed: licences a line each, languages by their names, the rest ticked."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from web.looks.words import minor_units
from web.sent import Sent

TICKED = ("concerns", "modalities", "insurances")
_LEAST_ROWS, _MORE_ROWS, MOST_ROWS = 3, 2, 100


def licence_rows(profile: Mapping[str, Any] | None, sent: Sent | None) -> list[tuple[str, str]]:
    """State and number, some of them empty: as they were typed, or else as they are."""
    if sent is not None:
        rows = typed_licences(sent)
    elif profile is not None:
        numbers = {one["state"]: one["number"] for one in profile["licences"]}
        rows = [(state, numbers.get(state, "")) for state in (*profile["licensed_in"], *numbers)]
        rows = list(dict.fromkeys(rows))
    else:
        rows = []
    return [*rows, *[("", "")] * max(_MORE_ROWS, _LEAST_ROWS - len(rows))]


def typed_licences(sent: Sent) -> list[tuple[str, str]]:
    """In the order of the page; a row with nothing in it is none."""
    pairs = ((sent.get(f"licence.{row}.state"), sent.get(f"licence.{row}.number")) for row in range(MOST_ROWS))
    return [pair for pair in pairs if any(pair)]


def names_of(codes: Sequence[str], words: Sequence[Mapping[str, Any]]) -> str:
    """``English, Portuguese``"""
    names = {word["code"]: word["name"] for word in words}
    return ", ".join(names.get(code, code) for code in codes)


def slug_of(name: str) -> str:
    """``ana-silva``, where no address was typed."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")


def profile_of(sent: Sent) -> dict[str, Any]:
    """As the API takes it: what is empty and may be is null."""
    licences, limit = typed_licences(sent), sent.get("caseload_limit")
    currency = sent.get("currency")
    return {
        **sent.given("name", "email", "time_zone", "intro_calls"),
        **{name: sent.all(name) for name in TICKED},
        "languages": [word.strip() for word in re.split(r"[,;\n]", sent.get("languages")) if word.strip()],
        "licensed_in": [state for state, _ in licences if state],
        "licences": [{"state": state, "number": number} for state, number in licences if number],
        "credentials": sent.get("credentials") or None,
        "gender": sent.get("gender") or None,
        "zoom_link": sent.get("zoom_link") or None,
        "session_fee": {"amount": minor_units(sent.get("fee"), currency), "currency": currency},
        "accepting_clients": bool(sent.get("accepting_clients")),
        "caseload_limit": int(limit) if limit.isdigit() else limit or None,
    }


def as_named_here(wrong: Mapping[str, str], sent: Sent) -> dict[str, str]:
    """What each field that the API names is called on the page."""
    rows = typed_licences(sent)
    of_states = [row for row, (state, _) in enumerate(rows) if state]
    of_numbers = [row for row, (_, number) in enumerate(rows) if number]
    found = {"session_fee.amount": "fee", "session_fee.currency": "currency", "session_fee": "fee"}
    for name in wrong:
        match = re.fullmatch(r"(licensed_in|licences|languages|concerns|insurances)(?:\[(\d+)\])?(?:\.(\w+))?", name)
        if match is None:
            continue
        field, place, part = match[1], int(match[2] or 0), match[3] or "state"
        if field not in ("licensed_in", "licences"):
            found[name] = field
            continue
        numbers = of_states if field == "licensed_in" else of_numbers
        found[name] = f"licence.{numbers[place] if place < len(numbers) else 0}.{part}"
    return found
