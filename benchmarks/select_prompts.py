"""Selects the scenes of the pocket sets by measured loss, so that each level spreads the models.

Candidates are sampled by category (`telephone.prompts.candidates`) and measured with one side of a turn replaced by an
exact one (`one_hop_facts`). Loss is 1 - (1 - drawers' mean loss)(1 - describers' mean loss): what a turn of an average
pair loses. Three stages with other noise each, so that no number that selects is also reported:

1. screen: every candidate that the reader reads without error, one noise; text-to-image models draw those on which
   image-to-text models differ. A shortlist for each band of losses.
2. select: the shortlist, two noises; `pocket-100` is chosen by loss, spread between models and variety.
3. confirm: the selected scenes, three noises. The difference from stage 2 is the effect of selection.

    python benchmarks/select_prompts.py --write      # 15 minutes; writes src/telephone/prompts/data/pocket-scenes.jsonl
    python benchmarks/select_prompts.py --again      # stages 2 and 3 of the scenes that the package has
    python -m telephone.prompts.generate             # the sets, from that file
    python benchmarks/compare_prompt_sets.py         # the tables of docs/pocket.md
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from one_hop_facts import DESCRIBERS, DRAWERS, RENDERER, Floats, Readings

from telephone.core.records import LEVELS, Level
from telephone.prompts.candidates import CATEGORIES, Candidate, candidate
from telephone.prompts.generate import SCENES

SCREEN, SELECT, CONFIRM = ("screen",), ("select 1", "select 2"), ("confirm 1", "confirm 2", "confirm 3")
BANDS: dict[Level, tuple[float, float]] = {
    "easy": (0.04, 0.18),
    "medium": (0.18, 0.32),
    "hard": (0.32, 0.46),
    "impossible": (0.46, 1.0),
}
"""Loss of each level, in [0, 1]."""
TEN: dict[Level, tuple[tuple[str, str, int], ...]] = {
    "easy": (("red-bell", "any", 148), ("three-balloons", "groups", 170), ("rainy-car", "weather", 137)),
    "medium": (("night-butterfly", "rare colours", 129), ("neon-house", "neon", 167), ("boat-sketch", "sketch", 123)),
    "hard": (("green-bird", "relations", 147), ("forest-kite", "crowded", 61), ("four-bells", "groups", 114)),
    "impossible": (("space-cat", "any", 42),),
}
"""The set `pocket`: id, category and seed, chosen by eye from the shortlist (`--show`)."""
SHORTLIST = 60
"""Candidates of each band that are measured again."""
SIZE = 25
"""Scenes of each level in `pocket-100`."""
REPEATED = {"category": 0.6, "wording": 0.4, "setting": 0.4, "kind": 0.5}
"""Weight of variety against spread, by property; kinds weigh less where a scene has many."""


@dataclass(frozen=True)
class Measured:
    """A candidate with the shares of facts that single models keep."""

    scene: Candidate
    drawers: Floats
    """Float64 [3, noises] in [0, 1]."""
    describers: Floats
    """Float64 [4, noises] in [0, 1]."""

    @property
    def loss(self) -> float:
        """Share of facts that a turn of an average pair loses, 0 to 1."""
        return float(1 - self.drawers.mean() * self.describers.mean())

    @property
    def variances(self) -> tuple[float, float]:
        """Variance between text-to-image and between image-to-text models, without that of noise; may be below 0."""
        return between(self.drawers), between(self.describers)

    @property
    def spread(self) -> float:
        """Sum over the sides of the standard deviation between models; 0 where noise explains it."""
        return sum(max(0.0, variance) ** 0.5 for variance in self.variances)

    @property
    def distinguishes(self) -> bool:
        """Whether models differ on both sides."""
        return bool(np.ptp(self.drawers.mean(1)) > 0 and np.ptp(self.describers.mean(1)) > 0)


Sets = dict[str, dict[Level, list[tuple[str, Measured]]]]
"""Ids and scenes of each set by level."""


def between(kept: Floats) -> float:
    """Returns the variance between models: that of their means less the share of noise in it, without bias.

    Args:
        kept: Float64 [models, noises]; with one noise the share of noise is not known and not subtracted.
    """
    noises = kept.shape[1]
    noise = kept.var(axis=1, ddof=1).mean() / noises if noises > 1 else 0.0
    return float(kept.mean(1).var(ddof=1) - noise)


def measure(readings: Readings, scenes: Sequence[Candidate], noises: Sequence[str]) -> list[Measured]:
    texts = [scene.text for scene in scenes]
    describers = readings.facts_kept(DESCRIBERS, texts, noises)
    drawers = readings.facts_kept(DRAWERS, texts, noises)
    return [Measured(*row) for row in zip(scenes, drawers, describers, strict=True)]


def candidates(readings: Readings, each: int) -> list[Candidate]:
    """Returns the distinct candidates whose exact image is read without error."""
    found = {made.text: made for name in CATEGORIES for seed in range(each) for made in [candidate(name, seed)]}
    read = readings.facts_kept([RENDERER], list(found), SCREEN)[:, 0, 0]
    return [made for made, share in zip(found.values(), read, strict=True) if share == 1]


def screen(readings: Readings, each: int) -> list[Measured]:
    """Returns the candidates on which image-to-text models differ, with one noise."""
    found = candidates(readings, each)
    described = readings.facts_kept(DESCRIBERS, [made.text for made in found], SCREEN)
    differing = [made for made, shares in zip(found, described, strict=True) if np.ptp(shares) > 0]
    return measure(readings, differing, SCREEN)


def level_of(loss: float) -> Level | None:
    return next((level for level, (low, high) in BANDS.items() if low <= loss < high), None)


def choose(measured: Sequence[Measured], size: int) -> list[Measured]:
    """Returns scenes of one level, one after another: the widest spread, less what repeats those before."""
    left, chosen = list(measured), []
    seen: Counter[tuple[str, str | None]] = Counter()
    scale = float(np.std([each.spread for each in left])) or 1.0
    while left and len(chosen) < size:
        best = max(left, key=lambda each: (each.spread / scale - _repeated(each.scene, seen), each.scene.text))
        left.remove(best)
        chosen.append(best)
        seen.update(pair for pairs in _properties(best.scene).values() for pair in pairs)
    return chosen


def _properties(made: Candidate) -> dict[str, list[tuple[str, str | None]]]:
    return {
        "category": [("category", made.category)],
        "wording": [("wording", made.wording)],
        "setting": [("setting", made.scene.setting)],
        "kind": [("kind", thing.kind) for thing in made.scene.things],
    }


def _repeated(made: Candidate, seen: Counter[tuple[str, str | None]]) -> float:
    return sum(
        REPEATED[name] * sum(seen[pair] for pair in pairs) / len(pairs) for name, pairs in _properties(made).items()
    )


def shortlist(screened: Sequence[Measured]) -> list[Candidate]:
    """Returns the candidates of each band that are measured again."""
    bands = [[each for each in screened if each.distinguishes and level_of(each.loss) == level] for level in LEVELS]
    return [each.scene for band in bands for each in choose(band, SHORTLIST)]


def choose_sets(selected: Sequence[Measured]) -> Sets:
    """Returns the scenes of both sets with their ids, by level; `pocket` is `TEN`, the rest is chosen by spread."""
    found = {(each.scene.category, each.scene.seed): each for each in selected}
    by_hand = {(category, seed) for names in TEN.values() for _, category, seed in names}
    ten = {level: [(name, found[category, seed]) for name, category, seed in names] for level, names in TEN.items()}
    sets: Sets = {"pocket": ten, "pocket-100": {}}
    for level in LEVELS:
        fitting = [
            each
            for each in selected
            if each.distinguishes
            and level_of(each.loss) == level
            and (each.scene.category, each.scene.seed) not in by_hand
        ]
        chosen = sorted(choose(fitting, SIZE), key=lambda each: each.loss)
        sets["pocket-100"][level] = [(f"{level}-{number:02d}", each) for number, each in enumerate(chosen, 1)]
    return sets


def chosen_sets(readings: Readings) -> Sets:
    """Returns the scenes of the package, measured with the noise of stage 2."""
    sets: Sets = {"pocket": {}, "pocket-100": {}}
    lines = [json.loads(line) for line in SCENES.read_text(encoding="utf-8").splitlines()]
    measured = measure(readings, [candidate(line["category"], line["seed"]) for line in lines], SELECT)
    for line, each in zip(lines, measured, strict=True):
        sets[line["set"]].setdefault(line["level"], []).append((line["id"], each))
    return sets


def confirm(readings: Readings, sets: Sets, path: Path | None) -> None:
    """Measures the chosen scenes with other noise, prints the effect of selection, and writes the file of scenes."""
    lines = []
    what = ("loss", "spread of text-to-image models", "spread of image-to-text models")
    print("| set | level | prompts | " + " | ".join(f"{each}, selected | confirmed" for each in what) + " |")
    print("|" + "---|" * 9)
    for name, levels in sets.items():
        for level in LEVELS:
            old = [each for _, each in levels[level]]
            new = measure(readings, [each.scene for each in old], CONFIRM)
            cells = [f"{100 * value:.0f}" for pair in zip(means(old), means(new), strict=True) for value in pair]
            print(f"| {name} | {level} | {len(old)} | {' | '.join(cells)} |")
            lines += [_line(name, level, *row) for row in zip([key for key, _ in levels[level]], old, new, strict=True)]
    if path is not None:
        path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def means(scenes: Sequence[Measured]) -> tuple[float, float, float]:
    """Returns the mean loss of some scenes, and the standard deviation between models of one scene on either side."""
    drawers, describers = np.mean([each.variances for each in scenes], axis=0)
    return float(np.mean([each.loss for each in scenes])), max(0.0, drawers) ** 0.5, max(0.0, describers) ** 0.5


def _line(name: str, level: Level, key: str, old: Measured, new: Measured) -> dict[str, object]:
    made = old.scene
    return {
        "set": name,
        "id": key,
        "level": level,
        "category": made.category,
        "seed": made.seed,
        "split": "test",
        "wording": made.wording,
        "loss": round(old.loss, 3),
        "loss_confirmed": round(new.loss, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=180, help="candidates a category")
    parser.add_argument("--cache", type=Path, default=Path("readings"), help="folder of readings, which are kept")
    parser.add_argument("--write", action="store_true", help="write the scenes of the sets into the package")
    parser.add_argument("--again", action="store_true", help="measure the scenes of the package again; choose none")
    parser.add_argument("--show", action="store_true", help="list the shortlist with its measurements, and stop")
    args = parser.parse_args()
    readings = Readings(args.cache)
    if args.again:
        confirm(readings, chosen_sets(readings), SCENES if args.write else None)
        return
    selected = measure(readings, shortlist(screen(readings, args.each)), SELECT)
    if args.show:
        show(selected)
        return
    confirm(readings, choose_sets(selected), SCENES if args.write else None)


def show(selected: Sequence[Measured]) -> None:
    """Prints the scenes that `TEN` can be chosen from, by loss: those on which models of both sides differ."""
    for each in sorted(selected, key=lambda each: each.loss):
        if each.distinguishes:
            shares = " ".join(f"{share:.2f}" for share in (*each.drawers.mean(1), *each.describers.mean(1)))
            numbers = f"{each.loss:.2f} {level_of(each.loss)} {each.spread:.2f} [{shares}]"
            print(f"{numbers} {each.scene.category} {each.scene.seed}: {each.scene.text}")


if __name__ == "__main__":
    main()
