"""CPU seconds and memory of the statistics and the report of a run that has been played and judged.

    python benchmarks/statistics_speed.py
    python benchmarks/statistics_speed.py --games 120 2000
    python benchmarks/statistics_speed.py --run runs/first

Twelve lines of lossy fakes play prompts of the pocket world for ten turns, and two embedders without weights judge them
in full; then the measurement starts. The inputs of each embedder are counted, to show that no text and no image is
embedded twice. Each size runs in its own process; its peak memory is printed, and its CPU seconds from the start.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone import battle as battles
from telephone import world
from telephone.analysis import summarise
from telephone.core.records import LEVELS, Prompt
from telephone.judge import score
from telephone.models import Embedder, Traits, name_of
from telephone.models import embedder as embedder_at
from telephone.models.synthetic.fake import read_text
from telephone.report import write_report
from telephone.store import Run

TURNS = 10
LAZY = ("pairwise_differences", "bradley_terry", "swap_gains", "oracle_swaps", "control_means", "convergence")


class Letters(Embedder):
    """An embedder that counts pairs of letters and needs no weights."""

    name = "letters"

    def traits(self) -> Traits:
        """Returns the traits of the embedder."""
        return Traits("letters 1", batch_size=256, seeds=True, price=0.0)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, 256]."""
        rows = np.zeros((len(texts), 256), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            code = np.frombuffer(text.encode(), dtype=np.uint8).astype(np.int64)
            np.add.at(row, (code[1:] * 31 + code[:-1]) % 256, 1)
        return rows

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Returns the vectors of the texts that the images encode."""
        return self.embed_texts([read_text(image) for image in images])


class Counting(Embedder):
    """Passes all inputs to an embedder and records them."""

    def __init__(self, inner: Embedder) -> None:
        self.inner, self.name = inner, name_of(inner)
        self.texts: list[str] = []
        self.images: list[bytes] = []

    def __str__(self) -> str:
        """Returns the numbers of embedded and of distinct contents."""
        parts = [
            f"{len(given)} {kind} embedded, {len(set(given))} distinct"
            for kind, given in (("texts", self.texts), ("images", self.images))
        ]
        return "; ".join(parts)

    def traits(self) -> Traits:
        """Returns the traits of the inner embedder."""
        return self.inner.traits()

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns the vectors of the inner embedder."""
        self.texts += texts
        return self.inner.embed_texts(texts)

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Returns the vectors of the inner embedder."""
        self.images += [image.tobytes() for image in images]
        return self.inner.embed_images(images)


def prompts(count: int) -> list[Prompt]:
    """Returns this many scenes in words, equally many of each level."""
    made = [
        Prompt(world.caption(world.sample(level, seed)), level)
        for seed in range(count // len(LEVELS) + 1)
        for level in LEVELS
    ]
    return list({prompt.text: prompt for prompt in made}.values())[:count]


def battle(folder: Path, games: int) -> None:
    """Plays and judges this many games."""
    t2i = [f"fake/painter?loss={loss}" for loss in (0.02, 0.05, 0.1)]
    i2t = [f"fake/captioner?loss={loss}" for loss in (0.01, 0.03, 0.06, 0.09)]
    spec = battles.plan(battles.grid(t2i, i2t), prompts(round(games / 12)), turns=TURNS)
    with battles.begin(folder, spec) as run:
        battles.play(run)
        played = time.process_time()
        judges = [Counting(embedder_at("fake/embedder")), Counting(Letters())]
        score(run, judges, full=True)
    judged = time.process_time() - played
    print(f"{games} games played in {played:.0f} CPU s, judged in full in {judged:.0f} CPU s", file=sys.stderr)
    for judge in judges:
        print(f"  {judge.name}: {judge}", file=sys.stderr, flush=True)


def measured(folder: Path) -> str:
    """Returns the row of the table for a judged run."""
    with Run.open(folder) as run:
        games = len(run.games())
        start = time.perf_counter()
        found = summarise(run)
        for name in LAZY:
            getattr(found, name)
        statistics = time.perf_counter() - start
        page = write_report(run, folder / "report.html")
        both = time.perf_counter() - start
    busy = time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = page.stat().st_size / 2**20
    return f"{games:6} {statistics:12.1f} {both:16.1f} {busy:6.1f} {memory:8.0f} {size:10.1f}"


def main() -> None:
    """Prints one row for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, nargs="+", default=[120, 2000])
    parser.add_argument("--run", type=Path, help="measure only this run")
    parser.add_argument("--make", type=Path, help="only play a run in this folder")
    options = parser.parse_args()
    if options.make is not None:
        battle(options.make, options.games[0])
        return
    if options.run is not None:
        print(measured(options.run))
        return
    print(
        f"{'games':>6} {'statistics s':>12} {'with report s':>16} {'CPU s':>6} {'MiB':>8} {'page MiB':>10}", flush=True
    )
    for games in options.games:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "run"
            script = [sys.executable, __file__]
            subprocess.run([*script, "--make", str(folder), "--games", str(games)], check=True)
            subprocess.run([*script, "--run", str(folder)], check=True)


if __name__ == "__main__":
    main()
