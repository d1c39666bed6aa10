"""What the description leaves without a type is listed here, each with its reason; everything else has one."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

Json = dict[str, Any]

_WEBAUTHN = "what WebAuthn defines, for functions of the browser alone"
_QUESTIONS = "answers to questions that the practice words itself: `fields` of the text say what each may be"
_ANY_CALL = "an example of any call there is"
OPEN = {
    "ChallengeToChangeView.passkey_options": _WEBAUTHN,
    "ChallengeView.passkey_options": _WEBAUTHN,
    "NewFactorView.passkey_options": _WEBAUTHN,
    "SecondFactorRequiredProblem.passkey_options": _WEBAUTHN,
    "DraftBody.answers": _QUESTIONS,
    "DraftView.answers": _QUESTIONS,
    "FormBody.answers": _QUESTIONS,
    "WholeFormView.answers": _QUESTIONS,
    "ExampleRequest.body": _ANY_CALL,
    "ProblemView.answer": _ANY_CALL,
}


def test_nothing_is_an_open_object_but_what_is_listed(full_app: FastAPI) -> None:
    schemas = full_app.openapi()["components"]["schemas"]
    found = {
        f"{model}.{field}"
        for model, schema in schemas.items()
        for field, said in schema.get("properties", {}).items()
        if any(_is_open(part) for part in _parts(said))
    }
    assert found == OPEN.keys()
    assert [model for model, schema in schemas.items() if _is_open(schema)] == []


def _parts(said: Json) -> Iterator[Json]:
    yield said
    for word in ("anyOf", "oneOf", "allOf"):
        for option in said.get(word, ()):
            yield from _parts(option)
    for word in ("items", "additionalProperties"):
        if isinstance(said.get(word), dict):
            yield from _parts(said[word])


def _is_open(said: Json) -> bool:
    """An object of which neither a member nor the type of its members is known; or no type at all."""
    if said.get("additionalProperties") is True:
        return True
    if said.get("type") == "object":
        members = said.get("additionalProperties", True)
        return not said.get("properties") and members is True
    return not {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"} & said.keys()
