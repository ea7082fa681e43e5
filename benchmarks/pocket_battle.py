"""The pocket battle, timed twice in one run: by the engine, and by the plain loop that makes every call by itself.

The battle: `oracle/renderer` and `pocket/stable-diffusion` x `pocket/blip`, ten prompts and turns; 400 hops.
The engine keeps every hop durably, puts calls of many games into one batch and answers equal asks once; the loop is
`TelephoneLine.play`, as in the article, and keeps nothing. Both must tell the same stories, word for word.

    python benchmarks/pocket_battle.py
"""

import argparse
import contextlib
import io
import tempfile
import time
from pathlib import Path

from telephone import players, prompts, runs
from telephone.game import TelephoneLine, game_seed

DRAWERS = ("oracle/renderer", "pocket/stable-diffusion", "pocket/dalle-2", "pocket/vqgan-clip")
DESCRIBERS = ("pocket/blip",)


def by_engine(folder: Path, turns: int) -> tuple[float, int, dict[tuple[str, str], list[str]]]:
    """Returns seconds, calls made and every game's texts."""
    lines = runs.grid(DRAWERS, DESCRIBERS)
    start = time.perf_counter()
    with runs.begin(folder, runs.plan(lines, prompts.get("pocket"), turns=turns)) as run:
        summary = runs.play(run)
        seconds = time.perf_counter() - start
        frame = run.frame()
    told = {
        (str(t2i), str(prompt)): [str(prompt), *part.sort_values("step_number")["text_after"]]
        for (t2i, prompt), part in frame.groupby(["t2i_model", "prompt"])
    }
    return seconds, summary.calls, told


def by_loop(turns: int) -> tuple[float, dict[tuple[str, str], list[str]]]:
    """Returns seconds and every game's texts."""
    told: dict[tuple[str, str], list[str]] = {}
    start = time.perf_counter()
    for drawer in DRAWERS:
        line = TelephoneLine(players.text2image(drawer), players.image2text(DESCRIBERS[0]))
        for prompt in prompts.get("pocket"):
            with contextlib.redirect_stdout(io.StringIO()):
                line.play(prompt, nturns=turns, seed=game_seed(0, prompt.id, 0))
            conversation = line.conversations[line.get_conversation_name(prompt.text)]
            told[line.t2i.name or drawer, prompt.text] = conversation["texts"]
    return time.perf_counter() - start, told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=10)
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as folder:
        # The first time counts apart: weights are loaded and the renderer draws its parts, which it then keeps.
        first, *_ = by_engine(Path(folder) / "first", turns)
        engine, calls, told = by_engine(Path(folder) / "battle", turns)
    loop, again = by_loop(turns)
    hops = 2 * turns * len(told)
    same = sum(told[key] == again.get(key) for key in told)
    print("| way | hops | calls | seconds | ms a hop |")
    print("|---|---|---|---|---|")
    print(f"| engine, stored, first time in the process | {hops} | {calls} | {first:.1f} | {1000 * first / hops:.0f} |")
    print(f"| engine, stored | {hops} | {calls} | {engine:.1f} | {1000 * engine / hops:.0f} |")
    print(f"| one by one, not stored | {hops} | {hops} | {loop:.1f} | {1000 * loop / hops:.0f} |")
    print(f"\nratio {loop / engine:.1f}; {same} of {len(told)} games tell the same story")


if __name__ == "__main__":
    main()
