"""Kills a run with SIGKILL at random moments, resumes it each time, and compares it with one that was left in peace.

    python benchmarks/kill_resume.py [KILLS]

A call is *finished* when its row is on the disk. The table shows whether the killed run is equal to the other one hash
for hash, how many calls were cut off (made, but killed before their row was written), and whether a finished call was
made twice.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from telephone.battle import begin, grid, plan, play
from telephone.core.errors import StoreDamaged, UsageError
from telephone.core.records import Prompt
from telephone.store import Run

Call = tuple[str, str, int]
"""Fingerprint of the model, hash of its input, seed."""


@dataclass
class Outcome:
    """What many kills did to a run."""

    kills: int
    sessions: int
    calls: int
    finished: int
    cut_off: int
    made_twice: int
    equal: bool
    problems: int
    seconds: float


def start(folder: Path, log: Path, prompts: int, turns: int) -> Run:
    """Returns the run that is killed: two remote models and two local ones, all of which lose words."""
    pace = f"delay=0.002&log={log}"
    lines = grid(
        [f"fake/painter?loss=0.03&batch=4&{pace}", f"fake/painter?loss=0.05&concurrency=3&batch=1&{pace}"],
        [f"fake/captioner?loss=0.02&batch=8&{pace}", f"fake/captioner?loss=0.04&concurrency=2&batch=2&{pace}"],
    )
    words = "A red apple and a green pear on a wooden table by the window, with sunlight, a sleeping cat and a blue cup"
    spec = plan(lines, [Prompt(f"{words} of the number {n}.") for n in range(prompts)], turns=turns)
    return begin(folder, spec)


def contents(run: Run) -> dict[tuple[str, str, int], list[tuple[str, str]]]:
    """Returns what each game gave: hashes only, under names that do not hold the path of the log."""
    games: dict[tuple[str, str, int], list[tuple[str, str]]] = {}
    short = {row.ref: row.ref.partition("&delay")[0] for row in run.spec.models}
    for game in run.games():
        made = [(hop.request.kind, hop.result.sha256 if hop.result else "") for hop in run.hops(game.key)]
        games[f"{short[game.t2i]} {short[game.i2t]}", game.prompt_id, game.repeat] = made
    return games


def finished(folder: Path) -> set[Call]:
    """Returns the calls whose answers are on the disk."""
    done: set[Call] = set()
    try:
        made = Run.open(folder)
    except (StoreDamaged, UsageError):
        return done  # killed before the run was created; the next session could not start if it were damaged
    with made as run:
        if not run.games():
            return done
        prints = {row.ref: row.fingerprint for row in run.spec.models}
        for game in run.games():
            done |= {
                (prints[hop.request.model], hop.request.parent.sha256, hop.request.seed) for hop in run.hops(game.key)
            }
    return done


def logged(log: Path) -> list[Call]:
    """Returns the calls that were made, in order."""
    if not log.exists():
        return []
    rows = [line.split() for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [(model, parent, int(seed)) for model, parent, seed in rows]


def trial(kills: int, folder: Path, *, seed: int = 1, prompts: int = 6, turns: int = 6) -> Outcome:
    """Plays one run without kills and one with kills, and compares them.

    Args:
        kills: how often the process is killed; fewer if the run is complete before.
        folder: empty.
        seed: decides the moments.
        prompts: number of prompts; there are four lines.
        turns: length of a game.
    """
    clock = time.perf_counter()
    with start(folder / "peace", folder / "peace.log", prompts, turns) as peace:
        play(peace)
        wanted = contents(peace)
    moments = random.Random(seed)
    run, log = folder / "fire", folder / "fire.log"
    killed = sessions = twice = 0
    while True:
        before, past = finished(run), len(logged(log))
        # Counted in calls, as seconds would mean another thing on each machine; a few kills come before the first call.
        moment = None if killed >= kills else _Moment(moments.randint(-2, 24), moments.uniform(0, 0.006))
        ended = _session(run, log, [prompts, turns], moment)
        sessions += 1
        killed += not ended
        twice += sum(call in before for call in logged(log)[past:])
        if ended:
            break
    with Run.open(run) as made:
        equal = contents(made) == wanted
        problems = sum(problem.grave for problem in made.verify())
    calls, done = logged(log), finished(run)
    return Outcome(
        killed, sessions, len(calls), len(done), len(calls) - len(done), twice, equal, problems,
        time.perf_counter() - clock,
    )  # fmt: skip


@dataclass
class _Moment:
    """When a process is killed."""

    calls: int
    """After so many calls of this session."""
    seconds: float
    """And so many seconds."""

    def wait(self, log: Path, past: int, process: "subprocess.Popen[str]") -> None:
        while process.poll() is None and len(logged(log)) - past < self.calls:
            time.sleep(0.001)
        time.sleep(self.seconds)


def _session(run: Path, log: Path, size: list[int], moment: _Moment | None) -> bool:
    """Plays in a process of its own, killed at a moment if there is one; returns whether it came to its end."""
    words = [sys.executable, __file__, "--play", run, "--log", log, "--prompts", size[0], "--turns", size[1]]
    past = len(logged(log))
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it has imported everything and is about to begin
        if moment is not None:
            moment.wait(log, past, process)
            process.send_signal(signal.SIGKILL)  # does nothing to a process that has ended
        process.wait()
    if process.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"A session ended with {process.returncode}.")
    return process.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kills", type=int, nargs="?", default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--play", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--prompts", type=int, default=72, help=argparse.SUPPRESS)
    parser.add_argument("--turns", type=int, default=10, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.play:
        print("ready", flush=True)
        with start(given.play, given.log, given.prompts, given.turns) as run:
            play(run)
        return
    with tempfile.TemporaryDirectory() as folder:
        made = trial(given.kills, Path(folder), seed=given.seed, prompts=given.prompts, turns=given.turns)
    print(f"{'kills':<34}{made.kills:>8}")
    print(f"{'sessions':<34}{made.sessions:>8}")
    print(f"{'calls made':<34}{made.calls:>8}")
    print(f"{'different calls finished':<34}{made.finished:>8}")
    print(f"{'calls cut off and made again':<34}{made.cut_off:>8}")
    print(f"{'finished calls made twice':<34}{made.made_twice:>8}")
    print(f"{'equal hash for hash':<34}{'yes' if made.equal else 'NO':>8}")
    print(f"{'grave problems found by verify':<34}{made.problems:>8}")
    print(f"{'seconds':<34}{made.seconds:>8.1f}")
    sys.exit(0 if made.equal and not made.made_twice and not made.problems else 1)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
