"""8-bit weights: integers and one scale a row. It halves a file; weights change by less than 0.8 % (root mean square).

A row holds the weights of one output of a matrix or kernel, so rows of small weights keep their precision. The scale is
given by the row's largest weight; clipping the largest weights for a finer scale lowers the squared error of no file
here.
"""

import torch
from jaxtyping import Float, Int8, Shaped
from torch import Tensor

FROM = 4096
"""Tensors with fewer elements stay in half precision: they are small, and biases and norms are sensitive."""
TOP = 127
SCALE = ":scale"
"""Suffix of the names of scale tensors; no parameter's name contains a colon."""

Tensors = dict[str, Shaped[Tensor, "..."]]
"""Weights by name."""


def pack(tensors: Tensors) -> Tensors:
    """Returns the tensors with every large one replaced by its 8-bit integers and their scales."""
    packed: Tensors = {}
    for name, value in tensors.items():
        if _worth_it(value):
            packed[name], packed[name + SCALE] = to_8_bits(value.float())
        else:
            packed[name] = value
    return packed


def unpack(tensors: Tensors) -> Tensors:
    """Returns the input of `pack` up to rounding: 8-bit integers times scales, other tensors unchanged."""
    return {
        name: from_8_bits(value, tensors[name + SCALE]) if name + SCALE in tensors else value
        for name, value in tensors.items()
        if not name.endswith(SCALE)
    }


def to_8_bits(value: Float[Tensor, "rows *rest"]) -> tuple[Int8[Tensor, "rows *rest"], Float[Tensor, " rows"]]:
    """Returns integers in [-127, 127] and one scale a row, rounded to half precision.

    The error of a weight is at most half a scale, plus 0.05 % for the largest if the scale was rounded down.
    """
    scale = (value.flatten(1).abs().amax(1) / TOP).half().float()
    steps = value / scale.clamp_min(torch.finfo(torch.float32).tiny).view(-1, *[1] * (value.dim() - 1))
    return steps.round().clamp(-TOP, TOP).to(torch.int8), scale


def from_8_bits(steps: Int8[Tensor, "rows *rest"], scale: Float[Tensor, " rows"]) -> Float[Tensor, "rows *rest"]:
    """Returns the weights in float32."""
    return steps.float() * scale.float().view(-1, *[1] * (steps.dim() - 1))


def _worth_it(value: Shaped[Tensor, "..."]) -> bool:
    """Returns whether a tensor is large, has rows, and has scales that half precision represents precisely."""
    if not value.is_floating_point() or value.dim() < 2 or value.numel() < FROM:
        return False
    top = value.abs().max()
    return bool(top < TOP * torch.finfo(torch.float16).max) and bool(top.isfinite())
