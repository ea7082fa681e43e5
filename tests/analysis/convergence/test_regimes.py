"""Planted regimes of games and lines are found, and lines without one are labelled in few battles."""

import numpy as np
import pandas as pd
import pytest

from telephone.analysis.convergence.regimes import REGIMES, UNKNOWN, game_regimes, line_regimes
from telephone.analysis.convergence.text_space import TextTrajectories

FLOOR = 0.05


def trajectories(paths: list[list[int]], prompts: list[str] | None = None) -> TextTrajectories:
    """Returns games through states whose vectors are orthogonal, but for states above 100, which are near state 0."""
    states = np.array(paths)
    width = 101
    vectors = np.eye(width)
    near = np.eye(width)[:1] + 0.1 * np.eye(width)[1:21]
    vectors = np.vstack([vectors, near / np.linalg.norm(near, axis=1)[:, None]])
    games = pd.DataFrame({
        "game": [f"g{at}" for at in range(len(paths))],
        "prompt_id": prompts or [f"p{at}" for at in range(len(paths))],
        "level": "easy", "t2i_model": "d", "i2t_model": "w", "repeat": 0,
    })  # fmt: skip
    texts = tuple(str(at) for at in range(len(vectors)))
    return TextTrajectories(games, states, texts, vectors, "by hand", np.full_like(states, -1))


@pytest.mark.parametrize(
    ("path", "regime"),
    [
        ([50, 1, 2, 3, 4, 5, 0, 0, 0, 0], "contractive"),
        ([50, 1, 2, 3, 4, 5, 101, 102, 103, 104], "contractive"),  # other words within the floor of state 0
        ([50, 1, 2, 3, 4, 5, 6, 7, 8, 8], "exploratory"),  # one equal pair of texts is no rest
        ([50, 1, 2, 1, 2, 1, 2, 1, 2, 1], "oscillatory"),
        ([50, 1, 2, 3, 1, 3, 2, 1, 2, 3], "oscillatory"),  # returns without a period
        ([50, 1, 2, 3, 4, 5, 6, 7, 8, 9], "exploratory"),
        ([50, 1, 1, 1, 1, 1, 6, 7, 8, 9], "exploratory"),  # it rested and left
        ([1, 1, 1, 1, 1, -1, -1, -1, -1, -1], None),  # it stopped early
        ([50, 1, 1, 1, 1], None),  # too few turns
    ],
)
def test_the_regime_of_a_game(path: list[int], regime: str | None) -> None:
    found = game_regimes(trajectories([path]), FLOOR)
    assert found["regime"].tolist() == ([regime] if regime else [])


def test_a_long_game_is_labelled_by_its_last_quarter() -> None:
    path = [50, *range(1, 41), *range(1, 38), 0, 0, 0]
    assert game_regimes(trajectories([path]), FLOOR)["regime"].tolist() == ["oscillatory"]


def labelled(regimes: dict[str, list[str]]) -> pd.DataFrame:
    """Returns games of lines, by name of the drawer, one a prompt."""
    rows = [
        {"game": f"{line} {at}", "prompt_id": f"p{at}", "level": "easy", "t2i_model": line, "i2t_model": "w",
         "repeat": 0, "regime": regime}
        for line, own in regimes.items() for at, regime in enumerate(own)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_line_is_labelled_where_its_prompts_agree() -> None:
    table = line_regimes(labelled({"a": ["contractive"] * 10, "b": ["contractive"] * 6 + ["exploratory"] * 4}))
    assert table["label"].tolist() == ["contractive", UNKNOWN]
    assert table["contractive"].tolist() == [1.0, 0.6]
    assert table["p_holm"].iloc[0] == pytest.approx(2 * 2 / 2**10)
    assert table["low"].iloc[0] < 0.9 and table["high"].iloc[0] == 1.0


def test_few_prompts_give_no_label() -> None:
    assert line_regimes(labelled({"a": ["contractive"] * 5}))["label"].tolist() == [UNKNOWN]
    assert line_regimes(labelled({"a": ["contractive"] * 6}))["label"].tolist() == ["contractive"]
    assert (
        line_regimes(labelled({"a": ["contractive"] * 6, "b": ["oscillatory"] * 6}))["label"].tolist() == [UNKNOWN] * 2
    )
    assert len(line_regimes(labelled({"a": ["contractive"]}).iloc[:0])) == 0


def test_lines_without_a_regime_are_labelled_in_few_battles() -> None:
    generator = np.random.default_rng(1)
    battles = 250
    wrong = 0
    for _ in range(battles):
        lines = {f"d{line}": list(generator.choice(REGIMES, size=12, p=(0.5, 0.5, 0.0))) for line in range(4)}
        wrong += bool((line_regimes(labelled(lines))["label"] != UNKNOWN).any())
    assert wrong / battles <= 0.05
