"""Linear probes: the optimum of the loss, few-shot subsets, a run against chance, bad input."""

import numpy as np
import pytest
import torch

from telephone.core.errors import UsageError
from telephone.lineage.context import LineageContext
from telephone.lineage.probe import ProbeOptions, fit_probe, run
from telephone.lineage.zero_shot import class_sentences


def clusters(classes, each, seed=0):
    random = np.random.default_rng(seed)
    labels = np.arange(classes * each) % classes
    return np.eye(classes, 7)[labels] + random.normal(0, 0.1, (len(labels), 7)), labels


def test_the_probe_is_the_minimum_that_autograd_finds():
    vectors, labels = clusters(3, 8)
    penalty = 0.05
    found = fit_probe(vectors, labels, 3, penalty)
    x = torch.from_numpy((vectors - found.centre) / found.spread)
    weights = torch.from_numpy(found.weights).requires_grad_()
    bias = torch.from_numpy(found.bias).requires_grad_()
    entropy = torch.nn.functional.cross_entropy(x @ weights.T + bias, torch.from_numpy(labels))
    (entropy + penalty / 2 * (weights**2).sum()).backward()
    assert weights.grad.abs().max() < 1e-4
    assert bias.grad.abs().max() < 1e-4


def test_separate_clusters_are_learned_and_a_penalty_shrinks_the_weights():
    vectors, labels = clusters(4, 6)
    unseen, truth = clusters(4, 20, seed=1)
    probe = fit_probe(vectors, labels, 4, 1e-3)
    assert (probe.scores(unseen).argmax(1) == truth).mean() > 0.95
    assert np.abs(fit_probe(vectors, labels, 4, 10.0).weights).max() < np.abs(probe.weights).max() / 5


def test_equal_vectors_give_the_shares_of_the_labels():
    probe = fit_probe(np.ones((4, 3)), [0, 0, 0, 1], 2, 1e-3)
    logits = probe.scores(np.ones((1, 3)))[0]
    assert np.exp(logits[0] - logits[1]) == pytest.approx(3, rel=1e-2)


@pytest.mark.parametrize(
    ("vectors", "labels", "penalty"),
    [
        (np.zeros((0, 2)), [], 1.0),
        (np.ones((2, 2)), [0, 2], 1.0),
        (np.ones((2, 2)), [0], 1.0),
        (np.ones((1, 2)), [0], 0),
    ],
)
def test_what_cannot_be_fitted(vectors, labels, penalty):
    with pytest.raises(ValueError, match="one label"):
        fit_probe(vectors, labels, 2, penalty)


def test_more_labels_help_and_zero_shot_is_the_first_point():
    result = run(LineageContext(), ProbeOptions(shots=("4", "1", "1"), n=32))
    rows = result.tables["Accuracy by labelled pictures a class (0: zero-shot)"]
    trained = {row["labelled pictures a class"]: row["accuracy"] for row in rows if row["pictures"] == "trained pairs"}
    assert list(trained) == [0, 1, 4]
    assert 0.1 < trained[1] < trained[4]
    assert trained[0] > 0.5
    assert result.measures[0].n == 32


def test_bad_options_are_told():
    for shots in ((), ("0",), ("65",), ("1.5",), ("many",)):
        with pytest.raises(UsageError):
            run(LineageContext(), ProbeOptions(shots=shots, n=2))
    with pytest.raises(UsageError, match="n is 0"):
        run(LineageContext(), ProbeOptions(shots=("1",), n=0))


def test_sentences_of_equal_classes_are_embedded_once():
    found = class_sentences(LineageContext(), "pocket/clip", ("apple", "Apple", "boat"), ("{}",))
    assert found.classes == ("apple", "boat")
