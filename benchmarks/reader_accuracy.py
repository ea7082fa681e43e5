"""How exactly `oracle/reader` reads pictures: 1,000 of the true renderer, and drawings that were labelled by eye.

Every scene holds a kind in a colour that no training scene had, and is drawn with a seed of its own. A fact is right if
the reader tells it of the cell where it is true. A relation of two things is right if the reader tells both kinds, and
where they stand to each other. Intervals are Wilson's, 95 %.

    python benchmarks/reader_accuracy.py                         # tables on this page: docs/reader.md
    python benchmarks/reader_accuracy.py --pictures 100 --sheet mistakes.png
    python benchmarks/reader_accuracy.py --labels benchmarks/labels/stable-diffusion.labels.jsonl
"""

import argparse
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import eye_measure
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tallies import Tally, header

from telephone import world
from telephone.core.records import Level
from telephone.core.seeds import derive
from telephone.models.pocket.scene_reader import SceneReaderModel
from telephone.world.comparison import match
from telephone.world.facts import CELL_FACTS, SCENE_FACTS, cell_targets, scene_targets
from telephone.world.layout import holds, layout
from telephone.world.scene import COLOURS, KINDS, PLACES

LEVELS: tuple[Level, ...] = ("easy", "medium", "hard")
GOALS = {"kind": 98, "colour": 97, "count": 95, "left / right": 95}
COLOUR_NAMES = ("grey", *COLOURS)
KIND_NAMES = ("nothing", *KINDS)


def held_out_scenes(count: int) -> list[tuple[Level, world.Scene]]:
    """The same scenes in every run, in equal parts of the levels."""
    levels = [LEVELS[i % len(LEVELS)] for i in range(count)]
    return [(level, world.sample(level, derive("reader accuracy", i), split="test")) for i, level in enumerate(levels)]


def tally_facts(tally: Tally, level: Level, truth: world.Scene, cells: NDArray[np.int64], whole: NDArray[np.int64]):
    """Counts what the reader says of each cell that holds a thing, of the empty ones, and of the whole."""
    for true, told in zip(cell_targets(truth), cells, strict=True):
        if true[0] == 0:
            tally.add("empty cells", level, told[0] == 0)
            continue
        for index, name in enumerate(CELL_FACTS):
            tally.add(name, level, true[index] == told[index])
    for index, name in enumerate(SCENE_FACTS):
        tally.add(name, level, scene_targets(truth)[index] == whole[index])


def tally_relations(tally: Tally, level: Level, truth: world.Scene, told: world.Scene) -> None:
    """Counts, for each two things in different columns (rows), whether both are told and stand as they do in truth."""
    there, seen, pairs = layout(truth), layout(told), match(truth, told)
    for a, b in itertools.combinations(range(len(there)), 2):
        both = all(i in pairs and told.things[pairs[i]].kind == truth.things[i].kind for i in (a, b))
        for name, relations in {"left / right": ("left of", "right of"), "above / below": ("above", "below")}.items():
            for relation in relations:
                if holds(relation, there[a], there[b]):
                    tally.add(name, level, both and holds(relation, seen[pairs[a]], seen[pairs[b]]))


def confusions(truths: Sequence[world.Scene], cells: NDArray[np.int64], fact: str) -> Counter[tuple[int, int]]:
    """Counts pairs of true and told answers about the cells that hold a thing; -1 is told of a cell seen empty."""
    index = list(CELL_FACTS).index(fact)
    true = np.stack([cell_targets(scene) for scene in truths])
    there = true[..., 0] > 0
    return Counter(zip(true[..., index][there].tolist(), cells[..., index][there].tolist(), strict=True))


def kind_table(pairs: Counter[tuple[int, int]], most: int = 10) -> Iterator[str]:
    """The kinds that are taken for another most often."""
    shown = Counter({pair: count for pair, count in pairs.items() if pair[0] != pair[1]})
    totals = Counter[int]()
    for (true, _), count in pairs.items():
        totals[true] += count
    yield "| true kind | told | times | of |\n|---|---|---|---|"
    for (true, told), count in sorted(shown.items(), key=lambda row: (-row[1], row[0]))[:most]:
        yield f"| {KIND_NAMES[true]} | {KIND_NAMES[told]} | {count} | {totals[true]} |"


def colour_table(pairs: Counter[tuple[int, int]]) -> Iterator[str]:
    """True colours in rows, told ones in columns."""
    yield "| true \\ told | " + " | ".join(COLOUR_NAMES) + " | nothing |\n|" + "---|" * (len(COLOUR_NAMES) + 2)
    for true, name in enumerate(COLOUR_NAMES):
        row = [pairs[true, told] for told in (*range(len(COLOUR_NAMES)), -1)]
        yield f"| {name} | " + " | ".join(str(count) if count else "" for count in row) + " |"


def mistakes(
    truths: Sequence[world.Scene], cells: NDArray[np.int64], pictures: Sequence[Image.Image]
) -> list[tuple[Image.Image, str]]:
    """Pictures with a kind that was read wrong, and what was said."""
    tiles = []
    for truth, told, picture in zip(truths, cells, pictures, strict=True):
        wrong = [
            f"{PLACES[i]}: {KIND_NAMES[true[0]]} told as {KIND_NAMES[row[0]]}"
            for i, (true, row) in enumerate(zip(cell_targets(truth), told, strict=True))
            if true[0] != row[0]
        ]
        if wrong:
            tiles.append((picture, "; ".join(wrong)))
    return tiles


def measure(reader: SceneReaderModel, count: int, sheet: Path | None) -> None:
    chosen = held_out_scenes(count)
    truths = [scene for _, scene in chosen]
    pictures = [world.render(scene, seed=derive("reader accuracy picture", i)) for i, scene in enumerate(truths)]
    cells, whole = reader.facts(pictures)
    tally = Tally(LEVELS)
    for (level, truth), told, around, scene in zip(chosen, cells, whole, reader.read(pictures), strict=True):
        tally_facts(tally, level, truth, told, around)
        tally_relations(tally, level, truth, scene)
    print(header("fact", LEVELS))
    for name in tally.names():
        print(tally.row(name) + (f" {GOALS[name]} % |" if name in GOALS else " |"))
    print("\nKinds that are taken for another most often:\n")
    print("\n".join(kind_table(confusions(truths, cells, "kind"))))
    print("\nColours:\n")
    print("\n".join(colour_table(confusions(truths, cells, "colour"))))
    if sheet and (tiles := mistakes(truths, cells, pictures)):
        from telephone.world.contact_sheet import contact_sheet

        contact_sheet(tiles[:48], columns=8, tile=160, title="Kinds that the reader read wrong").save(sheet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--sheet", type=Path, help="also write the pictures with a kind that was read wrong")
    parser.add_argument("--labels", type=Path, help="measure on drawings labelled by eye instead (see eye_labels.py)")
    args = parser.parse_args()
    if args.labels:
        eye_measure.measure(SceneReaderModel(), args.labels, args.sheet)
    else:
        measure(SceneReaderModel(), args.pictures, args.sheet)


if __name__ == "__main__":
    main()
