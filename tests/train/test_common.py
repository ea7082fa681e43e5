"""What recipes share: training data, augmentation, fact heads and losses, linear maps, evaluation."""

import itertools

import numpy as np
import pytest
import torch

from telephone import world
from telephone.train.common import augmentation, data, evaluation, hard_negatives
from telephone.train.common.heads import (
    QUERIES,
    VECTORS,
    EmbeddingFactHeads,
    EncoderWithHeads,
    FactHeads,
    FactTargets,
    fact_targets,
)
from telephone.train.common.linear import covariance_roots, ridge_regression
from telephone.train.common.losses import (
    clean_loss,
    contrast_with_negatives,
    edge_loss,
    facts_loss,
    kinds_loss,
    stratified_times,
)
from telephone.train.common.visual_words import WORDS
from telephone.world.facts import CELL_FACTS, SCENE_FACTS, cell_targets, scene_targets
from telephone.world.scene import atoms

ANSWERS = sum(CELL_FACTS.values()), sum(SCENE_FACTS.values())

# --- data -----------------------------------------------------------------------------------------------------------


def test_training_scenes_never_hold_what_is_held_out():
    scenes = [data.train_scene("test", i) for i in range(500)]
    pairs = {(thing.kind, thing.colour) for scene in scenes for thing in scene.things}
    assert len(pairs) > 150
    assert not any(world.held_out(*pair) for pair in pairs)


def test_a_visible_scene_states_what_can_be_seen_from_left_to_right():
    cat, dog = world.Thing("cat", "red"), world.Thing("dog", "blue")
    scene = world.Scene(things=(cat, dog), relations=(world.Relation(1, "left of", 0),))
    seen = data.visible(scene)
    assert [(thing.kind, thing.place) for thing in seen.things] == [("dog", "left"), ("cat", "middle")]
    assert not seen.relations
    assert data.visible(world.Scene(things=(cat,))).things == (cat,)


def test_targets_name_what_is_in_each_cell():
    scene = world.Scene("beach", "night", things=(world.Thing("cat", "red", "big", 3, "left"),))
    cells, whole = cell_targets(scene), scene_targets(scene)
    assert cells[0].tolist() == [world.scene.KINDS.index("cat") + 1, 1, 2, 2]
    assert cells[1:, 0].tolist() == [0] * 5
    assert (cells[1:, 1:] == -1).all()
    assert whole.tolist() == [1, 2, 0, 0]


def test_masks_show_where_the_things_are():
    pictures = data.paint("test", 40, masks=True)
    for scene, mask in zip(pictures.scenes, pictures.things, strict=True):
        assert bool(mask.max() > 0.3) == bool(scene.things)
        assert mask.mean() < 0.9
    assert np.array_equal(pictures.pixels, data.paint("test", 40).pixels)


def test_a_hard_negative_differs_in_one_fact_that_may_be_trained():
    rng = np.random.default_rng(0)
    for index in range(300):
        scene = data.train_scene("twin", index)
        other = hard_negatives.changed_scene(scene, rng)
        assert other != scene
        assert len(set(atoms(scene)) ^ set(atoms(other))) <= 4
        assert not any(world.held_out(thing.kind, thing.colour) for thing in other.things)


# --- augmentation ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures():
    return data.paint("reader test", 24)


def test_permuted_channels_keep_every_shape(pictures):
    x = torch.from_numpy(data.to_unit(pictures.pixels))
    changed = augmentation.permuted_channels(x, np.random.default_rng(0))
    for before, after in zip(x, changed, strict=True):
        ways = [
            torch.stack([before[i] * s for i, s in zip(order, signs, strict=True)])
            for order in itertools.permutations(range(3))
            for signs in itertools.product((1, -1), repeat=3)
        ]
        assert any(torch.equal(after, way) for way in ways)
        assert not torch.equal(after, before)


