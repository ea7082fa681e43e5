"""Weight files: the same bytes every time, in half precision, whole or in parts; and the moving average."""

import json
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from telephone.nets.checkpoint import Ema, count_parameters, read_metadata, read_weights, save_weights


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


@dataclass
class Width:
    width: int = 3


def make():
    torch.manual_seed(0)
    net = nn.ModuleDict({"body": nn.Linear(3, 3), "norm": nn.BatchNorm1d(3)})
    net["norm"](net["body"](torch.randn(4, 3)))  # so that the running mean and the count are not at their start
    return net


def test_weights_come_back_in_single_precision(tmp_path):
    net, path = make(), tmp_path / "deep" / "net.safetensors"
    save_weights(path, net, Width(), {"seed": 1})
    twin = nn.ModuleDict({"body": nn.Linear(3, 3), "norm": nn.BatchNorm1d(3)})
    read_weights([path], twin)
    for name, value in net.state_dict().items():
        back = twin.state_dict()[name]
        assert back.dtype == value.dtype, name
        assert torch.equal(back, value.half().to(value.dtype) if value.is_floating_point() else value), name
    assert int(twin["norm"].num_batches_tracked) == 1
    assert read_metadata(path) == ({"width": 3}, {"seed": 1})


def test_a_file_holds_the_parts_it_was_asked_for(tmp_path):
    net, body, rest = make(), tmp_path / "body.safetensors", tmp_path / "rest.safetensors"
    save_weights(body, net, Width(), {}, ("body.",))
    save_weights(rest, net, Width(), {}, ("norm.",))
    with pytest.raises(RuntimeError, match=r"norm\.weight"):
        read_weights([body], make())
    read_weights([body, rest], make())


def test_weights_of_another_shape_are_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    save_weights(path, nn.Linear(3, 2), Width(), {})
    with pytest.raises(RuntimeError, match="size mismatch"):
        read_weights([path], nn.Linear(3, 4))


def test_a_failed_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "net.safetensors"
    save_weights(path, make(), Width(), {"seed": 1})
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save_weights(path, make(), Width(), {"seed": object()})
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["net.safetensors"]


def test_the_average_forgets_its_beginning_and_counts_whole_numbers():
    net = make()
    ema = Ema(net, decay=0.99)
    start = ema.weights["body.weight"].clone()
    with torch.no_grad():
        net["body"].weight.add_(1.0)
    net["norm"].num_batches_tracked.fill_(7)
    ema.update(net)
    first = 2 / 11  # the decay of the first step, (1 + 1) / (10 + 1)
    assert torch.allclose(ema.weights["body.weight"], start + 1 - first)
    assert int(ema.weights["norm.num_batches_tracked"]) == 7
    for _ in range(2000):
        ema.update(net)
    assert torch.allclose(ema.weights["body.weight"], net["body"].weight, atol=1e-5)
    net["body"].weight.data.add_(1.0)
    ema.update(net)
    assert torch.allclose(ema.weights["body.weight"], net["body"].weight - 0.99, atol=1e-5)


def test_parameters_are_counted_and_buffers_are_not():
    assert count_parameters(make()) == 3 * 3 + 3 + 3 + 3
