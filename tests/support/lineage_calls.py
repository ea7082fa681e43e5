"""Draws and embeds through a lineage context with models that count their calls; also a process that can be killed.

python lineage_calls.py FOLDER LOG --captions 40
"""

import argparse
from pathlib import Path

import numpy as np
from draw_captions import LoggingDrawer

from telephone.lineage.context import LineageContext, LoadKind
from telephone.models import Embedder, Model, Traits

REF = "own/drawer"


class CountingEmbedder(Embedder):
    """Embeds a text by its length and a picture by its first pixels; keeps how many items it was given."""

    def __init__(self) -> None:
        self.items = 0

    def embed_texts(self, texts):
        self.items += len(texts)
        return np.array([[len(text), 1.0, 0.0] for text in texts], np.float32)

    def embed_images(self, images):
        self.items += len(images)
        return np.array([np.asarray(image)[0, 0] + 1.0 for image in images], np.float32)

    def traits(self):
        return Traits("counting embedder 1", price=0.0)


class Roster:
    """A drawer that logs its calls, an embedder that counts, and everything else from the registry."""

    def __init__(self, log: Path, seconds: float = 0.0, fingerprint: str = "") -> None:
        self.drawer = LoggingDrawer(log, 0.0, seconds)
        self.embedder = CountingEmbedder()
        if fingerprint:
            self.drawer.limits = Traits(fingerprint, seeds=True, price=0.0)

    def __call__(self, ref: str, kind: LoadKind) -> Model:
        from telephone.lineage.context import load_by_kind

        own: dict[str, Model] = {REF: self.drawer, "own/embedder": self.embedder}
        return own[ref] if ref in own else load_by_kind(ref, kind)


def begun(log: Path) -> list[str]:
    """Returns the texts whose calls were sent, in order."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [line.removeprefix("begin ") for line in lines if line.startswith("begin ")]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--captions", type=int, default=40)
    given = parser.parse_args()
    texts = [f"caption {n}" for n in range(given.captions)]
    print("ready", flush=True)
    with LineageContext(given.folder, load=Roster(given.log, 0.02)) as context:
        context.draw(REF, texts, range(given.captions))
    print("complete", flush=True)


if __name__ == "__main__":
    main()
