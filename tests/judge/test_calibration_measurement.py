"""A calibration is measured on texts whose losses are known, and does not distinguish two wordings of one scene."""

import itertools
import random

import numpy as np
import pytest

from telephone import world
from telephone.judge import calibrate
from telephone.judge.known_losses import known_pairs, lose
from telephone.models import embedder
from telephone.prompts import get_prompts
from telephone.store.similarity_calibration import shipped_calibrations

SUBSETS, SIZE = 100, 10


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_a_pair_keeps_is_exact(lang: str) -> None:
    pairs = known_pairs(12, lang)
    assert {pair.lost for pair in pairs} >= {0, 1, 2}
    for pair in pairs:
        found = world.compare(world.parse(pair.reference), world.parse(pair.text))
        assert (found.recall or 0.0) == pair.kept
        assert (pair.lost == 0) == (pair.kept == 1)
    assert pairs == known_pairs(12, lang)


def test_a_loss_changes_what_it_is_asked_to() -> None:
    scene = world.sample("hard", 3)
    lost = [len(world.compare(scene, lose(scene, 1, random.Random(seed))).kept) for seed in range(40)]
    facts = len(world.atoms(scene))
    assert max(lost) == facts - 1
    assert min(lost) >= facts - 6


def test_the_measurement_of_a_judge() -> None:
    found = calibrate(embedder("fake/embedder"), scenes=16)
    assert found.fingerprint == embedder("fake/embedder").traits().fingerprint
    assert found.languages == ("en",)
    assert found.pairs == len(known_pairs(16))
    assert found.nearer(found.reworded)["nothing"] >= 0.95


def sign_flips(differences: np.ndarray) -> float:
    """The exact p of the paired sign-flip test."""
    signs = np.array(list(itertools.product((-1, 1), repeat=len(differences))))
    return float(np.mean(np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12))


@pytest.mark.slow
@pytest.mark.parametrize("ref", ["use/multilingual", "pocket/clip"])
def test_two_exact_describers_of_other_habits_are_not_ranked(ref: str) -> None:
    """As `oracle/reader?wording=plain` and `?wording=list` behind `oracle/renderer`, on ten of the 100 prompts."""
    prompts = [prompt.text for prompt in get_prompts("pocket-100")]
    judge = embedder(ref)
    curve = shipped_calibrations()[judge.traits().fingerprint]
    start = np.asarray(judge.embed_texts(prompts))
    distances = {}
    for wording in ("plain", "list"):
        rows = np.asarray(judge.embed_texts([world.caption(world.parse(text), "en", wording) for text in prompts]))
        distances[wording] = 1 - (start * rows).sum(1)
    draw = np.random.default_rng(0)
    subsets = [draw.choice(len(prompts), SIZE, replace=False) for _ in range(SUBSETS)]
    crowned = {}
    for name, value in (("distance", np.asarray), ("similarity", curve.similarity)):
        gap = value(distances["plain"]) - value(distances["list"])
        crowned[name] = sum(sign_flips(gap[subset]) <= 0.05 for subset in subsets)
    assert crowned["similarity"] <= 5
    assert crowned["distance"] > 30
