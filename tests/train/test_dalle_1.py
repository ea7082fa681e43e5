"""The recipes of DALL-E 1: the dVAE, the training set of the transformer, and runs from end to end that resume."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from telephone import world
from telephone.nets.byte_pairs import BytePairTokenizer
from telephone.nets.checkpoint import read_metadata, read_weights, save_weights
from telephone.nets.dalle_1 import Dalle1, Dalle1Config
from telephone.nets.dvae import Dvae, DvaeConfig
from telephone.train import dalle_1, dvae
from telephone.train.common import data
from telephone.train.common.recipe import StagePlan, frozen

TINY = DvaeConfig(codes=32, channels=8, encoder_width=8, decoder_width=8, blocks=1)


@pytest.fixture
def recipe(make_recipe, monkeypatch):
    monkeypatch.delenv("TELEPHONE_WEIGHTS", raising=False)
    monkeypatch.setattr(dalle_1, "PART", 16)
    monkeypatch.setattr(dalle_1, "MERGES", 20)
    monkeypatch.setattr(dalle_1, "_some_captions", lambda: ["a red apple on a beach", "two blue boats"] * 20)
    monkeypatch.setattr(dalle_1, "BATCH", 4)
    monkeypatch.setattr(
        dalle_1, "start_config", lambda recipe, net: replace(START_CONFIG(recipe, net), width=16, heads=2, layers=2)
    )
    made = make_recipe("dalle-1", pictures=24)
    torch.manual_seed(0)
    net = Dvae(TINY)
    save_weights(made.weights.with_name("dvae.safetensors"), net, net.config, {})
    made.folder.mkdir()
    return made


def _nets(recipe):
    codes = frozen(recipe, "dvae", lambda config: Dvae(DvaeConfig(**config)))
    return Dalle1(dalle_1.start_config(recipe, codes)), codes


def test_the_training_set_is_the_codes_and_captions_of_training_scenes(recipe):
    net, codes = _nets(recipe)
    found = dalle_1.prepare(recipe, net, codes)
    assert found.grids.shape == (24, 2, 16, 16)
    assert found.captions.shape == (24, 4, 64)
    second = data.paint("dalle-1 0 16", 8, masks=True, still=True)
    x = torch.from_numpy(data.to_unit(second.pixels[:1]))
    assert (found.grids[16, 0] == codes.encode(x)[0].numpy()).all()
    assert not any(world.held_out(thing.kind, thing.colour) for scene in second.scenes for thing in scene.things)


def test_captions_are_those_of_the_images_and_are_spelled_in_different_ways(recipe):
    net, codes = _nets(recipe)
    found = dalle_1.prepare(recipe, net, codes)
    tokenizer = BytePairTokenizer(net.config.text.merges)
    for key, start, count in (("dalle-1 0 0", 0, 16), ("dalle-1 0 16", 16, 8)):
        rng = np.random.default_rng(np.random.SeedSequence([recipe.seed, *key.encode()]))
        scenes = [data.train_scene(key, number) for number in range(count)]
        texts = [data.any_caption(scene, rng) for scene in scenes for _ in range(4)]
        rows = found.captions[start : start + count].reshape(-1, 64).astype(int)
        spelled = [tokenizer.decode(token for token in row if token < len(tokenizer)) for row in rows]
        written = [tokenizer.decode(tokenizer.encode(text)) for text in texts]
        assert all(text.startswith(own) and own for text, own in zip(written, spelled, strict=True))


def test_an_interrupted_run_reads_the_training_set_again(recipe, monkeypatch):
    net, codes = _nets(recipe)
    first = dalle_1.prepare(recipe, net, codes)
    monkeypatch.setattr(data, "paint", None)
    monkeypatch.setattr(data, "train_scene", None)
    again = dalle_1.prepare(recipe, net, codes)
    assert (again.grids == first.grids).all()
    assert (again.captions == first.captions).all()


def test_the_recipe_makes_a_file_and_resumes(recipe, losses, monkeypatch):
    path = dalle_1.main(recipe)
    config, about = read_metadata(path)
    assert about["steps"] == {"dalle-1": 1}
    assert set(about["reads"]) == {"dvae"}
    read_weights([path], Dalle1(Dalle1Config.from_dict(config)))
    assert (recipe.folder / "samples" / "dalle-1-last.png").exists()
    monkeypatch.setattr(dalle_1, "STAGES", {"dalle-1": StagePlan(3, 1)})
    longer = dalle_1.main(replace(recipe, scale=1.0))
    assert read_metadata(longer)[1]["steps"] == {"dalle-1": 3}
    losses(recipe)
    assert all(value > 0 for value in losses(recipe, "dalle-1", "nats_a_token"))


def test_the_recipe_of_the_dvae_makes_a_file_and_resumes(make_recipe, losses, monkeypatch):
    monkeypatch.setattr(dvae, "DvaeConfig", lambda: TINY)
    monkeypatch.setattr(dvae, "BATCH", 4)
    recipe = make_recipe("dvae", pictures=64)
    path = dvae.main(recipe)
    config, about = read_metadata(path)
    assert about["steps"] == {"dvae": 1}
    read_weights([path], Dvae(DvaeConfig(**config)))
    assert (recipe.folder / "samples" / "dvae-last.png").exists()
    monkeypatch.setattr(dvae, "STAGES", {"dvae": StagePlan(3, 1)})
    longer = dvae.main(replace(recipe, scale=1.0))
    assert read_metadata(longer)[1]["steps"] == {"dvae": 3}
    assert all(value >= 0 for value in losses(recipe, "dvae", "nats_a_code"))


START_CONFIG = dalle_1.start_config
