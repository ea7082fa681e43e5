"""`oracle/reader` with a small net of random weights: what it says of its answers is true whatever they are."""

import numpy as np
import pytest
import torch
from PIL import Image

from telephone import world
from telephone.core.errors import UsageError, WeightsError
from telephone.models import image2text
from telephone.models.pocket.scene_reader import SceneReaderModel, _unique
from telephone.nets.checkpoint import save_weights
from telephone.nets.reader import ReaderConfig
from telephone.nets.reader import SceneReaderNet as Net
from telephone.world.facts import CELL_FACTS, SCENE_FACTS, cell_targets, scene_of, scene_targets

TINY = ReaderConfig(stem=8, trunk=8, cell=8, hidden=16, scene=8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Weights that see many different things in every picture."""
    torch.manual_seed(3)
    net = Net(TINY)
    torch.nn.init.normal_(net.cell[-1].weight, std=3)
    torch.nn.init.normal_(net.scene[-1].weight, std=3)
    save_weights(tmp_path / "reader.safetensors", net, TINY, {})
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def pictures():
    return [world.render(world.sample(level, 5)) for level in ("easy", "medium", "hard")]


def test_what_is_told_is_the_scene_that_is_read(folder, pictures):
    player = SceneReaderModel()
    scenes = player.read(pictures)
    assert any(scene.things for scene in scenes)
    for scene, text in zip(scenes, player.generate_texts(pictures), strict=True):
        found = world.compare(scene, world.parse(text))
        assert not found.wrong
        assert not found.invented
        assert {atom.attribute for atom in found.missing} <= {"place"}


def test_a_scene_is_made_of_the_answers(folder, pictures):
    player = SceneReaderModel()
    cells, whole = player.facts(pictures)
    assert cells.shape == (3, 6, len(CELL_FACTS))
    assert whole.shape == (3, len(SCENE_FACTS))
    assert ((cells[..., 1:] == -1).all(-1) == (cells[..., 0] == 0)).all()
    for scene, told, around in zip(player.read(pictures), cells, whole, strict=True):
        assert set(scene.things) <= {
            thing for row in range(6) for thing in scene_of(_only(told, row), around).things
        }  # fmt: skip


def _only(cells, row):
    kept = np.full_like(cells, -1)
    kept[:, 0] = 0
    kept[row] = cells[row]
    return kept


def test_company_changes_nothing(folder, pictures):
    player = SceneReaderModel()
    many = pictures * 20
    together = player.generate_texts(many, [0] * len(many))
    assert together == [player.generate_text(picture, seed) for seed, picture in enumerate(pictures)] * 20
    assert player.read([]) == []


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "I;16", "CMYK"])
def test_pictures_of_any_form_are_read(folder, mode):
    picture = world.render(world.sample("easy", 1), size=100)
    levels = np.asarray(picture.convert("L")).astype(np.uint16) * 257
    given = Image.fromarray(levels) if mode == "I;16" else picture.convert(mode)
    assert SceneReaderModel().generate_text(given)


def test_of_a_group_that_is_seen_twice_the_surer_one_is_told():
    cells = np.array([[3, 2, 0, 0], [3, 2, 1, 1], [3, 4, 0, 0], [0, -1, -1, -1], [5, 2, 0, 0], [3, 2, 0, 3]])
    kept = _unique(cells, np.array([0.4, 0.9, 0.2, 1.0, 0.3, 0.5], dtype=np.float32))
    assert kept[:, 0].tolist() == [0, 3, 3, 0, 5, 0]
    assert kept[0].tolist() == [0, -1, -1, -1]
    assert cells[0, 0] == 3


def test_the_wording_is_an_option(folder, pictures):
    plain, detailed = (image2text(f"oracle/reader?wording={name}") for name in ("plain", "detailed"))
    assert plain.generate_texts(pictures) != detailed.generate_texts(pictures)
    assert plain.traits().fingerprint != detailed.traits().fingerprint
    with pytest.raises(UsageError, match="the wordings are short, list, plain"):
        image2text("oracle/reader?wording=loud")


def test_weights_of_another_shape_are_refused(folder, pictures):
    save_weights(folder / "reader.safetensors", torch.nn.Linear(2, 2), TINY, {})
    with pytest.raises(WeightsError, match="do not fit the net of this version"):
        SceneReaderModel().read(pictures)


@pytest.mark.parametrize("level", ["easy", "hard"])
def test_the_shipped_reader_reads_what_it_never_saw(level):
    scenes = [world.sample(level, seed, split="test") for seed in range(40)]
    cells, whole = SceneReaderModel().facts([world.render(scene, seed=seed) for seed, scene in enumerate(scenes)])
    true = np.stack([cell_targets(scene) for scene in scenes])
    there = true[..., 0] > 0
    assert ((cells == true)[there].mean(0) > (0.95, 0.97, 0.95, 0.97)).all()
    assert (cells[..., 0] == 0)[~there].mean() > 0.98
    assert (whole == np.stack([scene_targets(scene) for scene in scenes])).mean() > 0.97
