"""What the tokens of a visual abstractor are taught to say: one fact of the picture each, in a sentence's order."""

import numpy as np
import torch
from torch import Tensor, nn

from telephone.nets.language_model import LanguageModel
from telephone.nets.tokenizer import ChatTokenizer
from telephone.train.common import data
from telephone.world.scene import COLOURS, KINDS, PLACES, SETTINGS, SIZES, STYLES, TIMES, WEATHERS, Scene

WHOLE = ("style", "setting", "time", "weather")
"""The first tokens, one each."""
CELL = ("place", "count", "size", "colour", "kind")
"""Then so many for each of the six cells."""
QUERIES = len(WHOLE) + len(CELL) * len(PLACES)
SILENT = ","
"""Stands where a fact goes without saying, and in empty cells."""

WORDS: dict[str, tuple[str, ...]] = {
    "style": ("picture", *STYLES[1:]),
    "setting": (SILENT, *SETTINGS),
    "time": (SILENT, *TIMES[1:]),
    "weather": (SILENT, *WEATHERS[1:]),
    "count": ("a", "two", "three", "four"),
    "size": (SILENT, *SIZES[1:]),
    "colour": (SILENT, *COLOURS),
    "kind": (SILENT, *KINDS),
}
"""A word for each answer, in the order of `CELL_FACTS` and `SCENE_FACTS`."""


class FactHeads(nn.Module):
    """Small heads that ask the queries of an abstractor for the facts of cells and scene; thrown away in the end."""

    def __init__(self, width: int) -> None:
        """Builds one head a kind of fact; the six cells share theirs."""
        super().__init__()
        sizes = data.CELL_FACTS | data.SCENE_FACTS
        self.heads = nn.ModuleDict({name: nn.Linear(width, size) for name, size in sizes.items()})

    def forward(self, gathered: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits of the cells [batch, 6, answers] and of the whole [batch, answers]."""
        cells = gathered[:, len(WHOLE) :].unflatten(1, (len(PLACES), len(CELL)))
        said = [self.heads[name](cells[:, :, CELL.index(name)]) for name in data.CELL_FACTS]
        whole = [self.heads[name](gathered[:, WHOLE.index(name)]) for name in data.SCENE_FACTS]
        return torch.cat(said, -1), torch.cat(whole, -1)


def targets(scenes: list[Scene]) -> tuple[Tensor, Tensor]:
    """Returns the facts of the cells [n, 6, 4] and of the scenes [n, 4]."""
    cells = np.stack([data.cell_targets(scene) for scene in scenes])
    return torch.from_numpy(cells), torch.from_numpy(np.stack([data.scene_targets(scene) for scene in scenes]))


def vectors(scenes: list[Scene], model: LanguageModel, tokenizer: ChatTokenizer) -> Tensor:
    """Returns the language model's own vectors of the words that the tokens should say, [n, QUERIES, width]."""
    table = {name: _vectors_of(words, model, tokenizer) for name, words in WORDS.items()}
    places, silent = _vectors_of(PLACES, model, tokenizer), _vectors_of((SILENT,), model, tokenizer)
    cells, whole = targets(scenes)
    said = [table[name][whole[:, list(data.SCENE_FACTS).index(name)]][:, None] for name in WHOLE]
    empty = cells[..., 0] == 0
    facts = [places.expand(len(scenes), -1, -1)]
    facts += [table[name][cells[..., list(data.CELL_FACTS).index(name)].clamp(min=0)] for name in CELL[1:]]
    things = torch.where(empty[..., None, None], silent, torch.stack(facts, 2))
    return torch.cat([*said, things.flatten(1, 2)], 1)


def _vectors_of(phrases: tuple[str, ...], model: LanguageModel, tokenizer: ChatTokenizer) -> Tensor:
    with torch.no_grad():
        found = [model.embed(torch.tensor([tokenizer.encode(phrase)]))[0].mean(0) for phrase in phrases]
    return torch.stack(found).cpu()


def best_linear(inputs: Tensor, outputs: Tensor, ridge: float = 1e-3) -> tuple[Tensor, Tensor]:
    """Returns weight [out, in] and bias [out] of the linear layer nearest to the pairs, by ridge regression.

    Args:
        inputs: [n, in]
        outputs: [n, out]
        ridge: strength of the pull to zero, as a share of the mean square of the inputs.
    """
    mean_in, mean_out = inputs.mean(0), outputs.mean(0)
    x, y = (inputs - mean_in).double(), (outputs - mean_out).double()
    square = x.T @ x
    square += ridge * square.diagonal().mean() * torch.eye(len(square), dtype=square.dtype)
    weight = torch.linalg.solve(square, x.T @ y).T.float()
    return weight, mean_out - weight @ mean_in
