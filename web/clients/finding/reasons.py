"""Why a therapist was suggested, as the client reads it: in the words of the form, not in those of the scoring."""

from collections.abc import Mapping
from typing import Any

Words = Mapping[str, Mapping[str, str]]  # names by list and code


def why(
    answers: Mapping[str, Any], therapist: Mapping[str, Any], scores: Mapping[str, float], words: Words
) -> tuple[list[str], list[str]]:
    """What fits, and what does not fit as well, each a sentence. What was left out is no reason. ``scores``: by factor,
    of 1."""
    fits: list[str] = []
    less: list[str] = []
    concerns = answers.get("concerns") or ()
    helped = [_small(words["concerns"][code]) for code in concerns if code in therapist["concerns"]]
    others = [_small(words["concerns"][code]) for code in concerns if code not in therapist["concerns"]]
    if helped:
        fits.append(f"Helps with {_and(helped)}.")
    if others:
        less.append(f"Does not name {_and(others)} among what they work with most.")
    if times := answers.get("preferred_times"):
        met = round(scores.get("preferred_times", 0) * len(times))
        if met == len(times):
            fits.append("Works at the times that suit you." if met > 1 else "Works at the time that suits you.")
        elif met:
            fits.append(f"Works at {met} of the {len(times)} times that suit you.")
        else:
            less.append("Does not work at the times that suit you.")
    if languages := answers.get("languages"):
        speaks = languages[0] in therapist["languages"]
        (fits if speaks else less).append(
            f"{'Speaks' if speaks else 'Does not speak'} {words['languages'].get(languages[0], languages[0])}."
        )
    if insurance := answers.get("insurance"):
        takes = insurance in therapist["insurances"]
        (fits if takes else less).append(
            f"{'Takes' if takes else 'Does not take'} {words['insurances'].get(insurance, insurance)}."
        )
    return fits, less


def _small(name: str) -> str:
    """In a sentence: ``anxiety``, but ``OCD``."""
    return name if name.isupper() else f"{name[0].lower()}{name[1:]}"


def _and(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
