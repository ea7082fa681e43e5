"""Turns that repeat another are shown once, with their number; turns that differ are all kept."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone.report import PlayedGame, Turn, film_strip
from telephone.report.turn_spans import turn_spans


def game(*turns: tuple[str, str, str]) -> PlayedGame:
    """A game from texts before and after and the names of images, one triple for each turn."""
    made = [Turn(at, before, after, Path(image)) for at, (before, after, image) in enumerate(turns, 1)]
    return PlayedGame("000000", "p", "easy", "t", "i", tuple(made))


CHANGE = ("p", "a", "1.png")


@pytest.mark.parametrize(
    ("turns", "spans"),
    [
        ([CHANGE], [("Turn 1", "")]),
        ([CHANGE, *[("a", "a", "2.png")] * 3], [("Turn 1", ""), ("Turns 2 to 4", "3 turns, all the same")]),
        ([CHANGE, *[("a", "a", "2.png")] * 2], [("Turn 1", ""), ("Turns 2 to 3", "2 turns, all the same")]),
        ([CHANGE, ("a", "a", "2.png"), ("a", "a", "3.png")], [("Turn 1", ""), ("Turn 2", ""), ("Turn 3", "")]),
        (
            [CHANGE, ("a", "a", "2.png"), ("a", "a", "3.png"), ("a", "a", "2.png"), ("a", "b", "2.png")],
            [("Turn 1", ""), ("Turns 2 to 4", "3 turns: the same texts, 2 images"), ("Turn 5", "")],
        ),
    ],
)
def test_spans_by_hand(turns, spans):
    assert [(span.label, span.note) for span in turn_spans(game(*turns))] == spans


def test_failed_and_missing_descriptions_are_never_collapsed():
    failed = Turn(2, "a", None, Path("2.png"), "failed", "why")
    played = PlayedGame("000000", "p", "easy", "t", "i", (Turn(1, "a", None, Path("2.png")), failed, failed))
    assert [span.label for span in turn_spans(played)] == ["Turn 1", "Turn 2", "Turn 2"]


triples = st.tuples(st.sampled_from("ab"), st.sampled_from("ab"), st.sampled_from(["1.png", "2.png"]))


@given(st.lists(triples, max_size=12))
def test_spans_are_the_turns_in_order_and_hide_no_change_of_a_text(turns):
    played = game(*turns)
    spans = turn_spans(played)
    assert tuple(turn for span in spans for turn in span.turns) == played.turns
    assert all(
        (turn.before, turn.after) == (span.first.before, span.first.after) for span in spans for turn in span.turns
    )


def test_a_strip_of_a_settled_game_is_as_narrow_as_its_changes():
    settled = film_strip(game(CHANGE, *[("a", "a", "2.png")] * 9))
    assert settled.width == film_strip(game(CHANGE, ("a", "a", "2.png"))).width
    assert settled.height > film_strip(game(CHANGE, ("a", "a", "2.png"))).height  # the line with the number of turns
