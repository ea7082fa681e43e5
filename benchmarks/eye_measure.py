"""The reader against labels made by eye: where the eye could tell, does the reader say the same?

And, because an instrument may be wrong and yet not biased: how often the eye, and how often the reader, finds in the
drawings what was asked for. The eye may say `unclear`, the reader must answer.
"""

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from eye_labels import tiles
from PIL import Image
from tallies import Tally, header, share

from telephone import world
from telephone.core.records import Level
from telephone.models.pocket.scene_reader import SceneReaderModel
from telephone.world.layout import layout
from telephone.world.scene import PLACES

LEVELS: tuple[Level, ...] = ("easy", "medium", "hard")
UNCLEAR = "unclear"
THING, AROUND = ("kind", "colour", "count"), ("setting", "time", "weather", "style")

Cells = dict[str, dict[str, Any]]


class Row(NamedTuple):
    """A drawing."""

    level: Level
    prompt: world.Scene
    label: dict[str, Any]
    told: world.Scene
    """What the reader tells."""


def cells_of(scene: world.Scene) -> Cells:
    """Returns the things of a scene by their place."""
    return {
        place: {"kind": thing.kind, "colour": thing.colour, "count": thing.count}
        for place, thing in zip(layout(scene), scene.things, strict=True)
    }


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def against_eye(tally: Tally, level: Level, label: dict[str, Any], told: world.Scene) -> None:
    """Counts the reader's answers where the eye could tell."""
    seen: Cells = cells_of(told)
    for place in PLACES:
        by_eye, by_reader = label["cells"].get(place), seen.get(place, {})
        if by_eye is None:
            tally.add("empty cells", level, not by_reader)
            continue
        tally.add("a thing is there", level, by_reader)
        for name in THING:
            if by_eye[name] != UNCLEAR:
                tally.add(name, level, by_reader and by_eye[name] == by_reader[name])
    for name in AROUND:
        if label[name] != UNCLEAR:
            tally.add(name, level, label[name] == getattr(told, name))


def against_prompt(tally: Tally, level: Level, prompt: world.Scene, found: Cells, who: str) -> None:
    """Counts the things asked for of which the kind (and the colour) stands in the right cell."""
    for place, asked in cells_of(prompt).items():
        drawn = found.get(place, {"kind": None, "colour": UNCLEAR, "count": 0})
        tally.add(f"kind, by {who}", level, drawn["kind"] == asked["kind"])
        tally.add(f"colour, by {who}", level, drawn["colour"] == asked["colour"])
        tally.add(f"count, by {who}", level, drawn["count"] == asked["count"])


def table(title: str, tally: Tally) -> None:
    print(f"\n{title}\n\n" + header("fact", LEVELS))
    for name in tally.names():
        print(tally.row(name) + " |")


def unclear_kinds(rows: list[Row]) -> str:
    """What the reader says of the things whose kind the eye cannot tell: is it what was asked for?"""
    right, asked = 0, 0
    for _, prompt, label, told in rows:
        wanted, seen = cells_of(prompt), cells_of(told)
        for place, thing in label["cells"].items():
            if thing["kind"] == UNCLEAR and place in wanted:
                asked += 1
                right += wanted[place]["kind"] == seen.get(place, {}).get("kind")
    return (
        f"\nOf things whose kind is unclear to the eye, the reader tells the kind asked for in {share(right, asked)}."
    )


def differences(rows: list[Row], most: int = 12) -> None:
    """Prints which kinds the reader tells where the eye sees another."""
    found: Counter[tuple[str, str]] = Counter()
    for _, _, label, told in rows:
        seen = cells_of(told)
        for place, thing in label["cells"].items():
            kind = seen.get(place, {}).get("kind", "nothing")
            if thing["kind"] not in (UNCLEAR, kind):
                found[thing["kind"], kind] += 1
    print("\n| by eye | by the reader | times |\n|---|---|---|")
    for (eye, reader), count in found.most_common(most):
        print(f"| {eye} | {reader} | {count} |")


def measure(reader: SceneReaderModel, labels: Path, sheet: Path | None) -> None:
    """Prints the tables; the mosaic and the prompts lie beside the labels."""
    name = labels.name.removesuffix(".labels.jsonl")
    asked, given = read_lines(labels.with_name(f"{name}.prompts.jsonl")), read_lines(labels)
    pictures = tiles(labels.with_name(f"{name}.png"), len(given))
    rows = [
        Row(line["level"], world.parse(line["prompt"]), label, told)
        for line, label, told in zip(asked, given, reader.read(pictures), strict=True)
    ]
    by_eye, by_prompt = Tally(LEVELS), Tally(LEVELS)
    for level, prompt, label, told in rows:
        against_eye(by_eye, level, label, told)
        against_prompt(by_prompt, level, prompt, label["cells"], "eye")
        against_prompt(by_prompt, level, prompt, cells_of(told), "reader")
    table(f"The reader against the eye, {len(given)} drawings of pocket/{name}:", by_eye)
    table("What was asked for, found in the drawing:", by_prompt)
    print(unclear_kinds(rows))
    differences(rows)
    if sheet:
        _show(rows, pictures, sheet)


def _show(rows: list[Row], pictures: list[Image.Image], sheet: Path) -> None:
    from telephone.world.contact_sheet import contact_sheet

    items = []
    for number, ((_, _, label, told), picture) in enumerate(zip(rows, pictures, strict=True)):
        seen = cells_of(told)
        apart = [
            f"{place}: {thing['kind']}, read as {seen.get(place, {}).get('kind', 'nothing')}"
            for place, thing in label["cells"].items()
            if thing["kind"] not in (UNCLEAR, seen.get(place, {}).get("kind"))
        ]
        apart += [f"{place}: empty, read as {seen[place]['kind']}" for place in seen if place not in label["cells"]]
        if apart:
            items.append((picture, f"{number} " + "; ".join(apart)))
    for start in range(0, len(items), 48):
        page = sheet if not start else sheet.with_stem(f"{sheet.stem}-{start // 48 + 1}")
        contact_sheet(list(itertools.islice(items, start, start + 48)), columns=8, tile=160).save(page)
