"""Which games a report shows in full: rules on curves written by hand."""

from pathlib import Path

import pytest

from telephone.report import PlayedGame, Turn
from telephone.report.html.chosen_games import featured, opening_game


def game(name, recalls, distances=None, *, images=None, prompt="a red boat", first="text", outcome="ok"):
    """A game with a share of facts and a distance at each turn; without `images`, all its images differ."""
    distances = distances or [1 - (recall or 0) for recall in recalls]
    turns = [
        Turn(at + 1, f"{name} {recalls[max(0, at - 1)]}", f"{name} {recall}",
             Path(f"{name}-{at if images is None else at % images}.png"), distance=distance, recall=recall)
        for at, (recall, distance) in enumerate(zip(recalls, distances, strict=True))
    ]  # fmt: skip
    turns[-1] = Turn(**(turns[-1].__dict__ | {"outcome": outcome}))
    return PlayedGame(name, prompt, "easy", "t", "i", tuple(turns), first=first)


STEADY = game("steady", [0.9, 0.8, 0.6, 0.5])
SUDDEN = game("sudden", [1.0, 1.0, 0.5, 0.5])
SETTLED = game("settled", [1.0, 1.0, 1.0, 1.0])
LOST = game("lost", [1.0, 0.5, 0.2, 0.0])
LATE = game("late", [0.5, 0.4, 0.3, 0.2])


def test_the_opening_game_starts_right_and_drifts_in_most_steps():
    chosen = opening_game([SETTLED, LATE, LOST, SUDDEN, STEADY])
    assert chosen.game is STEADY
    words = chosen.reason.replace("\u00a0", " ")
    assert "of the 2 games" in words and "(4)" in words  # steady and sudden; four turns lose facts
    assert "90 % of the facts are kept after the first turn, 50 % after the last." in words


@pytest.mark.parametrize(
    "other", [SETTLED, LATE, LOST, game("image", [1.0, 0.8, 0.5], first="image"),
              game("failed", [1.0, 0.8, 0.5], outcome="failed"), game("still", [1.0, 0.9, 0.8, 0.5], images=1)],
)  # fmt: skip
def test_games_that_break_a_condition_are_no_candidates(other):
    chosen = opening_game([other, SUDDEN])
    assert chosen.game is SUDDEN and "the only game" in chosen.reason


def test_the_choice_does_not_depend_on_the_order_of_games():
    games = [SETTLED, LATE, LOST, SUDDEN, STEADY, game("again", [0.9, 0.8, 0.6, 0.5], prompt="a blue boat on a beach")]
    assert opening_game(games).game is opening_game(games[::-1]).game is STEADY


def test_without_facts_the_distance_decides_and_without_drift_it_is_an_average_game():
    none = [None] * 4
    near, far = game("near", none, [0.1, 0.2, 0.3, 0.4]), game("far", none, [0.5, 0.6, 0.8, 0.9])
    flat = game("flat", none, [0.1, 0.1, 0.1, 0.1])
    assert opening_game([flat, far, near]).game is near
    assert "0.10 after the first turn and 0.40 after the last" in opening_game([flat, far, near]).reason
    assert opening_game([flat]).reason == "A game of average distance."
    assert opening_game([game("unscored", none, [None] * 4)]) is None and opening_game([]) is None


def test_featured_games_are_the_liveliest_of_those_that_kept_most_the_middle_and_the_least():
    still = [game(f"still-{n}", [1.0] * 4, images=1, prompt=f"p{n}") for n in range(5)]
    lively = game("lively", [0.5, 1.0, 0.5, 1.0], prompt="lively")
    middle = [game(f"middle-{n}", [0.8, 0.7, 0.6, 0.5], prompt=f"m{n}") for n in range(3)]
    best, median, worst = featured([*still, lively, *middle, LOST])
    assert best.game is lively and best.reason.startswith("One of the 6 games that kept most facts")
    assert median.game.prompt not in (best.game.prompt, worst.game.prompt)
    assert worst.game is LOST and worst.reason == "The game that kept fewest facts"


def test_featured_games_are_of_different_prompts_if_possible():
    games = [game(f"g{n}", [1.0 - n / 10] * 3, prompt="same") for n in range(9)]
    other = game("other", [0.6] * 3, prompt="other")
    assert [each.game.prompt for each in featured([*games, other])][1] == "other"


def test_without_facts_nothing_is_said_to_keep_most():
    none = [None] * 3
    games = [game(f"g{n}", none, [n / 10] * 3, prompt=f"p{n}") for n in range(5)]
    reasons = [each.reason for each in featured(games)]
    assert reasons == ["The game that ended nearest", "The median game",
                       "The game that ended farthest"]  # fmt: skip
    assert featured(()) == () and len(featured(games[:1])) == 1 and len(featured(games[:2])) == 2
