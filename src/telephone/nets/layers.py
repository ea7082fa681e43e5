"""Layers that several papers share: residual block, attention, transformer block."""

from typing import TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

Net = TypeVar("Net", bound=nn.Module)
KeysValues = tuple[Float[Tensor, "batch heads m depth"], Float[Tensor, "batch heads m depth"]]
"""Keys and values of each head."""


def channels_last(net: Net) -> Net:
    """Lays out a net's convolutions channels last, which is faster on a CPU, and returns the net."""
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def whitening(
    rows: Float[Tensor, "n width"], floor: float
) -> tuple[Float[Tensor, "width width"], Float[Tensor, " width"]]:
    """Returns weight and bias of a linear layer that makes rows uncorrelated, with mean 0 and variance 1.

    Args:
        rows: vectors, many more than they are wide.
        floor: added to the variance of each direction, as a share of the mean variance.
    """
    mean = rows.mean(0)
    variance, directions = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))
    weight = directions.T / (variance.clamp(min=0) + floor * variance.mean()).sqrt()[:, None]
    return weight, -weight @ mean


class KeyValueCache:
    """Keys and values of earlier tokens in one layer; for generation, not for training."""

    def __init__(self) -> None:
        """Starts empty."""
        self.length = 0
        self._buffers: KeysValues | None = None

    def add(
        self, new: tuple[Float[Tensor, "batch heads new depth"], Float[Tensor, "batch heads new depth"]]
    ) -> KeysValues:
        """Appends the newest tokens and returns all; memory is allocated ahead, so most tokens cost no copy."""
        end = self.length + new[0].shape[2]
        if self._buffers is None or self._buffers[0].shape[2] < end:
            keys, values = self._buffers or (None, None)
            self._buffers = _longer(new[0], keys, end), _longer(new[1], values, end)
        for buffer, part in zip(self._buffers, new, strict=True):
            buffer[:, :, self.length : end] = part
        self.length = end
        return self._buffers[0][:, :, :end], self._buffers[1][:, :, :end]

    def reorder(self, rows: Int[Tensor, " other"]) -> None:
        """Makes row `rows[i]` of the batch its new row i."""
        if self._buffers is not None:
            self._buffers = self._buffers[0][rows], self._buffers[1][rows]


def _longer(new: Tensor, old: Tensor | None, length: int) -> Tensor:
    batch, heads, _, depth = new.shape
    buffer = new.new_zeros(batch, heads, length + 64, depth)
    if old is not None:
        buffer[:, :, : old.shape[2]] = old
    return buffer


class ResBlock(nn.Module):
    """Two 3x3 convolutions with group normalisation, a shift and scale from the time embedding, and a shortcut."""

    def __init__(self, inputs: int, outputs: int, time_width: int | None = None) -> None:
        """`time_width` None makes a block without time embedding (the autoencoder's)."""
        super().__init__()
        self.norm1 = nn.GroupNorm(8, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time = nn.Linear(time_width, 2 * outputs) if time_width else None
        self.norm2 = nn.GroupNorm(8, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.conv2.weight)

    def forward(
        self, x: Float[Tensor, "batch inputs h w"], time: Float[Tensor, "batch time"] | None = None
    ) -> Float[Tensor, "batch outputs h w"]:
        """Returns features of the same height and width."""
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.norm2(h)
        if self.time is not None and time is not None:
            scale, shift = self.time(F.silu(time))[:, :, None, None].chunk(2, dim=1)
            h = h * (1 + scale) + shift
        return self.shortcut(x) + self.conv2(F.silu(h))


class Attention(nn.Module):
    """Multi-head attention; keys and values come from `context`, or from the input itself."""

    def __init__(self, width: int, context_width: int | None = None, heads: int = 4, bias: bool = False) -> None:
        """`context_width` None makes self-attention; `bias` is for queries, keys and values."""
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=bias)
        self.key_value = nn.Linear(context_width or width, 2 * width, bias=bias)
        self.out = nn.Linear(width, width)

    def keys(self, context: Float[Tensor, "batch m context"]) -> KeysValues:
        """Returns keys and values [batch, heads, m, width / heads], to be computed once and attended to often."""
        k, v = self.key_value(context).unflatten(-1, (2, self.heads, -1)).unbind(2)
        return k.transpose(1, 2), v.transpose(1, 2)

    def attend(
        self,
        x: Float[Tensor, "batch n width"],
        keys: KeysValues,
        mask: Bool[Tensor, "batch m"] | None = None,
        causal: bool = False,
    ) -> Float[Tensor, "batch n width"]:
        """Returns softmax(QK^T / sqrt(d)) V (Vaswani et al. 2017, eq. 1); `mask` is true at valid keys."""
        q = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        allowed = None if mask is None else mask[:, None, None, :]
        h = F.scaled_dot_product_attention(q, *keys, attn_mask=allowed, is_causal=causal)
        return self.out(h.transpose(1, 2).flatten(2))

    def forward(
        self,
        x: Float[Tensor, "batch n width"],
        context: Float[Tensor, "batch m context"] | None = None,
        mask: Bool[Tensor, "batch m"] | None = None,
    ) -> Float[Tensor, "batch n width"]:
        """Attends from `x` to the context, or to `x` itself."""
        return self.attend(x, self.keys(x if context is None else context), mask)


class TransformerBlock(nn.Module):
    """Self-attention, cross-attention if there is a context, and a two-layer net, each pre-normalised and residual."""

    def __init__(self, width: int, heads: int, context_width: int | None = None, expand: int = 4) -> None:
        """`context_width` None omits the cross-attention."""
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.self_attention = Attention(width, None, heads)
        self.cross_norm = nn.LayerNorm(width) if context_width else None
        self.cross_attention = Attention(width, context_width, heads) if context_width else None
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, expand * width), nn.GELU(), nn.Linear(expand * width, width))

    def forward(
        self,
        x: Float[Tensor, "batch n width"],
        context: Float[Tensor, "batch m context"] | None = None,
        mask: Bool[Tensor, "batch n"] | None = None,
        context_mask: Bool[Tensor, "batch m"] | None = None,
    ) -> Float[Tensor, "batch n width"]:
        """Returns the output sequence."""
        x = x + self.self_attention(self.norm1(x), mask=mask)
        if self.cross_attention is not None and self.cross_norm is not None:
            x = x + self.cross_attention(self.cross_norm(x), context, context_mask)
        return x + self.mlp(self.norm2(x))
