"""The reader's net: shapes, which cell sees what, and that it can learn."""

import dataclasses
import json

import pytest
import torch
from torch import nn

from telephone.nets.checkpoint import count_parameters
from telephone.nets.reader import ReaderBlock, ReaderConfig, SceneReaderNet

TINY = ReaderConfig(stem=8, trunk=8, cell=8, hidden=16, scene=8)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return SceneReaderNet(TINY).eval()


def test_a_picture_becomes_answers_about_six_cells_and_the_whole(net):
    cells, whole = net(torch.zeros(2, 3, 64, 64))
    assert cells.shape == (2, 6, 33 + 11 + 3 + 4)
    assert whole.shape == (2, 9 + 3 + 5 + 4)


def test_a_config_survives_json():
    config = ReaderConfig(trunk=48, cell_answers=(2, 3), scene_answers=(4,))
    assert ReaderConfig.from_dict(json.loads(json.dumps(dataclasses.asdict(config)))) == config


def test_windows_follow_the_places_of_the_world(net):
    patches = torch.arange(16.0)[:, None] * 100 + torch.arange(16.0)
    windows = net.windows(patches.expand(1, 1, 16, 16))
    assert windows.shape == (1, 6, 1, 8, 6)
    assert [float(window[0, 0, 0]) for window in windows[0]] == [800, 805, 810, 0, 5, 10]
    assert float(windows[0, 2, 0, -1, -1]) == 1515


@pytest.mark.parametrize("cell", range(6))
def test_a_change_in_one_corner_of_the_picture_moves_its_own_cell_most(net, cell):
    """Cells are left, middle, right of the lower row, then of the upper one."""
    plain, changed = torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    top, left = (40, 8)[cell // 3], (4, 26, 48)[cell % 3]
    changed[:, :, top : top + 12, left : left + 12] = 1
    moved = (net(changed)[0] - net(plain)[0]).abs().mean(-1)[0]
    assert int(moved.argmax()) == cell


def test_the_shipped_shape_fits_into_four_megabytes():
    assert count_parameters(SceneReaderNet(ReaderConfig())) < 2e6


def test_a_block_starts_as_the_identity():
    x = torch.rand(2, 8, 4, 4)
    assert torch.equal(ReaderBlock(8).eval()(x), x)


def test_it_learns_what_stands_where():
    torch.manual_seed(1)
    net = SceneReaderNet(dataclasses.replace(TINY, cell_answers=(3,), scene_answers=(2,)))
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
    target = torch.randint(0, 3, (12, 6))
    x = torch.zeros(12, 3, 64, 64)
    for cell in range(6):
        top, left = (40, 8)[cell // 3], (4, 26, 48)[cell % 3]
        x[:, :, top : top + 12, left : left + 12] = (target[:, cell, None, None, None] - 1).float()
    for _ in range(25):
        loss = nn.functional.cross_entropy(net(x)[0].flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (net(x)[0].argmax(-1) == target).float().mean() > 0.95
