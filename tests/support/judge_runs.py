"""A small run of fake players on disk, and an embedder whose vectors can be worked out by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from telephone import battle
from telephone.core.records import Prompt
from telephone.models import Embedder, Traits
from telephone.store import Run

COLOURS = ("red", "green", "blue")


class ColourEmbedder(Embedder):
    """Counts the words red, green and blue, and remembers which texts it was given."""

    name = "colours"

    def __init__(self) -> None:
        self.given: list[str] = []

    def traits(self) -> Traits:
        return Traits("colours-1", seeds=True, max_tokens=40)

    def count_cut(self, text: str) -> int:
        return max(0, len(text.split()) - 40)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.given += texts
        return np.array([[text.split().count(colour) for colour in COLOURS] for text in texts], dtype=np.float32)


def played(
    folder: Path,
    prompts: Sequence[Prompt],
    drawers: Sequence[str] = ("fake/painter", "fake/painter?size=32"),
    describers: Sequence[str] = ("fake/captioner", "fake/captioner?loss=0.3"),
    turns: int = 3,
) -> Run:
    """A finished run of every pair of fake players."""
    description = battle.plan(battle.grid(drawers, describers), prompts, turns=turns, seed=7)
    run = battle.begin(folder, description)
    battle.play(run, battle.Roster())
    return run
