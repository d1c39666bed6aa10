"""Words of the matching form: what is one, and what is near to what is none."""

import pytest

from rules.clients.vocabulary import FIRST_WORDS, MODALITIES, FormPart, Vocabulary, Word, repeated

WORDS = Vocabulary(
    {
        FormPart.STATES: [Word(code="NJ", name="New Jersey"), Word(code="NY", name="New York")],
        FormPart.LANGUAGES: [
            Word(code=code, name=name)
            for code, name in (
                ("en", "English"),
                ("bfi", "British Sign Language"),
                ("es", "Spanish"),
                ("zh", "Chinese"),
                ("tgx", "Tagish"),
                ("cy", "Welsh"),
            )
        ],
        FormPart.MODALITIES: MODALITIES,
        **FIRST_WORDS,
    }
)


@pytest.mark.parametrize("said", ["NY", " ny ", "Ny"])
def test_a_code_is_a_word_in_any_case(said: str) -> None:
    assert WORDS.find(FormPart.STATES, said) == Word(code="NY", name="New York")


@pytest.mark.parametrize(
    ("part", "said", "nearest"),
    [
        (FormPart.STATES, "New York", ["NY"]),  # a name is no code, and nothing else was meant
        (FormPart.STATES, "new york city", ["NY"]),
        (FormPart.STATES, "US-NY", ["NY"]),
        (FormPart.STATES, "N.Y.", ["NY"]),
        (FormPart.STATES, "Jersey", ["NJ"]),
        (FormPart.LANGUAGES, "English", ["en"]),
        (FormPart.LANGUAGES, "en-US", ["en"]),
        (FormPart.LANGUAGES, "zh_Hans", ["zh"]),
        (FormPart.LANGUAGES, "Spanisch", ["es"]),
        (FormPart.LANGUAGES, "sign language", ["bfi"]),
        (FormPart.LANGUAGES, "x" * 100, []),
        (FormPart.CONCERNS, "anxious", ["anxiety"]),
        (FormPart.CONCERNS, "I cannot sleep", ["sleep"]),
        (FormPart.INSURANCES, "blue cross blue shield", ["Blue Cross"]),
        (FormPart.GENDERS, "non-binary", ["nonbinary"]),
        (FormPart.GENDERS, "x", ["female", "male", "nonbinary"]),  # so few that all can be said
    ],
)
def test_what_is_near(part: FormPart, said: str, nearest: list[str]) -> None:
    assert WORDS.find(part, said) is None
    found = [word.code for word in WORDS.nearest(part, said)]
    assert found[: len(nearest)] == nearest
    assert bool(found) is bool(nearest)
    assert len(found) <= 3


def test_a_word_says_its_name_where_that_is_another() -> None:
    assert str(Word(code="NY", name="New York")) == "NY (New York)"
    assert str(Word(code="anxiety", name="Anxiety")) == "anxiety"


def test_first_words_are_each_there_once_and_have_names() -> None:
    for words in FIRST_WORDS.values():
        assert repeated(words) == []
        assert all(word.name[0].isupper() for word in words)
    assert repeated([Word(code="Sleep", name="a"), Word(code="sleep", name="b")]) == ["sleep"]
