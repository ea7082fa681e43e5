"""What the engine and the store cost with players that are all but free: milliseconds a hop, and memory as runs grow.

    python benchmarks/engine_speed.py

Every hop is on the disk (a commit waits for it) before the next one of its game is asked for. Each size runs in a process
of its own, whose largest memory is told.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from telephone.records import Prompt
from telephone.runs import begin, grid, plan, play

TURNS = 10
DRAWERS = [f"fake/painter?loss={loss}" for loss in ("0.01", "0.02", "0.03")]
DESCRIBERS = [f"fake/captioner?loss={loss}" for loss in ("0.01", "0.02", "0.03", "0.04")]


def sentence(number: int) -> str:
    """Returns a text of 60 words, long enough that most turns lose one of them."""
    things = ("apple", "lantern", "harbour", "violin", "kettle", "mountain")
    words = [f"{things[at % 6]}{(number * 7919 + at * 104729) % 1000}" for at in range(60)]
    return " ".join(words)


def battle(folder: Path, games: int) -> str:
    """Plays so many games and returns a line of the table."""
    prompts = [Prompt(sentence(number)) for number in range(games // (len(DRAWERS) * len(DESCRIBERS)))]
    clock = time.perf_counter()
    with begin(folder, plan(grid(DRAWERS, DESCRIBERS), prompts, turns=TURNS)) as run:
        summary = play(run)
        seconds = time.perf_counter() - clock
        if summary.done != games:
            raise RuntimeError(f"Only {summary.done} of {games} games were played to their end.")
        again = time.perf_counter()
        play(run)
        again = time.perf_counter() - again
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20
    each = 1000 * seconds / summary.hops
    return (
        f"{games:>6}{summary.hops:>8}{summary.calls:>8}{seconds:>9.1f}{each:>9.2f}"
        f"{1000 * seconds / summary.calls:>9.2f}{again:>9.2f}{memory:>9.0f}{disk:>8.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("games", type=int, nargs="*", default=[12, 120, 1200])
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        with tempfile.TemporaryDirectory() as folder:
            print(battle(Path(folder) / "run", given.games[0]), flush=True)
        return
    heads = ("games", "hops", "calls", "s", "ms/hop", "ms/call", "resume s", "MiB", "disk")
    print(
        "".join(f"{head:>{width}}" for head, width in zip(heads, (6, 8, 8, 9, 9, 9, 9, 9, 8), strict=True)), flush=True
    )
    for games in given.games:
        subprocess.run([sys.executable, __file__, str(games), "--alone"], check=True)


if __name__ == "__main__":
    main()
