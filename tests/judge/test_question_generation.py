"""Questions from prompts by rules: worked by hand for a few, and never out of order for any."""

from hypothesis import given
from hypothesis import strategies as st

from telephone.judge.question_generation import MOST, generate_questions, parse_yes_no

WORDS = ("a", "the", "two", "red", "cat", "on", ",", ".", "is", "running", "of", "it")


def test_a_prompt_by_hand() -> None:
    asked = generate_questions("A photo of a black cat sitting on a red chair.")
    assert [(each.text, each.parents) for each in asked] == [
        ("Is there a cat in the picture?", ()),
        ("Is the cat black?", (0,)),
        ("Is there a chair in the picture?", ()),
        ("Is the chair red?", (2,)),
        ("Is the cat on the chair?", (0, 2)),
    ]
    assert [each.kind for each in asked] == ["object", "attribute", "object", "attribute", "relation"]


def test_counts_and_plurals() -> None:
    texts = [each.text for each in generate_questions("two dogs and three small birds under an old oak tree")]
    assert "Are there exactly 2 dogs in the picture?" in texts
    assert "Are the birds small?" in texts
    assert "Are the birds under the tree?" in texts
    assert "Are the dogs under the tree?" not in texts


def test_what_happens_is_no_thing() -> None:
    words = [
        each.words
        for each in generate_questions("A space capsule docked in the evening. A bluebird is perched on a branch.")
    ]
    assert "capsule" in words
    assert not [each for each in words if "docked" in each or "perched" in each]


@given(st.text(max_size=200) | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_any_text_gives_questions_in_order(text: str) -> None:
    asked = generate_questions(text)
    assert len(asked) <= MOST
    for number, each in enumerate(asked):
        assert all(parent < number for parent in each.parents)
        assert all(asked[parent].kind == "object" for parent in each.parents)
        assert each.text.endswith("?")


def test_answers() -> None:
    assert [parse_yes_no(each) for each in ("Yes.", " no, there is none", "*Yes*", "Perhaps", "", "Nothing")] == [
        True, False, True, None, None, None,
    ]  # fmt: skip
