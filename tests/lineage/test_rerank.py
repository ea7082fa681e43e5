"""Best of N: the expectation against a search over all subsets, the choices of ranker and oracle, bad input."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone import models, world
from telephone.core.errors import UsageError
from telephone.lineage.context import LineageContext
from telephone.lineage.rerank import RerankOptions, draw_ranked, expected_best, run, sample_counts
from telephone.lineage.result import Verdict
from telephone.lineage.table_curves import curve_tables
from telephone.models.pocket.clip import PocketClip


@pytest.fixture
def context():
    with LineageContext() as made:
        yield made


def brute_force(scores, values, count):
    """Returns the mean over all subsets of the mean value of the samples with the highest score."""
    found = []
    for subset in combinations(range(len(scores)), count):
        most = max(scores[index] for index in subset)
        found.append(np.mean([values[index] for index in subset if scores[index] == most]))
    return np.mean(found)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1)), min_size=1, max_size=7))
def test_the_expectation_is_that_over_all_subsets(pairs):
    scores, values = zip(*pairs, strict=True)
    counts = list(range(1, len(pairs) + 1))
    found = expected_best(scores, values, counts)
    assert found == pytest.approx([brute_force(scores, values, count) for count in counts])


def test_the_expectation_of_the_oracle_never_falls():
    values = np.random.default_rng(0).random(32)
    curve = expected_best(values, values, sample_counts(32))
    assert (np.diff(curve) > 0).all()
    assert curve[0] == pytest.approx(values.mean())
    assert curve[-1] == values.max()


@pytest.mark.parametrize("counts", [[0], [4], [-1]])
def test_counts_out_of_range(counts):
    with pytest.raises(ValueError, match="do not fit"):
        expected_best([1, 2, 3], [0, 0, 0], counts)


def test_counts_are_the_powers_of_two_and_the_last():
    assert sample_counts(1) == [1]
    assert sample_counts(12) == [1, 2, 4, 8, 12]
    assert sample_counts(32) == [1, 2, 4, 8, 16, 32]


def test_the_rankers_choice_is_that_of_best_of(context):
    drawn = draw_ranked(context, RerankOptions(prompt="a red apple on a beach", samples=3))
    seeds = candidate_seeds_of(0, 3)
    single = models.text2image("pocket/vqgan-clip").generate_images([drawn.texts[0]] * 3, seeds)
    assert [image.tobytes() for image in drawn.images[0]] == [image.tobytes() for image in single]
    (best,) = models.text2image("pocket/vqgan-clip?best_of=3").generate_images(drawn.texts, seeds[:1])
    assert drawn.images[0][int(drawn.scores[0].argmax())].tobytes() == best.tobytes()
    clip = PocketClip()
    score = float((clip.embed_images([best]) @ clip.embed_texts(drawn.texts).T).item())
    assert drawn.scores.max() == pytest.approx(score, abs=1e-3)


def candidate_seeds_of(number, count):
    from telephone.core.seeds import derive
    from telephone.models.best_of import candidate_seeds

    return candidate_seeds(derive("lineage rerank", 0, number), count)


def test_the_curve_of_held_out_prompts(context):
    found = run(context, RerankOptions(n=8, samples=3))
    assert found.verdict in (Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED)
    assert found.measures[0].n == 8
    rows = found.tables["Facts kept by number of samples"]
    assert [(row["chosen by"], row["samples"]) for row in rows] == [
        (name, count) for name in ("ranker", "oracle") for count in (1, 2, 3)
    ]
    assert rows[0]["facts kept"] == rows[3]["facts kept"]
    for ranker, oracle in zip(rows[:3], rows[3:], strict=True):
        assert ranker["facts kept"] <= oracle["facts kept"]
        assert oracle["low"] <= oracle["facts kept"] <= oracle["high"]
    assert len(curve_tables("Facts kept by number of samples", rows)) == 1
    assert len(found.strips) == 3
    assert [cell.title for cell in found.strips[0].cells] == [
        "first", "ranker's choice", "oracle's choice", "ranker's last",
    ]  # fmt: skip


def test_samples_of_a_drawer_without_noise_are_equal(context):
    found = run(context, RerankOptions(n=2, samples=2, model="oracle/renderer"))
    assert found.measures[0].value == 0
    assert found.verdict is Verdict.UNDECIDED


def test_one_sample_leaves_nothing_to_choose(context):
    found = run(context, RerankOptions(n=2, samples=1))
    assert found.verdict is Verdict.UNDECIDED
    assert "raise --samples" in found.reason
    assert found.measures[0].value == 0


@pytest.mark.parametrize("prompt", ["a picture", "a red apple on a beach"])
def test_prompts_of_ones_own_with_and_without_facts(context, prompt):
    found = run(context, RerankOptions(prompt=prompt, samples=2))
    assert found.verdict is Verdict.UNDECIDED
    known = bool(world.atoms(world.parse(prompt)))
    assert (found.measures[1].value is not None) == known
    assert any("No fact" in note for note in found.notes) != known


@pytest.mark.parametrize(
    "options",
    [
        RerankOptions(samples=0),
        RerankOptions(samples=65),
        RerankOptions(prompt="  "),
        RerankOptions(prompt="沙滩上的红苹果", samples=1),
        RerankOptions(level="simple"),
        RerankOptions(n=0),
        RerankOptions(model="pocket/none"),
        RerankOptions(ranker="pocket/blip", n=1, samples=1),
    ],
)
def test_options_that_cannot_be_used(context, options):
    with pytest.raises(UsageError):
        run(context, options)
