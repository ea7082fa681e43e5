"""The recipe of the scene reader from end to end, and its loss."""

import numpy as np
import pytest
import torch

from telephone import world
from telephone.models.pocket.scene_reader import SceneReaderModel
from telephone.nets.checkpoint import read_metadata
from telephone.train import reader
from telephone.train.common import data
from telephone.train.common.heads import fact_targets


def test_facts_that_are_left_out_cost_nothing():
    cells, whole = fact_targets(data.paint("reader test", 24).scenes)
    logits = torch.zeros(24, 6, 51, requires_grad=True), torch.zeros(24, 21, requires_grad=True)
    _, parts = reader.reader_loss(logits, cells, whole)
    assert parts["kind"] == pytest.approx(np.log(33), rel=1e-5)
    assert parts["setting"] == pytest.approx(np.log(9), rel=1e-5)
    cells[..., 1], whole[:] = -1, -1
    loss, parts = reader.reader_loss(logits, cells, whole)
    assert parts["colour"] == parts["style"] == 0
    loss.backward()
    assert float(logits[0].grad[..., 33:44].abs().max()) == 0
    assert float(logits[0].grad[..., :33].abs().max()) > 0
    assert float(logits[1].grad.abs().max()) == 0


@pytest.mark.slow
def test_a_file_comes_out_that_reads_and_a_second_run_resumes(make_recipe, losses, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reader, "CHECKED", 4)
    recipe = make_recipe("reader", scale=2 / 5760, pictures=40)
    path = reader.main(recipe)
    about = {"model": "oracle/reader", "seed": 0, "steps": {"reader": 2}, "pictures": 40}
    assert read_metadata(path)[1] == about
    assert len((tmp_path / "reader" / "checks.txt").read_text().splitlines()) == 3
    losses(recipe, "reader")
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    (scene,) = SceneReaderModel().read([world.render(world.Scene())])
    assert isinstance(scene, world.Scene)
    capsys.readouterr()
    first = path.read_bytes()
    assert reader.main(recipe).read_bytes() == first
    assert "reader: resumes at step 2 of 2" in capsys.readouterr().out
