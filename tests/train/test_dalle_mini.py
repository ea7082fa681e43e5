"""The recipe of DALL-E mini: its training set, its loss, and a run from end to end that resumes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from telephone import world
from telephone.nets.checkpoint import read_metadata, read_tensors, read_weights, save_weights
from telephone.nets.dalle_mini import BartConfig, DalleMini, DalleMiniConfig
from telephone.nets.stable_diffusion import (
    AutoencoderConfig,
    LatentDiffusion,
    LatentDiffusionConfig,
    TextEncoderConfig,
    UNetConfig,
)
from telephone.nets.tokenizer import WordTokenizer
from telephone.nets.vqgan import Vqgan, VqganConfig
from telephone.train import dalle_mini
from telephone.train.common import data
from telephone.train.common.recipe import StagePlan, frozen


@pytest.fixture
def recipe(make_recipe, monkeypatch):
    monkeypatch.delenv("TELEPHONE_WEIGHTS", raising=False)
    monkeypatch.setattr(dalle_mini, "PART", 16)
    made = make_recipe("dalle-mini", pictures=24)
    _make_others(made.weights.parent)
    made.folder.mkdir()
    return made


def _make_others(folder):
    torch.manual_seed(0)
    text = TextEncoderConfig(words=data.learn_words().words[4:], width=16, layers=1, heads=2)
    unet = UNetConfig(widths=(16, 16), heads=2, expand=(1, 1), context_width=16, time_width=16)
    diffusion = LatentDiffusion(LatentDiffusionConfig(AutoencoderConfig(encoder_width=8, decoder_width=8), text, unet))
    save_weights(folder / "stable-diffusion.safetensors", diffusion, diffusion.config, {}, ("text_encoder.", "unet."))
    vqgan = Vqgan(VqganConfig(codes=32, channels=8, encoder_width=8, decoder_width=8, blocks=1))
    save_weights(folder / "vqgan.safetensors", vqgan, vqgan.config, {})


def _nets(recipe):
    vqgan = frozen(recipe, "vqgan", lambda config: Vqgan(VqganConfig.from_dict(config)))
    bart = BartConfig(width=16, heads=2, decoder_layers=1, expand=1)
    net = DalleMini(replace(dalle_mini.start_config(recipe, vqgan), bart=bart, head_width=16))
    dalle_mini.start_from_shipped(recipe, net, vqgan)
    return net, vqgan


def test_the_text_encoder_is_the_shipped_one_and_stays_as_it_is(recipe):
    net, vqgan = _nets(recipe)
    held = read_tensors(recipe.weights.with_name("stable-diffusion.safetensors"))
    for name, value in net.text_encoder.state_dict().items():
        assert torch.equal(value, held[f"text_encoder.{name}"])
    assert torch.equal(net.code.weight[:-1], vqgan.codebook)
    codes = dalle_mini.prepare(recipe, net, vqgan)
    dalle_mini.code_loss(net, codes, torch.Generator().manual_seed(0), batch=4)[0].backward()
    for name, parameter in net.named_parameters():
        assert (parameter.grad is None) == name.startswith("text_encoder.")


def test_the_training_set_is_the_codes_and_captions_of_training_scenes(recipe):
    net, vqgan = _nets(recipe)
    codes = dalle_mini.prepare(recipe, net, vqgan)
    assert codes.grids.shape == (24, 2, 16, 16)
    assert codes.context.shape == (24, 2, 7, 16)
    assert np.isfinite(codes.context).all()
    second = data.paint("dalle-mini 0 16", 8, masks=True, still=True)
    x = torch.from_numpy(data.to_unit(second.pixels[:1]))
    assert (codes.grids[16, 0] == vqgan.encode(x)[1][0].numpy()).all()
    assert codes.grids[:, 1].min() == 1
    assert codes.grids[:, 1].max() > 1
    assert not any(world.held_out(thing.kind, thing.colour) for scene in second.scenes for thing in scene.things)


def test_captions_of_any_length_have_the_vectors_that_they_have_alone(recipe):
    net, _ = _nets(recipe)
    tokenizer = WordTokenizer(net.config.text.words)
    texts = ["a red apple on a beach at sunset, in the snow", "", "a boat", "two blue cats"]
    together = dalle_mini.encode_by_length(net.text_encoder, tokenizer, texts, batch=2)
    for text, row in zip(texts, together, strict=True):
        assert torch.allclose(net.text_encoder(tokenizer.batch([text], 72))[0], row, atol=1e-5)


def test_an_interrupted_run_reads_the_training_set_again(recipe, monkeypatch):
    net, vqgan = _nets(recipe)
    first = dalle_mini.prepare(recipe, net, vqgan)
    monkeypatch.setattr(data, "paint", None)
    monkeypatch.setattr(data, "train_scene", None)
    again = dalle_mini.prepare(recipe, net, vqgan)
    assert (again.grids == first.grids).all()
    assert (again.context == first.context).all()


def test_the_recipe_makes_a_file_and_resumes(recipe, losses, monkeypatch):
    monkeypatch.setattr(dalle_mini, "BATCH", 4)
    monkeypatch.setattr(
        dalle_mini,
        "start_config",
        lambda recipe, vqgan: replace(
            START_CONFIG(recipe, vqgan), bart=BartConfig(width=16, heads=2, decoder_layers=1), head_width=16
        ),
    )
    path = dalle_mini.main(recipe)
    config, about = read_metadata(path)
    assert about["steps"] == {"dalle-mini": 1}
    assert set(about["reads"]) == {"stable-diffusion", "vqgan"}
    read_weights([path], DalleMini(DalleMiniConfig.from_dict(config)))
    assert (recipe.folder / "samples" / "dalle-mini-last.png").exists()
    monkeypatch.setattr(dalle_mini, "STAGES", {"dalle-mini": StagePlan(3, 1)})
    longer = dalle_mini.main(replace(recipe, scale=1.0))
    assert read_metadata(longer)[1]["steps"] == {"dalle-mini": 3}
    losses(recipe)


START_CONFIG = dalle_mini.start_config
