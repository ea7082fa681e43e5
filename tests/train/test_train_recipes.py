"""Each recipe from end to end in a few seconds: a file comes out that the player loads, however little was learned."""

import importlib
import json
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from telephone import world
from telephone.models import pocket
from telephone.nets.checkpoint import read_metadata
from telephone.train import RECIPES, blip, stable_diffusion
from telephone.train.blip import without_colours
from telephone.train.common import data
from telephone.train.common.recipe import Recipe, Stage, keep
from telephone.train.stable_diffusion import facts_loss


@pytest.fixture
def recipe(tmp_path):
    return Recipe(tmp_path, tmp_path / "w.safetensors", minutes=0.02, threads=1, pictures=80)


def test_training_scenes_never_hold_what_is_held_out():
    scenes = [data.train_scene("test", i) for i in range(500)]
    pairs = {(thing.kind, thing.colour) for scene in scenes for thing in scene.things}
    assert len(pairs) > 150
    assert not any(world.held_out(*pair) for pair in pairs)


def test_a_telling_says_what_can_be_seen_from_left_to_right():
    cat, dog = world.Thing("cat", "red"), world.Thing("dog", "blue")
    scene = world.Scene(things=(cat, dog), relations=(world.Relation(1, "left of", 0),))
    told = data.telling(scene)
    assert [(thing.kind, thing.place) for thing in told.things] == [("dog", "left"), ("cat", "middle")]
    assert not told.relations
    assert data.telling(world.Scene(things=(cat,))).things == (cat,)


def test_targets_name_what_stands_in_each_cell():
    scene = world.Scene("beach", "night", things=(world.Thing("cat", "red", "big", 3, "left"),))
    cells, whole = data.cell_targets(scene), data.scene_targets(scene)
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


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_can_be_run_and_says_how_long_it_takes(name):
    module = importlib.import_module(RECIPES[name])
    assert callable(module.main)
    assert module.MINUTES > 0
    assert f"telephone learn {name} --minutes {module.MINUTES:g}" in module.__doc__


@pytest.mark.slow
@pytest.mark.parametrize("name", ["blip", "stable-diffusion"])
def test_a_recipe_makes_a_file_that_plays(name, recipe, tmp_path, monkeypatch):
    module = {"blip": blip, "stable-diffusion": stable_diffusion}[name]
    path = module.main(replace(recipe, weights=tmp_path / f"{name}.safetensors"))
    _, about = read_metadata(path)
    assert about["player"] == f"pocket/{name}"
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    if name == "blip":
        texts = pocket.Blip().generate_texts([world.render(world.Scene())] * 2, [0, 0])
        assert texts[0] == texts[1]
    else:
        assert pocket.StableDiffusion(steps=2).generate_images(["a red apple"], [0])[0].size == (64, 64)
    for log in tmp_path.glob("*.jsonl"):
        assert all(np.isfinite(json.loads(line)["loss"]) for line in log.read_text().splitlines())


def test_a_stopped_stage_goes_on_where_it_was(recipe):
    torch.manual_seed(0)
    net = nn.Linear(4, 1)
    stage = Stage(recipe, "part", 10, net, rate=1e-2)
    for step in stage:
        stage.update(net(torch.ones(2, 4)).square().mean())
        if step == 30:
            stage.save()
            break
    twin = nn.Linear(4, 1)
    again = Stage(recipe, "part", 10, twin, rate=1e-2)
    assert again.step == 30
    assert torch.equal(twin.weight, net.weight)
    assert torch.equal(again.ema.weights["weight"], stage.ema.weights["weight"])
    state, before = (s.optimizer.state_dict()["state"][0]["exp_avg"] for s in (again, stage))
    assert torch.equal(state, before)


def test_ctrl_c_saves_before_it_is_obeyed(recipe):
    net = nn.Linear(4, 1)
    stage = Stage(recipe, "part", 10, net, rate=1e-2)
    with pytest.raises(KeyboardInterrupt):
        for step in stage:
            stage.update(net(torch.ones(2, 4)).square().mean())
            if step == 7:
                signal.raise_signal(signal.SIGINT)
    assert Stage(recipe, "part", 10, nn.Linear(4, 1), rate=1e-2).step == 8
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_kept_is_made_once(tmp_path):
    assert keep(tmp_path / "x.json", lambda: [1]) == [1]
    assert keep(tmp_path / "x.json", lambda: [2]) == [1]


def test_one_picture_in_eight_is_grey_and_not_asked_for_its_colours():
    x = torch.rand(17, 3, 8, 8)
    cells, whole = torch.ones(17, 6, 4, dtype=torch.long), torch.ones(17, 4, dtype=torch.long)
    colour = list(data.CELL_FACTS).index("colour")
    grey, told, scene = without_colours(x.clone(), cells, whole)
    plain = [i for i in range(17) if i not in (0, 8, 16)]
    for i in (0, 8, 16):
        assert torch.equal(grey[i, 0], grey[i, 2])
        assert bool((told[i, :, colour] == -1).all())
    assert torch.equal(grey[plain], x[plain])
    assert torch.equal(told[plain], cells[plain])
    assert bool((cells == 1).all())
    assert bool((whole == 1).all())
    logits = torch.randn(17, 6, sum(data.CELL_FACTS.values())), torch.randn(17, sum(data.SCENE_FACTS.values()))
    logits[1].requires_grad_()
    facts_loss(logits, told, scene)[0].backward()
    assert not logits[1].grad[[0, 8, 16]].any()
    assert logits[1].grad[plain].abs().sum() > 0
