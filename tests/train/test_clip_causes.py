"""CLIPs that differ in one cause: what is printed where, equal batches for all doses, and a run from end to end."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from telephone import world
from telephone.nets.checkpoint import read_metadata, read_weights, save_weights
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig
from telephone.nets.clip_causes import LETTERS, VARIANTS, ClipCauses, ClipCausesConfig
from telephone.nets.tokenizer import WordTokenizer
from telephone.train import clip_causes
from telephone.train.common import data
from telephone.train.common.recipe import StagePlan

VISION = VisionConfig(stem=(8, 8, 8), width=16, layers=1, heads=2, queries=2)
TEXT = ClipTextConfig(width=16, layers=1, heads=2, convolutions=1, queries=2)


@pytest.fixture
def recipe(make_recipe, monkeypatch):
    monkeypatch.delenv("TELEPHONE_WEIGHTS", raising=False)
    monkeypatch.setattr(clip_causes, "BATCH", 4)
    monkeypatch.setattr(clip_causes, "LARGE", 4)
    made = make_recipe("clip-causes", pictures=64)
    torch.manual_seed(0)
    net = Clip(ClipConfig(VISION, replace(TEXT, words=data.learn_words().words[4:]), embedding=8))
    save_weights(made.weights.with_name("clip.safetensors"), net, net.config, {})
    made.folder.mkdir()
    return made


@pytest.fixture
def small_clip(recipe):
    return clip_causes.load_clip(recipe)


def test_each_image_has_one_thing_of_a_training_pair_and_its_name(recipe):
    images = clip_causes.prepare(recipe)
    assert len(images.plain) == len(images.printed) == 64
    changed = (images.plain != images.printed).any(axis=(1, 2, 3))
    assert changed.all()
    for kind, colour in zip(images.kinds, images.colours, strict=True):
        paint = clip_causes.PAINTS[colour]
        assert paint is None or not world.held_out(clip_causes.KINDS[kind], paint)
    low, high = images.printed[:, -9:], images.printed[:, :9]
    paper = ((low == 255).all(-1).sum((1, 2)) > 50) | ((high == 255).all(-1).sum((1, 2)) > 50)
    assert paper.all()


def test_a_higher_dose_prints_on_the_same_images_and_more(recipe):
    images = clip_causes.prepare(recipe)
    rows = np.arange(64)
    before = np.zeros(64, bool)
    for dose in (0.0, 0.05, 0.2, 0.6, 1.0):
        with_label = (images.pixels(rows, dose) != images.plain).any(axis=(1, 2, 3))
        assert (with_label | ~before).all()
        assert abs(with_label.mean() - dose) < 0.2
        before = with_label
    assert not (images.pixels(rows, 0.0) != images.plain).any()
    assert before.all()


def test_captions_differ_in_the_kind_and_held_out_pairs_are_no_negatives(small_clip):
    tokenizer = WordTokenizer(small_clip.config.text.words)
    texts = clip_causes.kind_texts(small_clip, tokenizer)
    assert texts.vectors.shape == (5, len(clip_causes.PAINTS), 32, 8)
    assert torch.allclose(texts.vectors.norm(dim=-1), torch.ones(()))
    assert texts.allowed[-1].all()
    held = [[world.held_out(kind, colour) for kind in clip_causes.KINDS] for colour in clip_causes.PAINTS[:-1]]
    assert torch.equal(~texts.allowed[:-1], torch.tensor(held))


def test_all_doses_see_the_same_batches_from_the_same_start(recipe, small_clip, monkeypatch):
    seen = {}

    def remember(encoder, images, texts, dose, rng):
        seen.setdefault(dose, []).append((encoder.position.detach().clone(), rng.integers(1000)))
        return encoder.position.sum()

    monkeypatch.setattr(clip_causes, "printed_loss", remember)
    monkeypatch.setattr(clip_causes, "STAGES", {name: StagePlan(3, 1) for name in VARIANTS})
    net = ClipCauses(ClipCausesConfig(small_clip.config))
    tokenizer = WordTokenizer(small_clip.config.text.words)
    clip_causes.train_encoders(replace(recipe, scale=1.0), net, small_clip, tokenizer)
    assert list(seen) == list(LETTERS.values())
    first = seen[0.0]
    for other in seen.values():
        assert all(torch.equal(a, b) and one == two for (a, one), (b, two) in zip(first, other, strict=True))


def test_the_recipe_makes_a_file_of_all_variants_and_resumes(recipe, small_clip, losses, monkeypatch):
    path = clip_causes.main(recipe)
    config, about = read_metadata(path)
    assert set(about["steps"]) == set(VARIANTS)
    net = ClipCauses(ClipCausesConfig.from_dict(config))
    read_weights([path], net)
    x, tokens = torch.randn(2, 3, 64, 64), torch.tensor([[4, 5, 1], [6, 7, 1]])
    before = small_clip(x, tokens)
    for name in VARIANTS:
        variant = net.variant(name, small_clip)
        assert not torch.allclose(variant(x, tokens), before)
        if name in LETTERS:
            assert torch.equal(variant.encode_text(tokens), small_clip.encode_text(tokens))
    with pytest.raises(ValueError, match="letters-20"):
        net.variant("letters-7", small_clip)
    monkeypatch.setattr(clip_causes, "STAGES", {name: StagePlan(2, 1) for name in VARIANTS})
    longer = clip_causes.main(replace(recipe, scale=1.0))
    assert set(read_metadata(longer)[1]["steps"].values()) == {2}
    for name in VARIANTS:
        losses(recipe, name)
