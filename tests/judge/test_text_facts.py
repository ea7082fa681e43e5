"""Facts counted by hand, and what cannot be counted."""

import pytest

from telephone.core.errors import WorldError
from telephone.judge import Case, TextFactsScorer, count_facts
from telephone.store import Score

PROMPT = "A small red apple and a blue dog, on a beach."
"""Six facts: the beach; apple, red, small; dog, blue."""


def judged(prompt: str | None, text: str) -> dict[str, Score]:
    scores = TextFactsScorer().score([Case("s", "r", text, prompt)])
    assert {(score.subject, score.reference) for score in scores} == {("s", "r")}
    return {score.kind: score for score in scores}


def test_counted_by_hand() -> None:
    found = judged(PROMPT, "A green apple and a star, on a beach at night.")
    # Kept: beach, apple. Wrong: red (green). Missing: small, dog, blue. Invented: night, star.
    assert {name: score.value for name, score in found.items()} == {
        "facts_recall": 2 / 6,
        "facts_precision": 2 / 5,
        "facts_kept": 2,
        "facts_wrong": 1,
        "facts_missing": 3,
        "facts_invented": 2,
    }
    detail = found["facts_recall"].detail
    assert detail["by_attribute"] == {
        "colour": {"kept": 0, "wrong": 1, "missing": 1, "invented": 0},
        "kind": {"kept": 1, "wrong": 0, "missing": 1, "invented": 1},
        "setting": {"kept": 1, "wrong": 0, "missing": 0, "invented": 0},
        "size": {"kept": 0, "wrong": 0, "missing": 1, "invented": 0},
        "time": {"kept": 0, "wrong": 0, "missing": 0, "invented": 1},
    }
    assert detail["unknown"] == []


def test_the_prompt_itself_keeps_all() -> None:
    assert {name: score.value for name, score in judged(PROMPT, PROMPT).items()} == {
        "facts_recall": 1.0,
        "facts_precision": 1.0,
        "facts_kept": 6,
        "facts_wrong": 0,
        "facts_missing": 0,
        "facts_invented": 0,
    }


def test_strange_words_of_a_description_are_told_and_do_not_hide_the_rest() -> None:
    found = judged(PROMPT, "A dragon beside a red apple.")
    assert found["facts_kept"].value == 2
    assert found["facts_recall"].detail["unknown"] == ["dragon", "beside"]


def test_a_description_without_facts_keeps_none_and_has_no_precision() -> None:
    found = judged(PROMPT, "Nothing at all.")
    assert found["facts_recall"].value == 0.0
    assert found["facts_precision"].value is None
    assert found["facts_precision"].unscored == "The description states no facts."


@pytest.mark.parametrize(
    ("prompt", "why"),
    [
        ("A red apple on a wooden table.", "does not know these words of the prompt: wooden, table"),
        ("Nothing.", "The prompt states no facts"),
        (None, "The prompt is an image"),
    ],
)
def test_unscored_is_not_zero(prompt: str | None, why: str) -> None:
    found = judged(prompt, "A red apple.")
    assert list(found) == ["facts_recall"]
    assert found["facts_recall"].value is None
    assert why in found["facts_recall"].unscored


def test_facts_of_two_texts() -> None:
    assert count_facts(PROMPT, PROMPT).comparison.recall == 1.0
    with pytest.raises(WorldError, match="does not know these words of the prompt: dragon"):
        count_facts("A red dragon.", "A red apple.")


def test_the_fingerprint_is_that_of_the_reader() -> None:
    assert len(TextFactsScorer().row.fingerprint) == 64
    assert TextFactsScorer().row.fingerprint == TextFactsScorer().row.fingerprint
