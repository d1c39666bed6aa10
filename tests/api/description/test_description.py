"""`/openapi.json` says what a generator and a reader need: names, meanings, examples, refusals."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI

from api.description.glossary import WORDS
from api.description.tags import TAGS
from api.explained.schemas import EXPLAINED, schema_name
from rules.refusals import Problem

Json = dict[str, Any]

VERBS = """
accept activate add advance approve archive ask begin book cancel change check choose close complete confirm
decode download draft encode end get give hold invite join leave list lock make match move open preview propose
publish put read receive record refund refuse release remove renew replace replay request reschedule resend
resolve retry revoke rotate save send set share show sign start take try unarchive unlink unlock unsubscribe
upload verify waive word write
"""


@pytest.fixture(scope="module")
def document(full_app: FastAPI) -> Json:
    return full_app.openapi()


def calls_of(document: Json) -> Iterator[tuple[str, Json]]:
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            yield f"{method.upper()} {path}", call


def fields_of(document: Json) -> Iterator[tuple[str, str, Json]]:
    for model, schema in document["components"]["schemas"].items():
        for field, said in schema.get("properties", {}).items():
            yield model, field, said


def test_each_call_has_a_name_of_its_own_which_begins_with_what_it_does(document: Json) -> None:
    names = Counter(call["operationId"] for _, call in calls_of(document))
    assert [name for name, times in names.items() if times > 1] == []
    verbs = {name.split("_")[0] for name in names}
    assert verbs - set(VERBS.split()) == set()
    assert all("_" in name for name in names)


def test_each_call_has_a_subject_that_is_explained(document: Json) -> None:
    used = {tag for _, call in calls_of(document) for tag in call["tags"]}
    assert used == set(TAGS)


def test_each_call_says_in_a_sentence_who_may_call_and_with_what(document: Json) -> None:
    public = {call for call, said in calls_of(document) if not said["security"] or {} in said["security"]}
    assert {"GET /v1/therapists", "POST /v1/sessions", "GET /healthz"} <= public
    assert not {"GET /v1/clients", "POST /v1/archives", "GET /v1/me"} & public
    assert "site by its key alone" in document["paths"]["/v1/journeys"]["post"]["description"]
    assert all("For " in said["description"] for _, said in calls_of(document))
    assert "pass" in document["paths"]["/v1/clients/{client_id}/offers"]["get"]["description"]


def test_each_post_takes_a_key_and_each_call_of_a_program_says_for_whom(document: Json) -> None:
    for call, said in calls_of(document):
        refs = {one["$ref"].rsplit("/", 1)[-1] for one in said.get("parameters", ()) if "$ref" in one}
        asked_with_a_token = bool(said["security"])
        assert ("IdempotencyKey" in refs) == (asked_with_a_token and call.startswith("POST")), call
        assert ({"OnBehalfOf", "Visitor"} <= refs) == asked_with_a_token, call


def test_each_field_and_parameter_has_a_meaning(document: Json) -> None:
    without = [f"{model}.{field}" for model, field, said in fields_of(document) if "description" not in said]
    assert without == []
    parameters = [one for _, said in calls_of(document) for one in said.get("parameters", ()) if "$ref" not in one]
    assert [one["name"] for one in parameters if "description" not in one] == []


def test_each_value_has_an_example(document: Json) -> None:
    """But for what lists its values, is yes or no, or has parts of its own."""
    plain = {"string", "integer", "number"}
    without = [
        f"{model}.{field}"
        for model, field, said in fields_of(document)
        if any(option.get("type") in plain and "enum" not in option for option in said.get("anyOf", [said]))
        and not any("$ref" in option for option in said.get("anyOf", ()))
        and not {"examples", "const", "enum"} & said.keys()
    ]
    assert without == []


def with_what_it_names(schema: Json, document: Json) -> Json:
    """A schema with the others that it refers to: with all of them, each check would read the whole description."""
    named: dict[str, Json] = {}
    looked_into = [schema]
    while looked_into:
        for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(looked_into.pop())):
            if name not in named:
                named[name] = document["components"]["schemas"][name]
                looked_into.append(named[name])
    return {**schema, "components": {"schemas": named}}


def test_each_example_is_one(document: Json) -> None:
    wrong = []
    for model, field, said in fields_of(document):
        schema = with_what_it_names(said, document)
        for example in said.get("examples", ()):
            try:
                jsonschema_rs.validate(schema, example, validate_formats=True)
            except jsonschema_rs.ValidationError as error:
                wrong.append(f"{model}.{field}: {error.message}")
    assert wrong == []


def test_no_word_is_explained_that_nobody_says(document: Json) -> None:
    said = {f"{model}.{field}" for model, field, _ in fields_of(document)}
    said |= {field for model, field, _ in fields_of(document) if f"{model}.{field}" not in WORDS}
    parameters = {one["name"] for _, call in calls_of(document) for one in call.get("parameters", ()) if "name" in one}
    said |= {name if f"?{name}" not in WORDS else f"?{name}" for name in parameters}
    assert set(WORDS) - said == set()


def test_each_problem_is_explained_and_its_example_is_one(document: Json) -> None:
    assert set(EXPLAINED) == set(Problem)
    for name in Problem:
        schema = document["components"]["schemas"][schema_name(name)]
        for example in schema["examples"]:
            jsonschema_rs.validate(with_what_it_names(schema, document), example)


def test_a_refusal_is_told_apart_by_its_type(document: Json) -> None:
    told = document["paths"]["/v1/clients/{client_id}/appointments"]["post"]["responses"]["409"]
    schema = told["content"]["application/problem+json"]["schema"]
    mapping = schema["discriminator"]["mapping"]
    assert len(schema["oneOf"]) == len(mapping) > 5
    assert mapping["https://care.example/problems/slot-taken"].endswith("/SlotTakenProblem")


def test_each_call_that_can_be_asked_again_tells_of_its_mark(document: Json) -> None:
    marked = {call: said for call, said in calls_of(document) if "304" in said["responses"]}
    assert {"GET /v1/clients/{client_id}", "GET /v1/therapists", "GET /v1/tasks"} <= marked.keys()
    assert not {"GET /v1/me", "GET /v1/sessions", "GET /v1/activations/{token}", "GET /healthz"} & marked.keys()
    for call, said in marked.items():
        assert call.startswith("GET"), call
        refs = {one["$ref"].rsplit("/", 1)[-1] for one in said["parameters"] if "$ref" in one}
        assert "IfNoneMatch" in refs, call
        assert all("ETag" in said["responses"][status]["headers"] for status in ("200", "304")), call
    [feed] = [call for call, said in marked.items() if "Last-Modified" in said["responses"]["200"]["headers"]]
    assert feed == "GET /v1/therapists/{slug}/feed/{secret}.ics"
