"""Visual words: the word embeddings that the queries of an abstractor should produce, one fact of the image each.

They have the order of a sentence: style, setting, time, weather, then place, count, size, colour and kind of each cell.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from telephone.nets.language_model import LanguageModel
from telephone.nets.tokenizer import ChatTokenizer
from telephone.train.common.heads import CELL_QUERIES, WHOLE_QUERIES, fact_targets
from telephone.world.facts import CELL_FACTS, SCENE_FACTS
from telephone.world.scene import COLOURS, KINDS, PLACES, SETTINGS, SIZES, STYLES, TIMES, WEATHERS, Scene

SILENT = ","
"""Stands for a default value, and for every fact of an empty cell."""

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
"""A word for each value of each fact, in the order of `CELL_FACTS` and `SCENE_FACTS`."""


def word_embeddings(scenes: Sequence[Scene], model: LanguageModel, tokenizer: ChatTokenizer) -> Tensor:
    """Returns the language model's input embeddings of the visual words of scenes, [n, QUERIES, width]."""
    table = {name: _mean_embeddings(words, model, tokenizer) for name, words in WORDS.items()}
    places, silent = _mean_embeddings(PLACES, model, tokenizer), _mean_embeddings((SILENT,), model, tokenizer)
    cells, whole = fact_targets(scenes)
    around = [table[name][whole[:, list(SCENE_FACTS).index(name)]][:, None] for name in WHOLE_QUERIES]
    empty = cells[..., 0] == 0
    facts = [places.expand(len(scenes), -1, -1)]
    facts += [table[name][cells[..., list(CELL_FACTS).index(name)].clamp(min=0)] for name in CELL_QUERIES[1:]]
    things = torch.where(empty[..., None, None], silent, torch.stack(facts, 2))
    return torch.cat([*around, things.flatten(1, 2)], 1)


def _mean_embeddings(phrases: tuple[str, ...], model: LanguageModel, tokenizer: ChatTokenizer) -> Tensor:
    with torch.no_grad():
        found = [model.embed(torch.tensor([tokenizer.encode(phrase)]))[0].mean(0) for phrase in phrases]
    return torch.stack(found).cpu()
