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


def typed_languages(sent: Sent) -> list[str]:
    return [word.strip() for word in re.split(r"[,;\n]", sent.get("languages")) if word.strip()]


def codes_of(typed: Sequence[str], words: Sequence[Mapping[str, Any]]) -> list[str]:
    """By name or code, in whatever letters; what is neither stays as it was typed, for the API to say so."""
    codes = {word[called].casefold(): word["code"] for called in ("name", "code") for word in words}
    return [codes.get(word.casefold(), word) for word in typed]


def profile_of(sent: Sent, languages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """As the API takes it: what is empty and may be is null. ``languages``: the words that there are."""
    licences, limit = typed_licences(sent), sent.get("caseload_limit")
    currency = sent.get("currency")
    return {
        **sent.given("name", "email", "time_zone", "intro_calls"),
        **{name: sent.all(name) for name in TICKED},
        "languages": codes_of(typed_languages(sent), languages),
        "licensed_in": [state for state, _ in licences if state],
        "licences": [{"state": state, "number": number} for state, number in licences if number],
        "credentials": sent.get("credentials") or None,
        "gender": sent.get("gender") or None,
        "zoom_link": sent.get("zoom_link") or None,
        "session_fee": {"amount": minor_units(sent.get("fee"), currency), "currency": currency},
        "accepting_clients": bool(sent.get("accepting_clients")),
        "caseload_limit": int(limit) if limit.isdecimal() else limit or None,
    }


def wrong_here(wrong: Mapping[str, str], sent: Sent) -> list[tuple[str, str]]:
    """What the API says is wrong, by the names of the page's inputs; a language with what was typed."""
    return [_wrong_here(name, message, sent) for name, message in wrong.items()]


def _wrong_here(name: str, message: str, sent: Sent) -> tuple[str, str]:
    match = re.fullmatch(r"(\w+)(?:\[(\d+)\])?(?:\.(\w+))?", name)
    field, place, part = (match[1], int(match[2] or 0), match[3] or "") if match else (name, 0, "")
    match field:
        case "session_fee":
            return ("currency" if part == "currency" else "fee"), message
        case "languages":
            typed = typed_languages(sent)
            return field, f"{typed[place]} {message}" if place < len(typed) else message
        case "licensed_in" | "licences":
            only = 0 if field == "licensed_in" else 1  # which lines of the page have one
            rows = [row for row, pair in enumerate(typed_licences(sent)) if pair[only]]
            return f"licence.{rows[place] if place < len(rows) else 0}.{part or 'state'}", message
    return field, message
