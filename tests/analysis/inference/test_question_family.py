"""The three questions together: by hand, and by how often a battle without differences answers one."""

import numpy as np
import pytest
from analysis_frames import frame, levels
from simulated_battles import equal_models

from telephone.analysis import game_scores, variance_shares
from telephone.analysis.inference.question_family import error_rates, holm_levels, p_of_first, question_family
from telephone.analysis.inference.side_shares import compare_sides


def test_holm_by_hand() -> None:
    found = holm_levels({"t2i": 0.02, "i2t": 0.9, "sides": 0.01})
    # The clearest at 0.05 / 3, the next at 0.05 / 2, and the last at 0.05.
    assert found.levels == pytest.approx({"sides": 0.05 / 3, "t2i": 0.025, "i2t": 0.05})
    # The clearest one fails, so that all are tested at a third.
    assert holm_levels({"t2i": 0.02, "i2t": 0.04, "sides": 0.03}).levels == pytest.approx(
        dict.fromkeys(["t2i", "i2t", "sides"], 0.05 / 3)
    )
    alone = holm_levels({"t2i": 0.04, "i2t": float("nan"), "sides": float("nan")})
    assert alone.levels == {"t2i": 0.05}
    assert alone.level("sides") == 0.05


def test_the_first_of_several_needs_the_largest_p_value() -> None:
    values = np.array([[0.1, 0.4, 0.9]] * 6) + np.array([[0.0, 0.01, 0.0]] * 3 + [[0.0, -0.5, 0.0]] * 3)
    # Against the second one the signs are mixed, against the third all are equal: 2 / 64.
    assert p_of_first(values, low_is_best=True) > 0.3
    assert p_of_first(values[:, [0, 2]], low_is_best=True) == pytest.approx(2 / 64)
    assert p_of_first(values[:, [0, 2]], low_is_best=False) == pytest.approx(2 / 64)
    assert np.isnan(p_of_first(values[:, :1], low_is_best=True))
    assert p_of_first(np.tile([0.5, 0.5], (9, 1)), low_is_best=True) == 1.0


def test_questions_of_games() -> None:
    games = game_scores(frame(lambda d, w, p, _: {"d1": 0.1, "d2": 0.6}[d] + 0.01 * int(p[1:]), levels(9)))
    found = question_family(games)
    assert found.p["t2i"] == pytest.approx(2 / 2**9)
    assert found.p["i2t"] == 1.0
    assert error_rates(games, "t2i", ["easy", "all"])["easy"] == 0.05
    assert error_rates(games, "pair", ["easy", "all"])["all"] == 0.05
    lonely = game_scores(frame(lambda *_: 0.5, levels(9), t2i=["d1"]))
    assert list(question_family(lonely).p) == ["i2t"]


@pytest.mark.parametrize("kind", ["gaussian", "skewed", "ceiling"])
@pytest.mark.parametrize(("drawers", "describers"), [(2, 2), (3, 4)])
@pytest.mark.parametrize("each", [2, 3])
def test_a_battle_of_equal_models_answers_a_question_in_5_of_100_cases(
    kind: str, drawers: int, describers: int, each: int
) -> None:
    generator = np.random.default_rng([drawers, describers, each])
    battles = 80
    answered = 0
    for _ in range(battles):
        tensor = equal_models(generator, kind, (drawers, describers), each)
        cells = tensor.scores[..., 0]
        sides = compare_sides(tensor)
        found = holm_levels({
            "t2i": p_of_first(cells.mean(1).T, True), "i2t": p_of_first(cells.mean(0).T, True),
            "sides": float("nan") if sides is None else sides.p,
        })  # fmt: skip
        answered += any(p <= found.level(question) for question, p in found.p.items())
    # Three standard errors of a rate of 5 % above it.
    assert answered / battles <= 0.123


def test_the_side_with_more_models_is_not_favoured() -> None:
    generator = np.random.default_rng(4)
    found = [compare_sides(equal_models(generator, "gaussian", (2, 6), 25)) for _ in range(60)]
    assert np.mean([each.difference for each in found if each is not None]) == pytest.approx(0, abs=0.004)
    # Without divisors n - 1 it would be more than half of them.
    assert np.mean([each.p <= 0.05 for each in found if each is not None]) <= 0.15


def test_shares_are_tested_at_the_rate_of_their_question() -> None:
    generator = np.random.default_rng(6)
    chance = {(d, w, p): generator.normal(0, 0.05) for d in ("d1", "d2") for w in ("w1", "w2") for p in levels(12)}
    games = game_scores(frame(lambda d, w, p, _: {"d1": 0.1, "d2": 0.2}[d] + chance[d, w, p], levels(12)))
    found, family = variance_shares(games), question_family(games)
    assert found.p == family.p["sides"]
    assert found.significant == (found.p is not None and found.p <= family.level("sides"))
    assert found.low is not None
    assert found.high is not None
    assert found.significant == (found.low > 0 or found.high < 0)
