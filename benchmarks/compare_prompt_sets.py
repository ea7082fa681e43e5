"""How well prompt sets distinguish the pocket models: facts kept of each prompt after one turn, by level.

Every pair of models plays one turn on every prompt, with noise that is not the one by which the sets were selected.
*Between drawers*, *between describers*: standard deviation of the means of the models of a side. *Ceiling*: prompts on
which every pair keeps every fact. *Equal*: prompts on which every pair keeps the same share.

    python benchmarks/compare_prompt_sets.py pocket pocket-100
    git show 7e8cccd:src/telephone/prompts/data/pocket-100.jsonl > old-100.jsonl
    python benchmarks/compare_prompt_sets.py old-100.jsonl
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from one_hop_facts import DESCRIBERS, DRAWERS, Floats, Readings, describe, draw, read, recall

from telephone import prompts
from telephone.core.records import LEVELS
from telephone.core.seeds import derive

NOISE = "compare"


def one_turn(texts: Sequence[str]) -> tuple[Floats, Floats]:
    """Returns the share of facts that the image of each model keeps, and each pair after one turn, in [0, 1].

    Returns:
        Float64 [texts, 3]; float64 [texts, 3, 4].
    """
    seeds = [derive("one hop", NOISE, text) for text in texts]
    shown = np.empty((len(texts), len(DRAWERS)))
    kept = np.empty((*shown.shape, len(DESCRIBERS)))
    for row, drawer in enumerate(DRAWERS):
        images = draw(drawer, texts, seeds)
        shown[:, row] = [recall(*pair) for pair in zip(texts, read(images), strict=True)]
        for column, describer in enumerate(DESCRIBERS):
            said = describe(describer, images, seeds)
            kept[:, row, column] = [recall(*pair) for pair in zip(texts, said, strict=True)]
    return shown, kept


def rows(readings: Readings, name: str) -> list[str]:
    """Returns one row a level: each model's facts kept with an exact partner, then what the pairs keep in a turn."""
    made = []
    found = prompts.get(name)
    for level in LEVELS:
        texts = [prompt.text for prompt in found if prompt.level == level]
        shown, pairs = one_turn(texts)
        alone = (shown.mean(0), readings.facts_kept(DESCRIBERS, texts, [NOISE]).mean((0, 2)))
        ranges = np.ptp(pairs.reshape(len(texts), -1), axis=1)
        whole = (pairs == 1).all((1, 2))
        cells = [f"{100 * share:.0f}" for side in alone for share in side]
        cells += [f"{100 * side.std(ddof=1):.0f}" for side in alone]
        cells += [f"{100 * pairs.mean():.0f}", f"{100 * ranges.mean():.0f}", f"{100 * whole.mean():.0f}"]
        cells += [f"{100 * (ranges == 0).mean():.0f}"]
        made.append(f"| {Path(name).stem} | {level} | {len(texts)} | {' | '.join(cells)} |")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", help="names of sets, or files")
    parser.add_argument("--cache", type=Path, default=Path("readings"), help="folder of readings, which are kept")
    args = parser.parse_args()
    models = [ref.partition("/")[2] for ref in (*DRAWERS, *DESCRIBERS)]
    head = ["set", "level", "prompts", *models, "between drawers", "between describers", "pairs", "range over pairs"]
    head += ["ceiling", "equal"]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for name in args.sets:
        print("\n".join(rows(Readings(args.cache), name)), flush=True)


if __name__ == "__main__":
    main()
