"""Overhead of the engine and the store with models that take almost no time: milliseconds a hop, memory by run size.

    python benchmarks/engine_speed.py

Every hop is on the disk (a commit waits for it) before the next one of its game is requested, and no two turns are
alike, so hardly a call is saved. Each size runs in a separate process, whose peak memory is reported.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from telephone.battle import Roster, begin, grid, plan, play
from telephone.core.records import Prompt
from telephone.core.seeds import digest
from telephone.models import Image2Text, Text2Image, Traits, barcode

TURNS = 10
COLUMNS = ("games", "hops", "calls", "s", "ms/hop", "resume s", "MiB", "disk MiB")


class Painter(Text2Image):
    """Writes the text into a picture whose size is its own."""

    def __init__(self, number: int) -> None:
        self.name, self.size = f"painter-{number}", 64 + 8 * number

    def generate_images(self, texts: list[str]) -> list[Image.Image]:
        """Returns one picture a text."""
        return [barcode.draw(text.encode(), self.size) for text in texts]

    def traits(self) -> Traits:
        """Returns the traits of the model."""
        return Traits(self.name, batch_size=64, seeds=True, price=0.0)


class Reader(Image2Text):
    """Reads the text back and changes its last word, every time into another one."""

    def __init__(self, number: int) -> None:
        self.name = f"reader-{number}"

    def generate_texts(self, images: list[Image.Image]) -> list[str]:
        """Returns one text a picture."""
        texts = [(barcode.read(image) or b"").decode() for image in images]
        return [f"{text.rpartition(' ')[0]} {digest(self.name, text)[:8]}" for text in texts]

    def traits(self) -> Traits:
        """Returns the traits of the model."""
        return Traits(self.name, batch_size=64, seeds=True, price=0.0)


def battle(folder: Path, games: int) -> str:
    """Plays so many games with twelve pairs of models and returns a row of the table."""
    roster = Roster()
    lines = grid([roster.add(Painter(n)) for n in range(3)], [roster.add(Reader(n)) for n in range(4)])
    words = "An apple, a lantern and a violin on a wooden table by the window of a house above the harbour, number"
    prompts = [Prompt(f"{words} {number}") for number in range(games // len(lines))]
    clock = time.perf_counter()
    with begin(folder, plan(lines, prompts, turns=TURNS, models=roster)) as run:
        summary = play(run, roster)
        seconds = time.perf_counter() - clock
        if summary.done != games:
            raise RuntimeError(f"Only {summary.done} of {games} games were played to their end.")
        again = time.perf_counter()
        play(run, roster)
        again = time.perf_counter() - again
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20
    each = 1000 * seconds / summary.hops
    row = (f"{seconds:.1f}", f"{each:.2f}", f"{again:.2f}", f"{memory:.0f}", f"{disk:.1f}")
    return "".join(f"{value:>10}" for value in (games, summary.hops, summary.calls, *row))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("games", type=int, nargs="*", default=[12, 120, 1200])
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        with tempfile.TemporaryDirectory() as folder:
            print(battle(Path(folder) / "run", given.games[0]), flush=True)
        return
    print("".join(f"{head:>10}" for head in COLUMNS), flush=True)
    for games in given.games:
        subprocess.run([sys.executable, __file__, str(games), "--alone"], check=True)


if __name__ == "__main__":
    main()
