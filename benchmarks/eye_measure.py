"""`oracle/reader` against labels by eye: agreement where the eye could decide.

And, because a noisy instrument may be unbiased: how often the eye and the reader find what the prompt requests. The eye
may answer `unclear`, the reader may not.
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
    """A generated image with its prompt, label and reading."""

    level: Level
    prompt: world.Scene
    label: dict[str, Any]
    reading: world.Scene
    """The reader's answer."""


def cells_of(scene: world.Scene) -> Cells:
    """Returns the things of a scene by their place."""
    return {
        place: {"kind": thing.kind, "colour": thing.colour, "count": thing.count}
        for place, thing in zip(layout(scene), scene.things, strict=True)
    }


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def against_eye(tally: Tally, level: Level, label: dict[str, Any], reading: world.Scene) -> None:
    """Counts the reader's answers where the eye could decide."""
    seen: Cells = cells_of(reading)
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
            tally.add(name, level, label[name] == getattr(reading, name))


def against_prompt(tally: Tally, level: Level, prompt: world.Scene, found: Cells, who: str) -> None:
    """Counts the requested things whose kind (colour, count) is found in the right cell."""
    for place, requested in cells_of(prompt).items():
        drawn = found.get(place, {"kind": None, "colour": UNCLEAR, "count": 0})
        tally.add(f"kind, by {who}", level, drawn["kind"] == requested["kind"])
        tally.add(f"colour, by {who}", level, drawn["colour"] == requested["colour"])
        tally.add(f"count, by {who}", level, drawn["count"] == requested["count"])


def table(title: str, tally: Tally) -> None:
    print(f"\n{title}\n\n" + header("fact", LEVELS))
    for name in tally.names():
        print(tally.row(name) + " |")


def unclear_kinds(rows: list[Row]) -> str:
    """Returns how often the reader finds the requested kind in things whose kind is unclear to the eye."""
    right, count = 0, 0
    for _, prompt, label, reading in rows:
        wanted, seen = cells_of(prompt), cells_of(reading)
        for place, thing in label["cells"].items():
            if thing["kind"] == UNCLEAR and place in wanted:
                count += 1
                right += wanted[place]["kind"] == seen.get(place, {}).get("kind")
    return (
        f"\nOf things whose kind is unclear to the eye, the reader finds the requested kind in {share(right, count)}."
    )


def differences(rows: list[Row], most: int = 12) -> None:
    """Prints which kinds the reader answers where the eye answers another."""
    found: Counter[tuple[str, str]] = Counter()
    for _, _, label, reading in rows:
        seen = cells_of(reading)
        for place, thing in label["cells"].items():
            kind = seen.get(place, {}).get("kind", "nothing")
            if thing["kind"] not in (UNCLEAR, kind):
                found[thing["kind"], kind] += 1
    print("\n| by eye | by the reader | times |\n|---|---|---|")
    for (eye, reader), count in found.most_common(most):
        print(f"| {eye} | {reader} | {count} |")


def measure(reader: SceneReaderModel, labels: Path, sheet: Path | None) -> None:
    """Prints the tables; the mosaic and the prompts are beside the labels."""
    name = labels.name.removesuffix(".labels.jsonl")
    prompts, given = read_lines(labels.with_name(f"{name}.prompts.jsonl")), read_lines(labels)
    images = tiles(labels.with_name(f"{name}.png"), len(given))
    rows = [
        Row(line["level"], world.parse(line["prompt"]), label, reading)
        for line, label, reading in zip(prompts, given, reader.read(images), strict=True)
    ]
    by_eye, by_prompt = Tally(LEVELS), Tally(LEVELS)
    for level, prompt, label, reading in rows:
        against_eye(by_eye, level, label, reading)
        against_prompt(by_prompt, level, prompt, label["cells"], "eye")
        against_prompt(by_prompt, level, prompt, cells_of(reading), "reader")
    table(f"The reader against the eye, {len(given)} images of pocket/{name}:", by_eye)
    table("Requested facts found in the image:", by_prompt)
    print(unclear_kinds(rows))
    differences(rows)
    if sheet:
        _show(rows, images, sheet)


def _show(rows: list[Row], images: list[Image.Image], sheet: Path) -> None:
    from telephone.world.contact_sheet import contact_sheet

    items = []
    for number, ((_, _, label, reading), picture) in enumerate(zip(rows, images, strict=True)):
        seen = cells_of(reading)
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
