"""What the statistics and the report cost of a run that has been played and judged: seconds and memory.

    python benchmarks/statistics_speed.py
    python benchmarks/statistics_speed.py --games 120 2000

Twelve lines of fakes that lose words play prompts of the pocket world for ten turns, an embedder without weights judges
them, and then the clock starts. Each size runs in a process of its own, whose largest memory is told;
the processor's seconds are those of that process from its start.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from telephone import runs, world
from telephone.analysis import summary
from telephone.judge import score
from telephone.records import LEVELS, Prompt
from telephone.report import write_report
from telephone.store import Run

TURNS = 10
LAZY = ("differences", "bradley_terry", "gains", "swaps", "controls", "convergence")


def prompts(count: int) -> list[Prompt]:
    """Returns so many scenes in words, as many of each level."""
    made = [
        Prompt(world.caption(world.sample(level, seed)), level)
        for seed in range(count // len(LEVELS) + 1)
        for level in LEVELS
    ]
    return list({prompt.text: prompt for prompt in made}.values())[:count]


def battle(folder: Path, games: int) -> None:
    """Plays and judges so many games."""
    drawers = [f"fake/painter?loss={loss}" for loss in (0.02, 0.05, 0.1)]
    describers = [f"fake/captioner?loss={loss}" for loss in (0.01, 0.03, 0.06, 0.09)]
    wish = runs.plan(runs.grid(drawers, describers), prompts(round(games / 12)), turns=TURNS)
    with runs.begin(folder, wish) as run:
        runs.play(run)
        score(run, "fake/embedder")


def measured(folder: Path) -> str:
    """Returns a line of the table for a run that was judged."""
    with Run.open(folder) as run:
        games = len(run.games())
        start = time.perf_counter()
        found = summary(run)
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
    """Prints a line a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, nargs="+", default=[120, 2000])
    parser.add_argument("--run", type=Path, help="only measure this run")
    parser.add_argument("--make", type=Path, help="only play one here")
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
            again = [sys.executable, __file__]
            subprocess.run([*again, "--make", str(folder), "--games", str(games)], check=True)
            subprocess.run([*again, "--run", str(folder)], check=True)


if __name__ == "__main__":
    main()
