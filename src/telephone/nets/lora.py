"""LoRA (Hu et al. 2021, arXiv 2106.09685): a frozen net is tuned by low-rank updates of its linear layers.

A linear layer W gets an update B A of low rank: W x + (alpha / r) B A x (section 4.1). A starts at random and B at
zero, so the output does not change at first; only A and B are trained. Afterwards B A can be merged into W at no cost.

The updates are in a separate module, `Adapters`, whose weights can be saved without those of the net.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class LowRank(nn.Module):
    """The update of one linear layer."""

    def __init__(self, inputs: int, outputs: int, rank: int, alpha: float) -> None:
        """Starts at zero: `up` is zero, `down` is initialised like `nn.Linear`."""
        super().__init__()
        self.scale = alpha / rank
        self.down = nn.Parameter(torch.empty(rank, inputs))
        self.up = nn.Parameter(torch.zeros(outputs, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def product(self) -> Float[Tensor, "outputs inputs"]:
        """Returns the update of the layer's weight: (alpha / r) B A."""
        return self.up @ self.down * self.scale

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Returns the update of the layer's output."""
        return F.linear(F.linear(x, self.down), self.up) * self.scale


class Adapted(nn.Module):
    """A frozen linear layer and its update."""

    def __init__(self, linear: nn.Linear, update: LowRank) -> None:
        """Combines both without copying."""
        super().__init__()
        self.linear, self.update = linear, update

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Returns W x + b + (alpha / r) B A x."""
        return self.linear(x) + self.update(x)


class Adapters(nn.Module):
    """The updates of all linear layers of a net with certain names; the net itself is not a part."""

    def __init__(self, net: nn.Module, names: Sequence[str], rank: int, alpha: float) -> None:
        """Builds updates for a net without changing the net.

        Args:
            net: the net to be tuned.
            names: last components of the layers' names, such as `query`.
            rank: r, the rank of the updates.
            alpha: the updates are multiplied by alpha / r.

        Raises:
            ValueError: the net has no linear layer of such a name.
        """
        super().__init__()
        found = {name: layer for name, layer in net.named_modules() if name.rpartition(".")[2] in names}
        linear = {name: layer for name, layer in found.items() if isinstance(layer, nn.Linear)}
        if not linear:
            raise ValueError(f"The net has no linear layer called {' or '.join(names)}: name other layers.")
        self.updates = nn.ModuleDict(
            {_key(name): LowRank(layer.in_features, layer.out_features, rank, alpha) for name, layer in linear.items()}
        )

    def _all(self) -> Iterator[tuple[str, LowRank]]:
        for key, update in self.updates.items():
            if isinstance(update, LowRank):
                yield key, update

    def attach(self, net: nn.Module) -> None:
        """Freezes the net and replaces each layer by layer plus update."""
        net.requires_grad_(requires_grad=False)
        for key, update in self._all():
            parent, child = _place(net, key)
            setattr(parent, child, Adapted(getattr(parent, child), update))
        self.requires_grad_(requires_grad=True)

    def detach(self, net: nn.Module) -> None:
        """Removes the updates; the net is as before `attach`, but still frozen."""
        for key in self.updates:
            parent, child = _place(net, key)
            setattr(parent, child, getattr(parent, child).linear)

    @torch.no_grad()
    def merge(self, net: nn.Module, share: float = 1.0) -> None:
        """Adds the updates times `share` to the weights of a net without attached updates; -1.0 undoes it."""
        for key, update in self._all():
            parent, child = _place(net, key)
            getattr(parent, child).weight.add_(update.product(), alpha=share)


def _key(name: str) -> str:
    return name.replace(".", "/")


def _place(net: nn.Module, key: str) -> tuple[nn.Module, str]:
    parent, _, child = key.rpartition("/")
    return net.get_submodule(parent.replace("/", ".")), child
