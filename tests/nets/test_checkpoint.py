"""Weight files: the same bytes every time, and back again."""

import json
from dataclasses import dataclass

import torch
from torch import nn

from telephone.nets.checkpoint import read_metadata, read_weights, save_weights


@dataclass
class Shape:
    inputs: int = 5
    outputs: int = 3


def test_a_file_has_the_same_bytes_each_time_and_is_read_back(tmp_path):
    net, about = nn.Linear(5, 3), {"player": "a", "seed": 0, "minutes": 1.5}
    contents = set()
    for name in "abcdefgh":
        save_weights(tmp_path / name, net, Shape(), about)
        contents.add((tmp_path / name).read_bytes())
    assert len(contents) == 1
    assert read_metadata(tmp_path / "a") == ({"inputs": 5, "outputs": 3}, about)
    again = nn.Linear(5, 3)
    read_weights([tmp_path / "a"], again)
    assert torch.equal(again.weight, net.weight.half().float())


def test_the_header_is_aligned_json_that_ends_before_the_first_tensor(tmp_path):
    save_weights(tmp_path / "a", nn.Linear(5, 3), Shape(), {"odd": "length?"})
    content = (tmp_path / "a").read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    assert size % 8 == 0
    assert len(content) == 8 + size + max(row["data_offsets"][1] for name, row in header.items() if name[0] != "_")


def test_parts_of_a_net_make_files_of_their_own(tmp_path):
    net = nn.ModuleDict({"one": nn.Linear(2, 2), "two": nn.Linear(2, 2)})
    save_weights(tmp_path / "one", net, Shape(), {}, ("one.",))
    save_weights(tmp_path / "two", net, Shape(), {}, ("two.",))
    again = nn.ModuleDict({"one": nn.Linear(2, 2), "two": nn.Linear(2, 2)})
    read_weights([tmp_path / "one", tmp_path / "two"], again)
    assert torch.equal(again["two"].bias, net["two"].bias.half().float())
