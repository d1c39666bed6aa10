"""The kinds of tasks: a stable word, and a label for whoever must look at one."""

from rules.enums import TaskKind


def test_every_kind_has_a_label_of_its_own() -> None:
    labels = [kind.label for kind in TaskKind]
    assert len(set(labels)) == len(labels)
    for label in labels:
        assert label[0].isupper(), label
        assert not label.endswith("."), label
        assert "_" not in label, label


def test_a_kind_is_found_by_the_word_that_is_stored() -> None:
    for kind in TaskKind:
        assert TaskKind(kind.value) is kind
        assert f"{kind}" == kind.value
