"""What the page on accounts says of second factors, against the code."""

import re
from datetime import timedelta
from typing import Any

from api.accounts.factors.enrolling import _BESIDE, _ENROLLING
from api.app import create_app
from rules.accounts.limits import SIGN_INS_WITHIN
from rules.accounts.passkeys import CHALLENGE_TTL, CHALLENGES_OF_VISITOR
from rules.accounts.second_factors import (
    CODES_WITHIN,
    DIGITS,
    ENROLMENT_TTL,
    LONGEST_NAME,
    MOST_CODES,
    MOST_FACTORS,
    RECOVERY_CODES,
    SKEW,
    STEP_SECONDS,
)
from tests.api.conftest import CIPHER, SETTINGS
from tests.docs.pages import ROOT, table, words

PAGE = (ROOT / "docs/accounts.md").read_text()
FACTORS = " ".join(PAGE.partition("## The second factor\n")[2].partition("\n## ")[0].split())
NUMBERS = {"half a minute": 30, "five": 5, "six": 6, "ten": 10, "thirty": 30}


def test_its_numbers_are_those_of_the_code() -> None:
    assert (NUMBERS["thirty"], NUMBERS["half a minute"]) == (STEP_SECONDS, SKEW * STEP_SECONDS)
    assert (NUMBERS["six"], NUMBERS["five"], NUMBERS["ten"]) == (DIGITS, MOST_FACTORS, RECOVERY_CODES)
    assert (NUMBERS["thirty"], timedelta(days=1), timedelta(hours=1)) == (MOST_CODES, CODES_WITHIN, ENROLMENT_TTL)
    for said in (
        "six digits, thirty seconds",
        "wrong by half a minute",
        "of five at most",
        "answers ten `recovery_codes`",
        "thirty in a day",
        "waits for an hour",
    ):
        assert said in FACTORS


def test_its_calls_are_there_with_the_fields_that_it_names() -> None:
    nothing: Any = None
    described = create_app(sessions=nothing, engine=nothing, clock=nothing, settings=SETTINGS, cipher=CIPHER).openapi()
    told = 0
    for said, _ in table(PAGE, "call about second factors", "what"):
        call, *body = words(said)
        method, path = call.split()
        [found] = [known for known in described["paths"] if re.sub(r"\{\w+\}", "<id>", known) == path]
        operation = described["paths"][found][method.lower()]
        told += 1
        if body:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
            fields = described["components"]["schemas"][schema]
            named = dict(re.findall(r'"(\w+)"(?::"\w+")?(\??)', body[0]))
            assert named.keys() == fields["properties"].keys(), call
            assert {name for name, optional in named.items() if not optional} == set(fields.get("required", [])), call
    assert told == 8


def test_the_numbers_of_passkeys_are_those_of_the_code() -> None:
    passkeys = " ".join(PAGE.partition("### Passkeys\n")[2].partition("\n## ")[0].split())
    assert f"at most {LONGEST_NAME} characters" in passkeys
    assert (timedelta(minutes=5), 60, timedelta(minutes=15)) == (CHALLENGE_TTL, CHALLENGES_OF_VISITOR, SIGN_INS_WITHIN)
    assert "good for five minutes" in passkeys
    assert "sixty of them in 15 minutes" in passkeys


def test_what_is_open_while_one_is_set_up() -> None:
    assert f"opens nothing but `{_ENROLLING}`, `{_BESIDE[0]}` and `{_BESIDE[1]}`" in FACTORS
