"""The recipe of GLIDE: what it starts from, its masks and losses, and a run from end to end that resumes."""

from dataclasses import replace

import pytest
import torch

from telephone import world
from telephone.nets.checkpoint import read_metadata, read_weights, save_weights
from telephone.nets.dalle_2 import ImageConditioning, UnClip, UnClipConfig
from telephone.nets.dalle_2_prior import CodesConfig, PriorConfig
from telephone.nets.dalle_2_upsampler import UpsamplerConfig
from telephone.nets.glide import Glide, GlideConfig
from telephone.nets.stable_diffusion import TextEncoderConfig, UNetConfig
from telephone.train import glide
from telephone.train.common import data
from telephone.train.common.recipe import StagePlan


@pytest.fixture
def recipe(make_recipe, monkeypatch):
    monkeypatch.delenv("TELEPHONE_WEIGHTS", raising=False)
    monkeypatch.setattr(glide, "BATCH", 4)
    made = make_recipe("glide", pictures=24)
    torch.manual_seed(0)
    text = TextEncoderConfig(words=data.learn_words().words[4:], width=16, layers=1, heads=2)
    unet = UNetConfig(3, 32, 4, (16, 16), heads=2, expand=(1, 1), context_width=16, time_width=16)
    prior = PriorConfig(8, 8, 8, 16, 1, 2)
    net = UnClip(
        UnClipConfig(8, text, unet, UpsamplerConfig((8, 8), 16), prior, prior, CodesConfig(4, 4), ImageConditioning(1))
    )
    folder = made.weights.parent
    save_weights(folder / "dalle-2.safetensors", net, net.config, {}, ("decoder.",))
    save_weights(folder / "dalle-2-prior.safetensors", net, net.config, {}, ("text_encoder.", "upsampler."))
    made.folder.mkdir()
    return made, net


def test_it_starts_from_the_trunk_the_text_encoder_and_the_upsampler(recipe):
    made, before = recipe
    net = glide.build(made)
    own, theirs = net.unet, before.decoder
    assert torch.allclose(own.out[2].weight, theirs.out[2].weight, atol=1e-3)
    assert torch.allclose(own.conv_in[1].weight[:, :48], theirs.conv_in[1].weight, atol=1e-3)
    assert not own.conv_in[1].weight[:, 48:].any()
    block, twin = own.middle[1].block, theirs.middle[1].block
    assert torch.allclose(block.attention.query.weight, twin.self_attention.query.weight, atol=1e-3)
    assert torch.allclose(block.text_key_value.weight, twin.cross_attention.key_value.weight, atol=1e-3)
    assert torch.allclose(net.upsampler.conv_in.weight[:, :15], before.upsampler.conv_in.weight, atol=1e-3)
    assert torch.allclose(net.text_encoder.queries, before.text_encoder.queries, atol=1e-3)
    assert not any(parameter.requires_grad for parameter in net.text_encoder.parameters())


def test_the_training_set_holds_training_scenes_and_is_computed_once(recipe, monkeypatch):
    made, _ = recipe
    net = glide.build(made)
    first = glide.prepare(made, net, "draw", 24, still=True)
    assert first.pixels.shape == (24, 3, 32, 32)
    assert first.context.shape == (24, 2, 7, 16)
    scenes = data.paint("draw 0", 24, masks=True, still=True).scenes
    assert not any(world.held_out(thing.kind, thing.colour) for scene in scenes for thing in scene.things)
    monkeypatch.setattr(glide, "encode_by_length", None)
    assert (glide.prepare(made, net, "draw", 24, still=True).context == first.context).all()


def test_masks_are_where_things_may_stand_or_anywhere():
    masks = glide.draw_masks(600, 32, torch.Generator().manual_seed(0))
    assert set(masks.unique().tolist()) == {0.0, 1.0}
    shares = masks.mean((1, 2, 3))
    assert shares.min() > 0
    assert 0.15 < shares.median() < 0.45
    assert (shares > 0.9).any()
    assert (masks.mean(0) > 0.2).all()  # every pixel is drawn in many of them
    assert torch.equal(masks, glide.draw_masks(600, 32, torch.Generator().manual_seed(0)))


def test_only_what_is_masked_counts_while_inpainting_is_learned(recipe):
    made, _ = recipe
    net = glide.build(made)
    images = glide.prepare(made, net, "inpaint", 24)
    x, weight, text = images.batch(net, torch.Generator().manual_seed(0), 4)
    known = glide.KnownPixels(x, torch.zeros(4, 1, 32, 32))
    assert glide._denoising_loss(net, x, weight, text, known, torch.Generator().manual_seed(0)) == 0


def test_texts_are_empty_as_often_as_the_paper_says(recipe):
    made, _ = recipe
    net = glide.build(made)
    images = glide.prepare(made, net, "draw", 24, still=True)
    _, _, text = images.batch(net, torch.Generator().manual_seed(0), 2000)
    empty = (text == net.unet.null_context).flatten(1).all(1).float().mean()
    assert 0.17 < empty < 0.23


def test_the_recipe_makes_a_file_and_resumes(recipe, losses, monkeypatch):
    made, _ = recipe
    path = glide.main(made)
    config, about = read_metadata(path)
    assert about["steps"] == {"base": 1, "inpaint": 1, "upsampler": 1}
    read_weights([path], Glide(GlideConfig.from_dict(config)))
    assert (made.folder / "samples" / "last.png").exists()
    monkeypatch.setattr(glide, "STAGES", {name: StagePlan(2, 1) for name in glide.STAGES})
    longer = glide.main(replace(made, scale=1.0))
    assert read_metadata(longer)[1]["steps"] == {"base": 2, "inpaint": 2, "upsampler": 2}
    for name in glide.STAGES:
        losses(made, name)
