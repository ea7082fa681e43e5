"""The selection of the pocket sets: its estimate of the spread between models, and its choice of varied scenes."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from telephone.prompts.candidates import CATEGORIES, candidate


@pytest.fixture
def selection(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import select_prompts  # noqa: PLC0415

    for name in ("select_prompts", "one_hop_facts"):
        sys.modules.pop(name)
    return select_prompts


@pytest.mark.parametrize("spread", [0.0, 0.1])
@pytest.mark.parametrize("noises", [2, 3])
def test_the_variance_between_models_is_estimated_without_bias(
    selection: ModuleType, spread: float, noises: int
) -> None:
    random = np.random.default_rng(7)
    models = random.normal(0.7, spread, (4000, 4, 1))
    kept = models + random.normal(0.0, 0.15, (4000, 4, noises))
    found = [selection.between(each) for each in kept]
    assert np.mean(found) == pytest.approx(spread**2, abs=0.0015)


def test_the_choice_prefers_spread_and_avoids_repetition(selection: ModuleType) -> None:
    random = np.random.default_rng(3)
    scenes = [candidate(category, seed) for category in CATEGORIES for seed in range(20)]
    measured = [selection.Measured(scene, random.random((3, 2)), random.random((4, 2))) for scene in scenes]
    chosen = selection.choose(measured, 25)
    assert len({each.scene.text for each in chosen}) == 25
    assert np.mean([each.spread for each in chosen]) > np.mean([each.spread for each in measured])
    assert len({each.scene.category for each in chosen}) >= 8
    assert chosen == selection.choose(measured[::-1], 25)  # the order of the candidates decides nothing


def test_a_prompt_on_which_one_side_is_equal_does_not_distinguish(selection: ModuleType) -> None:
    scene, same, other = candidate("any", 0), np.full((3, 2), 0.8), np.linspace(0, 1, 8).reshape(4, 2)
    assert not selection.Measured(scene, same, other).distinguishes
    assert selection.Measured(scene, same, other).loss == pytest.approx(1 - 0.8 * 0.5)