def test_the_second_half_of_a_batch_keeps_its_colours(pictures):
    x = torch.from_numpy(data.to_unit(pictures.pixels))
    y = augmentation.ReaderAugmentation(np.random.default_rng(1))(pictures.pixels)
    assert y.shape == x.shape
    assert float(y.abs().max()) <= 1
    apart = (x.mean((2, 3)) - y.mean((2, 3))).abs().amax(1)
    assert float(apart[12:].max()) < 0.25 < float(apart[:12].max())
    assert 3 <= sum(torch.equal(a, b) for a, b in zip(x[12:], y[12:], strict=True)) <= 9


def test_the_second_half_of_augmented_images_is_clean(pictures):
    x = torch.from_numpy(data.to_unit(pictures.pixels))
    y = augmentation.augmented(pictures.pixels, np.random.default_rng(0))
    assert torch.equal(y[12:], x[12:])
    assert not any(torch.equal(a, b) for a, b in zip(y[:12], x[:12], strict=True))
    assert float(y.abs().max()) <= 1


def test_one_image_in_eight_is_grey_and_its_colours_are_left_out():
    x = torch.rand(17, 3, 8, 8)
    cells, whole = torch.ones(17, 6, 4, dtype=torch.long), torch.ones(17, 4, dtype=torch.long)
    colour = list(CELL_FACTS).index("colour")
    grey, left_cells, left_whole = augmentation.grey_some(x.clone(), cells, whole)
    plain = [i for i in range(17) if i not in (0, 8, 16)]
    for i in (0, 8, 16):
        assert torch.equal(grey[i, 0], grey[i, 2])
        assert bool((left_cells[i, :, colour] == -1).all())
    assert torch.equal(grey[plain], x[plain])
    assert torch.equal(left_cells[plain], cells[plain])
    assert bool((cells == 1).all())
    assert bool((whole == 1).all())
    logits = torch.randn(17, 6, ANSWERS[0]), torch.randn(17, ANSWERS[1])
    logits[1].requires_grad_()
    facts_loss(logits, left_cells, left_whole)[0].backward()
    assert not logits[1].grad[[0, 8, 16]].any()
    assert logits[1].grad[plain].abs().sum() > 0


# --- heads and losses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vectors", [VECTORS, QUERIES])
def test_heads_predict_each_cell_and_the_whole(vectors):
    net = EncoderWithHeads(torch.nn.Identity(), 16)
    cells, whole = net(torch.randn(2, vectors, 16))
    assert cells.shape == (2, 6, ANSWERS[0])
    assert whole.shape == (2, ANSWERS[1])


def test_a_query_is_read_by_the_head_of_its_fact():
    heads, x = FactHeads(8), torch.zeros(1, QUERIES, 8, requires_grad=True)
    cells, whole = heads(x)
    whole[0, : SCENE_FACTS["setting"]].sum().backward()
    assert x.grad[0].abs().sum(1).nonzero().flatten().tolist() == [1]
    x.grad = None
    heads(x)[0][0, 2, : CELL_FACTS["kind"]].sum().backward()
    assert x.grad[0].abs().sum(1).nonzero().flatten().tolist() == [4 + 2 * 5 + 4]


def test_another_number_of_vectors_is_refused():
    with pytest.raises(ValueError, match="7 or 34 vectors, not 5"):
        FactHeads(8)(torch.zeros(1, 5, 8))


def test_heads_of_an_embedding_ignore_its_length():
    heads, x = EmbeddingFactHeads(16), torch.randn(2, 16)
    cells, whole = heads(x)
    assert cells.shape == (2, 6, ANSWERS[0])
    assert torch.allclose(heads(3 * x)[1], whole, atol=1e-5)


def test_right_answers_cost_least():
    scenes = [data.train_scene("losses", i) for i in range(6)]
    targets = FactTargets.of(scenes)
    cells = torch.cat(
        [torch.nn.functional.one_hot(targets.cells[..., i].clamp(min=0), n) for i, n in enumerate(CELL_FACTS.values())],
        -1,
    )
    whole = torch.cat(
        [torch.nn.functional.one_hot(targets.whole[:, i], n) for i, n in enumerate(SCENE_FACTS.values())], -1
    )
    loss, right = targets.loss((30.0 * cells, 30.0 * whole), np.arange(6))
    assert loss < 1e-3
    assert right == 1
    loss, right = targets.loss((-30.0 * cells, 30.0 * whole), np.arange(6))
    assert loss > 10
    assert right == 0
    assert kinds_loss(30.0 * cells, targets.cells) < 1e-3
    assert [part.shape for part in fact_targets([])] == [(0, 6, 4), (0, 4)]


