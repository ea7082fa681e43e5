"""The pocket battle, timed twice in one run: by the engine, and by the plain loop that makes every call by itself.

The battle: all pairs of the roster `pocket` over ten prompts for ten turns, as `telephone play` plays it.
The engine keeps every hop durably, puts calls of many games into one batch and answers equal asks once; the loop is
`TelephoneLine.play`, as in the article, and keeps nothing. Both must tell the same stories, word for word.

    python benchmarks/pocket_battle.py
    python benchmarks/pocket_battle.py --no-loop        # the engine alone
    python benchmarks/pocket_battle.py --no-loop --noise fixed
"""

import argparse
import contextlib
import io
import itertools
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from telephone import TelephoneLine, battle, models, prompts
from telephone.battle import game_seed
from telephone.core.records import NOISES, Noise
from telephone.models.rosters import load_roster

Told = dict[tuple[str, str, str], list[str]]
"""Who draws, who describes and the first prompt, to all texts."""
DRAWERS = load_roster("pocket").refs("text2image")
DESCRIBERS = load_roster("pocket").refs("image2text")


@dataclass(frozen=True)
class Timed:
    """What the engine took for the battle."""

    seconds: float
    cpu: float
    """Seconds of all cores together."""
    calls: int
    told: Told


def by_engine(folder: Path, turns: int, noise: Noise) -> Timed:
    """Plays the battle with the engine."""
    lines = battle.grid(DRAWERS, DESCRIBERS)
    start, cpu = time.perf_counter(), time.process_time()
    spec = replace(battle.plan(lines, prompts.get("pocket"), turns=turns), noise=noise)
    with battle.begin(folder, spec) as run:
        summary = battle.play(run)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        frame = run.frame()
    told = {
        (str(t2i), str(i2t), str(prompt)): [str(prompt), *part.sort_values("step_number")["text_after"]]
        for (t2i, i2t, prompt), part in frame.groupby(["t2i_model", "i2t_model", "prompt"])
    }
    return Timed(seconds, cpu, summary.calls, told)


def by_loop(turns: int, noise: Noise) -> tuple[float, Told]:
    """Returns seconds and every game's texts."""
    told: Told = {}
    start = time.perf_counter()
    for drawer, describer in itertools.product(DRAWERS, DESCRIBERS):
        line = TelephoneLine(models.text2image(drawer), models.image2text(describer))
        for prompt in prompts.get("pocket"):
            with contextlib.redirect_stdout(io.StringIO()):
                line.play(prompt, nturns=turns, seed=game_seed(0, prompt.id, 0), noise=noise)
            conversation = line.conversations[line.get_conversation_name(prompt.text)]
            told[line.t2i.name or drawer, line.i2t.name or describer, prompt.text] = conversation["texts"]
    return time.perf_counter() - start, told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--no-loop", action="store_true", help="leave the plain loop out")
    parser.add_argument("--noise", choices=NOISES, default="fresh")
    args = parser.parse_args()
    turns = args.turns
    with tempfile.TemporaryDirectory() as folder:
        # The first time counts apart: weights are loaded and the renderer draws its parts, which it then keeps.
        first = by_engine(Path(folder) / "first", turns, args.noise)
        engine = by_engine(Path(folder) / "battle", turns, args.noise)
    told, hops = engine.told, 2 * turns * len(engine.told)
    print(f"{len(DRAWERS)} x {len(DESCRIBERS)} lines, {len(told)} games of {turns} turns, {args.noise} noise\n")
    print("| way | hops | calls | seconds | CPU seconds | ms a hop |")
    print("|---|---|---|---|---|---|")
    for way, took in (("engine, stored, first time in the process", first), ("engine, stored", engine)):
        pace = 1000 * took.seconds / hops
        print(f"| {way} | {hops} | {took.calls} | {took.seconds:.1f} | {took.cpu:.1f} | {pace:.0f} |")
    if args.no_loop:
        return
    loop, again = by_loop(turns, args.noise)
    same = sum(told[key] == again.get(key) for key in told)
    print(f"| one by one, not stored | {hops} | {hops} | {loop:.1f} | | {1000 * loop / hops:.0f} |")
    print(f"\nratio {loop / engine.seconds:.1f}; {same} of {len(told)} games tell the same story")


if __name__ == "__main__":
    main()
