"""The reader's recipe, and what it does to its pictures."""

import itertools

import numpy as np
import pytest
import torch

from telephone import world
from telephone.models.pocket.scene_reader import SceneReaderModel
from telephone.nets.checkpoint import read_metadata
from telephone.train import reader
from telephone.train.common import data
from telephone.train.common.recipe import Recipe


@pytest.fixture(scope="module")
def pictures():
    return data.paint("reader test", 24)


def test_recoloured_pictures_keep_every_shape(pictures):
    x = torch.from_numpy(data.to_unit(pictures.pixels))
    changed = reader.recoloured(x, np.random.default_rng(0))
    for before, after in zip(x, changed, strict=True):
        ways = [
            torch.stack([before[i] * s for i, s in zip(order, signs, strict=True)])
            for order in itertools.permutations(range(3))
            for signs in itertools.product((1, -1), repeat=3)
        ]
        assert any(torch.equal(after, way) for way in ways)
        assert not torch.equal(after, before)


def test_the_second_half_of_a_batch_keeps_its_colours(pictures):
    spoilt = reader.Spoilt(pictures.pixels, np.random.default_rng(1))
    x = torch.from_numpy(data.to_unit(pictures.pixels))
    y = spoilt.batch(np.arange(24))
    assert y.shape == x.shape
    assert float(y.abs().max()) <= 1
    apart = (x.mean((2, 3)) - y.mean((2, 3))).abs().amax(1)
    assert float(apart[12:].max()) < 0.25 < float(apart[:12].max())
    assert 3 <= sum(torch.equal(a, b) for a, b in zip(x[12:], y[12:], strict=True)) <= 9


def test_what_is_not_asked_costs_nothing(pictures):
    facts = torch.from_numpy(np.stack([data.cell_targets(scene) for scene in pictures.scenes]))
    around = torch.from_numpy(np.stack([data.scene_targets(scene) for scene in pictures.scenes]))
    logits = torch.zeros(24, 6, 51, requires_grad=True), torch.zeros(24, 21, requires_grad=True)
    _, parts = reader.facts_loss(logits, facts, around)
    assert parts["kind"] == pytest.approx(np.log(33), rel=1e-5)
    assert parts["setting"] == pytest.approx(np.log(9), rel=1e-5)
    facts[..., 1], around[:] = -1, -1
    loss, parts = reader.facts_loss(logits, facts, around)
    assert parts["colour"] == parts["style"] == 0
    loss.backward()
    assert float(logits[0].grad[..., 33:44].abs().max()) == 0
    assert float(logits[0].grad[..., :33].abs().max()) > 0
    assert float(logits[1].grad.abs().max()) == 0


@pytest.mark.slow
def test_a_file_comes_out_that_reads_and_a_second_run_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reader, "CHECKED", 4)
    recipe = Recipe(tmp_path / "reader", tmp_path / "reader.safetensors", minutes=0.01, threads=1, pictures=40)
    path = reader.main(recipe)
    assert read_metadata(path)[1] == {"player": "oracle/reader", "seed": 0, "minutes": 0.01}
    assert len((tmp_path / "reader" / "checks.txt").read_text().splitlines()) == 3
    assert (tmp_path / "reader" / "reader.jsonl").exists()
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    (scene,) = SceneReaderModel().read([world.render(world.Scene())])
    assert isinstance(scene, world.Scene)
    capsys.readouterr()
    reader.main(recipe)
    assert "reader: goes on at step" in capsys.readouterr().out
