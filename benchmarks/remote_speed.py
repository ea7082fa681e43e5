"""Speed of battles with remote models relative to the limit of their service, and the overhead of the engine.

    python benchmarks/remote_speed.py [--latency 0.25]

A service in this process sleeps for every call, as a remote one lets us wait, and does nothing else. 120 games of 20
hops are played on one line, no two of their calls alike: 2,400 calls. *Ideal* is the longest chain (20 calls one after
the other), or all calls divided by those that may be in flight. A shorter latency makes the same figures harder to
reach, as the engine's own work weighs more. Each row is measured in a process of its own.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from telephone.battle import HopDone, Limits, Roster, begin, forecast, plan, play
from telephone.core.records import Prompt
from telephone.core.seeds import digest
from telephone.models import Image2Text, Text2Image, Traits, barcode

GAMES, TURNS = 120, 10
WORDS = "An apple, a lantern and a violin on a wooden table by the window of a house above the harbour, number"


class Painter(Text2Image):
    """Writes the text into a picture, after a while."""

    name = "painter"
    wait = 0.0

    def generate_image(self, text: str) -> object:
        """Returns a picture."""
        time.sleep(self.wait)
        return barcode.draw(text.encode())

    def traits(self) -> Traits:
        """Returns the traits of one of two models on a service that takes up to 1,024 calls at a time."""
        return Traits(self.name, "remote", 1, 1024, seeds=True, price=0.0, service="sleepy")


class Reader(Image2Text):
    """Reads the text back and changes its last word, so that no two turns are alike."""

    name = "reader"
    wait = 0.0

    def generate_text(self, image: object) -> str:
        """Returns a text."""
        time.sleep(self.wait)
        text = (barcode.read(image) or b"").decode()  # type: ignore[arg-type]
        return f"{text.rpartition(' ')[0]} {digest(self.name, text)[:8]}"

    def traits(self) -> Traits:
        """Returns the traits of the model."""
        return Traits(self.name, "remote", 1, 1024, seeds=True, price=0.0, service="sleepy")


def line(latency: float) -> tuple[Roster, list[tuple[str, str]]]:
    """Returns the two models as a roster, and their pair."""
    Painter.wait = Reader.wait = latency
    roster = Roster()
    return roster, [(roster.add(Painter()), roster.add(Reader()))]


def battle(folder: Path, latency: float, in_flight: int | None) -> str:
    """Plays all games and returns a row of the table."""
    roster, lines = line(latency)
    prompts = [Prompt(f"{WORDS} {number}") for number in range(GAMES)]
    hops = GAMES * TURNS * 2
    ideal = latency * (2 * TURNS if in_flight is None else max(2 * TURNS, hops / in_flight))
    with begin(folder, plan(lines, prompts, turns=TURNS, models=roster)) as run:
        busy = time.process_time()
        summary = play(run, roster, limits=Limits(in_flight=in_flight))
        busy = time.process_time() - busy
    if (summary.done, summary.calls) != (GAMES, hops):
        raise RuntimeError(f"Only {summary.done} of {GAMES} games were played, with {summary.calls} calls.")
    cells = (str(in_flight or "any"), f"{ideal:.1f}", f"{summary.seconds:.1f}", f"{summary.seconds / ideal:.3f}")
    return _row(*cells, f"{1000 * busy / hops:.2f}", f"{os.getloadavg()[0]:.1f}")


def memory(folder: Path, games: int) -> str:
    """Plans and starts so many games and returns the largest memory in MiB and the seconds until the first hop."""
    roster, lines = line(0.0)
    clock, stop, first = time.perf_counter(), threading.Event(), [0.0]
    spec = plan(lines, [Prompt(f"{WORDS} {number}") for number in range(games)], turns=TURNS, models=roster)

    def report(event: object) -> None:
        if isinstance(event, HopDone):
            first[0] = first[0] or time.perf_counter() - clock
            if event.hops_done >= 100:
                stop.set()

    with begin(folder, spec) as run:
        ahead = forecast(spec, run)
        if ahead.games != games:
            raise RuntimeError(f"{ahead.games} games are planned in place of {games}.")
        play(run, roster, progress=report, stop=stop)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return _row(f"{games:,}", f"{peak:.1f}", f"{first[0]:.2f}")


def _row(*cells: str) -> str:
    return "".join(f"{cell:>14}" for cell in cells)


def _apart(*words: str) -> str:
    """Runs one measurement in a process of its own."""
    done = subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.rstrip("\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--latency", type=float, default=0.25, help="seconds that each call waits")
    parser.add_argument("--in-flight", type=int, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--one", choices=("battle", "memory"), help=argparse.SUPPRESS)
    parser.add_argument("--games", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            made = memory(run, given.games) if given.games else battle(run, given.latency, given.in_flight)
        print(made)
        return
    print(f"{GAMES} games of {2 * TURNS} hops, {given.latency:g} s a call")
    print(_row("in flight", "ideal s", "seconds", "ratio", "CPU ms/hop", "load"), flush=True)
    pace = ("--one", "battle", "--latency", str(given.latency))
    print(_apart(*pace), flush=True)
    print(_apart(*pace, "--in-flight", "16"), flush=True)
    print()
    print(_row("games planned", "MiB", "first hop s"), flush=True)
    for games in (100, 10_000):
        print(_apart("--one", "memory", "--games", str(games)), flush=True)


if __name__ == "__main__":
    main()
