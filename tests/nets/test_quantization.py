"""Weights in 8 bits: small errors, half the bytes, the same bytes every time, read like any other file."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from telephone.nets import quantize_file
from telephone.nets.checkpoint import read_metadata, read_tensors, read_weights, save_weights, write_tensors
from telephone.nets.quantization import FROM, from_8_bits, pack, to_8_bits, unpack


@dataclass
class Shape:
    width: int = 64


def net(seed=0):
    torch.manual_seed(seed)
    parts = {
        "wide": nn.Linear(64, 96),
        "kernel": nn.Conv2d(32, 32, 3),
        "norm": nn.BatchNorm1d(64),
        "small": nn.Linear(4, 4),
    }
    return nn.ModuleDict(parts)


SHAPES = st.lists(st.integers(1, 7), min_size=2, max_size=4)


@settings(max_examples=60, deadline=None)
@given(SHAPES, st.floats(-4, 4), st.integers(0, 1000))
def test_a_weight_is_off_by_half_a_step_of_its_row(shape, power, seed):
    value = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 10**power
    steps, scale = to_8_bits(value)
    back = from_8_bits(steps, scale)
    assert back.shape == value.shape
    assert steps.dtype == torch.int8
    row = value.flatten(1).abs().amax(1)
    # Half a step, half a percent of a thousandth for the scale's own rounding, and the smallest step there is.
    bound = (row / 254 * 1.001 + row * 0.0005 + 127 * 2.0**-25).view(-1, *[1] * (value.dim() - 1))
    assert bool(((back - value).abs() <= bound).all())


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 200), st.integers(0, 1000))
def test_packing_keeps_names_and_shapes_and_is_settled_after_once(rows, columns, seed):
    generator = torch.Generator().manual_seed(seed)
    tensors = {"a": torch.randn(rows, columns, generator=generator), "n": torch.tensor(7)}
    packed = pack(tensors)
    assert ("a:scale" in packed) == (rows * columns >= FROM)
    once = unpack(packed)
    assert {name: value.shape for name, value in once.items()} == {name: value.shape for name, value in tensors.items()}
    assert torch.equal(once["n"], tensors["n"])
    twice = unpack(pack(once))
    assert torch.allclose(twice["a"], once["a"], atol=float(once["a"].abs().max()) / 254)


def test_rows_of_nothing_stay_nothing_and_leave_their_neighbours_alone():
    value = torch.randn(64, 64)
    value[3] = 0.0
    value[5] *= 1e-3
    back = unpack(pack({"a": value}))["a"]
    assert torch.equal(back[3], torch.zeros(64))
    assert (back[5] - value[5]).norm() < 0.02 * value[5].norm()
    assert not back.isnan().any()


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), 1e7])
def test_what_no_scale_can_hold_stays_as_it_is(odd):
    value = torch.zeros(64, 64)
    value[0, 0] = odd
    assert list(pack({"a": value})) == ["a"]


def test_a_file_in_8_bits_is_half_as_long_and_reads_like_any_other(tmp_path):
    made = net()
    save_weights(tmp_path / "half", made, Shape(), {"seed": 1})
    save_weights(tmp_path / "eight", made, Shape(), {"seed": 1}, bits=8)
    assert (tmp_path / "eight").stat().st_size < 0.6 * (tmp_path / "half").stat().st_size
    assert read_metadata(tmp_path / "eight") == ({"width": 64}, {"seed": 1})
    twin = net(seed=1)
    read_weights([tmp_path / "eight"], twin)
    for name, value in made.state_dict().items():
        back = twin.state_dict()[name]
        assert back.dtype == value.dtype, name
        if value.numel() < FROM:
            assert torch.equal(back, value.half().to(value.dtype) if value.is_floating_point() else value), name
        else:
            assert 0 < (back - value).norm() < 0.01 * value.norm(), name


def test_files_of_both_sorts_go_into_one_net_and_parts_can_be_read_alone(tmp_path):
    made, twin = net(), net(seed=1)
    save_weights(tmp_path / "one", made, Shape(), {}, ("wide.", "norm."), bits=8)
    save_weights(tmp_path / "two", made, Shape(), {}, ("kernel.", "small."))
    read_weights([tmp_path / "one", tmp_path / "two"], twin)
    assert torch.allclose(twin["kernel"].weight, made["kernel"].weight, atol=1e-3)
    assert sorted(read_tensors(tmp_path / "one", ("wide.",))) == ["wide.bias", "wide.weight"]
    with pytest.raises(RuntimeError, match=r"small\.bias"):
        read_weights([tmp_path / "one"], twin)


def test_a_file_in_8_bits_has_the_same_bytes_each_time(tmp_path):
    contents = set()
    for name in "abcdef":
        save_weights(tmp_path / name, net(), Shape(), {"seed": 0}, bits=8)
        contents.add((tmp_path / name).read_bytes())
    assert len(contents) == 1


def test_other_numbers_of_bits_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="8 or 16"):
        write_tensors(tmp_path / "a", {"a": torch.zeros(2)}, {}, bits=4)
    assert not list(tmp_path.iterdir())


def test_the_command_converts_there_and_back(tmp_path, capsys):
    half, eight, back = (tmp_path / name for name in ("half", "eight", "back"))
    save_weights(half, net(), Shape(), {"seed": 1})
    quantize_file.main([str(half), str(eight)])
    assert "MiB" in capsys.readouterr().out
    save_weights(tmp_path / "straight", net(), Shape(), {"seed": 1}, bits=8)
    assert read_metadata(eight) == read_metadata(tmp_path / "straight")
    quantize_file.main([str(eight), str(back), "--bits", "16"])
    read_weights([back], net(seed=1))
    assert back.stat().st_size == half.stat().st_size