def test_a_hard_negative_is_a_wrong_answer_for_its_image():
    near = torch.tensor([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
    fooled = near.clone()
    fooled[0, 2] = 4.0
    assert contrast_with_negatives(fooled) > contrast_with_negatives(near) + 0.1
    # A row that is not counted is no negative for the others either.
    counted = contrast_with_negatives(fooled, torch.tensor([False, True]))
    assert torch.allclose(counted, torch.tensor(0.009075), atol=1e-5)


def test_edges_of_a_constant_error_cost_nothing():
    x, weight = torch.rand(1, 3, 8, 8), torch.ones(1, 1, 8, 8)
    assert edge_loss(x, x + 0.3, weight) < 1e-6
    assert edge_loss(x, x * 2, weight) > 0.1


def test_times_are_one_a_stratum_and_late():
    t = stratified_times(50, 1.0, torch.Generator().manual_seed(0))
    assert (t.sort().values * 50).floor().tolist() == list(range(50))
    assert stratified_times(50, 0.25, torch.Generator().manual_seed(0)).mean() > 0.7
    x, one = torch.randn(50, 2, 4, 4), torch.ones(50, 1, 4, 4)
    assert clean_loss(x, x, t, one) == 0
    assert clean_loss(x + 1, x, torch.full((50,), 1e-4), one) == pytest.approx(4, rel=1e-4)


# --- linear maps ----------------------------------------------------------------------------------------------------


def test_ridge_regression_finds_a_linear_truth():
    torch.manual_seed(0)
    weight, bias, x = torch.randn(3, 5), torch.randn(3), torch.randn(200, 5) + 1
    found = ridge_regression(x, x @ weight.T + bias, ridge=1e-9)
    assert torch.allclose(found[0], weight, atol=1e-4)
    assert torch.allclose(found[1], bias, atol=1e-4)
    shrunk = ridge_regression(x, x @ weight.T + bias, ridge=10.0)[0]
    assert shrunk.norm() < 0.5 * weight.norm()


def test_roots_of_a_covariance_are_inverse_to_each_other():
    torch.manual_seed(0)
    rows = torch.randn(500, 6) @ torch.randn(6, 6) + 2
    inverse, root = covariance_roots(rows, floor=0.0)
    assert torch.allclose(inverse @ root, torch.eye(6), atol=1e-3)
    centred = rows - rows.mean(0)
    assert torch.allclose(root @ root, centred.T @ centred / 500, atol=1e-2)


# --- evaluation -----------------------------------------------------------------------------------------------------


def test_facts_are_counted():
    scene = world.parse("A red cat on the left and a blue dog on the right, on a beach.")
    texts = ["A red cat on the left and a green dog on the right, on a beach.", ""]
    assert str(evaluation.count_facts([scene], texts[:1])) == (
        "6 of 7 facts are kept (86 %), 86 % of 7 stated facts are correct"
    )
    assert evaluation.count_facts([scene], texts[1:]) == (0, 0, 7)


def test_captions_are_evaluated_on_held_out_scenes(make_recipe, monkeypatch, capsys):
    monkeypatch.setattr(evaluation, "CAPTIONED", 6)
    recipe = make_recipe("r")
    recipe.start()
    evaluation.evaluate_captions(recipe, "silent", lambda x: [""] * len(x))
    assert "0 % of 0 stated facts are correct" in capsys.readouterr().out
    assert "easy" in (recipe.folder / "samples" / "silent.txt").read_text()


def test_a_net_returns_to_its_mode():
    net = torch.nn.Linear(1, 1).train()
    with evaluation.evaluating(net):
        assert not net.training
        assert not torch.is_grad_enabled()
    assert net.training
    assert torch.is_grad_enabled()


def test_every_fact_has_a_word_for_each_value():
    for name, size in (CELL_FACTS | SCENE_FACTS).items():
        assert len(WORDS[name]) == size
