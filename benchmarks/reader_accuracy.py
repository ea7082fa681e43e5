"""Accuracy of `oracle/reader`: on 1,000 rendered images, and on generated images that were labelled by eye.

Every scene has a kind in a colour that no training scene has, and its own seed. A fact is correct if the reader answers
it in the cell where it is true. A relation of two things is correct if the reader answers both kinds and their relative
position. Intervals are Wilson's, 95 %.

    python benchmarks/reader_accuracy.py                         # the tables of docs/reader.md
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
    """Counts the reader's answers about cells with things, empty cells, and the whole."""
    for true, reading in zip(cell_targets(truth), cells, strict=True):
        if true[0] == 0:
            tally.add("empty cells", level, reading[0] == 0)
            continue
        for index, name in enumerate(CELL_FACTS):
            tally.add(name, level, true[index] == reading[index])
    for index, name in enumerate(SCENE_FACTS):
        tally.add(name, level, scene_targets(truth)[index] == whole[index])


def tally_relations(tally: Tally, level: Level, truth: world.Scene, reading: world.Scene) -> None:
    """Counts, for each two things in different columns (rows), whether both are read in their true relation."""
    there, seen, pairs = layout(truth), layout(reading), match(truth, reading)
    for a, b in itertools.combinations(range(len(there)), 2):
        both = all(i in pairs and reading.things[pairs[i]].kind == truth.things[i].kind for i in (a, b))
        for name, relations in {"left / right": ("left of", "right of"), "above / below": ("above", "below")}.items():
            for relation in relations:
                if holds(relation, there[a], there[b]):
                    tally.add(name, level, both and holds(relation, seen[pairs[a]], seen[pairs[b]]))


def confusions(truths: Sequence[world.Scene], cells: NDArray[np.int64], fact: str) -> Counter[tuple[int, int]]:
    """Counts pairs of true and read values of cells with a thing; -1 is a cell read as empty."""
    index = list(CELL_FACTS).index(fact)
    true = np.stack([cell_targets(scene) for scene in truths])
    there = true[..., 0] > 0
    return Counter(zip(true[..., index][there].tolist(), cells[..., index][there].tolist(), strict=True))


def kind_table(pairs: Counter[tuple[int, int]], most: int = 10) -> Iterator[str]:
    """Yields the most frequent confusions of kinds."""
    shown = Counter({pair: count for pair, count in pairs.items() if pair[0] != pair[1]})
    totals = Counter[int]()
    for (true, _), count in pairs.items():
        totals[true] += count
    yield "| true kind | read as | times | of |\n|---|---|---|---|"
    for (true, reading), count in sorted(shown.items(), key=lambda row: (-row[1], row[0]))[:most]:
        yield f"| {KIND_NAMES[true]} | {KIND_NAMES[reading]} | {count} | {totals[true]} |"


def colour_table(pairs: Counter[tuple[int, int]]) -> Iterator[str]:
    """Yields a table of true colours in rows, read ones in columns."""
    yield "| true \\ read | " + " | ".join(COLOUR_NAMES) + " | nothing |\n|" + "---|" * (len(COLOUR_NAMES) + 2)
    for true, name in enumerate(COLOUR_NAMES):
        row = [pairs[true, reading] for reading in (*range(len(COLOUR_NAMES)), -1)]
        yield f"| {name} | " + " | ".join(str(count) if count else "" for count in row) + " |"


def mistakes(
    truths: Sequence[world.Scene], cells: NDArray[np.int64], images: Sequence[Image.Image]
) -> list[tuple[Image.Image, str]]:
    """Returns images with a kind that was read wrong, and the wrong answers."""
    tiles = []
    for truth, reading, picture in zip(truths, cells, images, strict=True):
        wrong = [
            f"{PLACES[i]}: {KIND_NAMES[true[0]]} read as {KIND_NAMES[row[0]]}"
            for i, (true, row) in enumerate(zip(cell_targets(truth), reading, strict=True))
            if true[0] != row[0]
        ]
        if wrong:
            tiles.append((picture, "; ".join(wrong)))
    return tiles


def measure(reader: SceneReaderModel, count: int, sheet: Path | None) -> None:
    chosen = held_out_scenes(count)
    truths = [scene for _, scene in chosen]
    images = [world.render(scene, seed=derive("reader accuracy picture", i)) for i, scene in enumerate(truths)]
    cells, whole = reader.facts(images)
    tally = Tally(LEVELS)
    for (level, truth), reading, around, scene in zip(chosen, cells, whole, reader.read(images), strict=True):
        tally_facts(tally, level, truth, reading, around)
        tally_relations(tally, level, truth, scene)
    print(header("fact", LEVELS))
    for name in tally.names():
        print(tally.row(name) + (f" {GOALS[name]} % |" if name in GOALS else " |"))
    print("\nMost frequent confusions of kinds:\n")
    print("\n".join(kind_table(confusions(truths, cells, "kind"))))
    print("\nColours:\n")
    print("\n".join(colour_table(confusions(truths, cells, "colour"))))
    if sheet and (tiles := mistakes(truths, cells, images)):
        from telephone.world.contact_sheet import contact_sheet

        contact_sheet(tiles[:48], columns=8, tile=160, title="Kinds that the reader read wrong").save(sheet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--sheet", type=Path, help="also write the images with a kind that was read wrong")
    parser.add_argument(
        "--labels", type=Path, help="measure on generated images labelled by eye instead (see eye_labels.py)"
    )
    args = parser.parse_args()
    if args.labels:
        eye_measure.measure(SceneReaderModel(), args.labels, args.sheet)
    else:
        measure(SceneReaderModel(), args.pictures, args.sheet)


if __name__ == "__main__":
    main()
