"""Linear heads that predict the facts of a scene from a net's features. They guide the training and are not shipped.

A scene has facts about each of its six cells and facts about the whole (`telephone.world.facts`). Pre-training on them
stands in for the large corpora that the papers' encoders have seen before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.train.common.losses import facts_loss
from telephone.world.facts import CELL_FACTS, SCENE_FACTS, cell_targets, scene_targets
from telephone.world.scene import PLACES, Scene

WHOLE_QUERIES = ("style", "setting", "time", "weather")
"""Facts of the first queries of an abstractor, one each."""
CELL_QUERIES = ("place", "count", "size", "colour", "kind")
"""Facts of the following queries, so many for each of the six cells; the order is that of a sentence."""
QUERIES = len(WHOLE_QUERIES) + len(CELL_QUERIES) * len(PLACES)
"""Queries of an abstractor with one query a fact."""
VECTORS = len(PLACES) + 1
"""Vectors of an encoder with one query a cell and one for the whole."""


class FactHeads(nn.Module):
    """One linear head a kind of fact; the six cells share theirs."""

    def __init__(self, width: int) -> None:
        """Builds the heads for vectors of this width."""
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(width, size) for name, size in (CELL_FACTS | SCENE_FACTS).items()})

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits of the cells [batch, 6, answers] and of the whole [batch, answers].

        Args:
            vectors: [batch, 7, width], six cells and the whole; or [batch, QUERIES, width], one query a fact, in the
                order of `WHOLE_QUERIES` and `CELL_QUERIES`.

        Raises:
            ValueError: there is another number of vectors.
        """
        if vectors.shape[1] == VECTORS:
            cells = [self.heads[name](vectors[:, :-1]) for name in CELL_FACTS]
            whole = [self.heads[name](vectors[:, -1]) for name in SCENE_FACTS]
        elif vectors.shape[1] == QUERIES:
            grid = vectors[:, len(WHOLE_QUERIES) :].unflatten(1, (len(PLACES), len(CELL_QUERIES)))
            cells = [self.heads[name](grid[:, :, CELL_QUERIES.index(name)]) for name in CELL_FACTS]
            whole = [self.heads[name](vectors[:, WHOLE_QUERIES.index(name)]) for name in SCENE_FACTS]
        else:
            raise ValueError(f"there must be {VECTORS} or {QUERIES} vectors, not {vectors.shape[1]}")
        return torch.cat(cells, -1), torch.cat(whole, -1)


class EmbeddingFactHeads(nn.Module):
    """Linear heads on a single embedding of the whole image or sentence."""

    def __init__(self, width: int) -> None:
        """Builds the heads for embeddings of this width."""
        super().__init__()
        self.cells = nn.Linear(width, len(PLACES) * sum(CELL_FACTS.values()))
        self.whole = nn.Linear(width, sum(SCENE_FACTS.values()))

    def forward(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits of the cells [batch, 6, answers] and of the whole [batch, answers]; ignores the length."""
        h = F.normalize(embedding, dim=-1) * embedding.shape[-1] ** 0.5
        return self.cells(h).unflatten(1, (len(PLACES), -1)), self.whole(h)


class EncoderWithHeads(nn.Module):
    """An encoder and the heads on the vectors that it returns."""

    def __init__(self, encoder: nn.Module, width: int) -> None:
        """Adds fresh heads to an encoder whose vectors have this width."""
        super().__init__()
        self.encoder = encoder
        self.heads = FactHeads(width)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits of the cells [batch, 6, answers] and of the whole [batch, answers]."""
        logits: tuple[Tensor, Tensor] = self.heads(self.encoder(inputs))
        return logits


def fact_targets(scenes: Sequence[Scene]) -> tuple[Tensor, Tensor]:
    """Returns the facts of the cells [n, 6, 4] (-1: undefined, as in empty cells) and of the scenes [n, 4], int64."""
    cells: list[NDArray[np.int64]] = [cell_targets(scene) for scene in scenes]
    whole: list[NDArray[np.int64]] = [scene_targets(scene) for scene in scenes]
    return (
        torch.from_numpy(np.stack(cells)) if cells else torch.zeros(0, len(PLACES), len(CELL_FACTS), dtype=torch.int64),
        torch.from_numpy(np.stack(whole)) if whole else torch.zeros(0, len(SCENE_FACTS), dtype=torch.int64),
    )


@dataclass
class FactTargets:
    """The facts of all training scenes as targets of the heads."""

    cells: Tensor
    """int64 [n, 6, 4]"""
    whole: Tensor
    """int64 [n, 4]"""

    @classmethod
    def of(cls, scenes: Sequence[Scene], device: str | torch.device = "cpu") -> "FactTargets":
        """Returns the targets of these scenes on a device."""
        cells, whole = fact_targets(scenes)
        return cls(cells.to(device), whole.to(device))

    def rows(self, rows: NDArray[np.int64] | Tensor) -> tuple[Tensor, Tensor]:
        """Returns the targets of some scenes: [batch, 6, 4] and [batch, 4]."""
        return self.cells[rows], self.whole[rows]

    def loss(self, logits: tuple[Tensor, Tensor], rows: NDArray[np.int64] | Tensor) -> tuple[Tensor, float]:
        """Returns the loss of logits about some scenes, and the share of scenes with every fact right."""
        cells, whole = (part.to(logits[0].device) for part in self.rows(rows))
        return facts_loss(logits, cells, whole)
