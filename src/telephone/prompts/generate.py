"""Generates the data files of the pocket sets: `python -m telephone.prompts.generate`."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from telephone import world
from telephone.core.records import Level
from telephone.world import Split
from telephone.world.scene import Scene

CHOSEN: tuple[tuple[str, Level, int, str], ...] = (
    ("red-boat", "easy", 1576, "plain"),
    ("blue-lamp", "easy", 2160, "story"),
    ("blue-butterfly", "easy", 1260, "detailed"),
    ("neon-dog", "medium", 507, "plain"),
    ("four-hats", "medium", 139, "story"),
    ("pink-key", "medium", 512, "detailed"),
    ("three-cats", "hard", 1923, "story"),
    ("two-robots", "hard", 2139, "plain"),
    ("seaside-sketch", "hard", 2963, "detailed"),
    ("neon-regatta", "impossible", 1525, "story"),
)
"""The set `pocket`: id, level, seed and wording, selected by eye among thousands."""
SIZES: dict[Level, int] = {"easy": 30, "medium": 30, "hard": 30, "impossible": 10}
"""Number of prompts of each level in `pocket-100`."""
ROTATION = ("plain", "detailed", "story", "short")
"""The wordings of `pocket-100`, in turn."""
IMAGE_SIZE = 64

Record = dict[str, Any]


def write(folder: Path) -> None:
    """Writes the files of all pocket sets.

    Args:
        folder: an existing folder.
    """
    _write_lines(folder / "pocket.jsonl", pocket())
    _write_lines(folder / "pocket-100.jsonl", pocket_100())
    _write_lines(folder / "pocket-images.jsonl", _image_records(folder))


def pocket() -> Iterator[Record]:
    """Yields the records of `pocket`."""
    for name, level, seed, wording in CHOSEN:
        yield _record(name, level, seed, None, wording)


def pocket_100() -> Iterator[Record]:
    """Yields the records of `pocket-100`, each with a combination of kind and colour that no training scene has."""
    seen: set[str] = set()
    for level, size in SIZES.items():
        seed = number = 0
        while number < size:
            name = f"{level}-{number + 1:02d}"
            record = _record(name, level, seed, "test", ROTATION[number % len(ROTATION)])
            seed += 1
            if record["text"] not in seen:
                seen.add(record["text"])
                number += 1
                yield record


def scene_of(record: Record) -> Scene:
    """Returns the scene of a record."""
    level, split = cast(Level, record["level"]), cast("Split | None", record["split"])
    return world.sample(level, record["seed"], split)


def _record(name: str, level: Level, seed: int, split: Split | None, wording: str) -> Record:
    text = world.caption(world.sample(level, seed, split), wording=wording)
    return {"id": name, "text": text, "level": level, "seed": seed, "split": split, "wording": wording}


def _image_records(folder: Path) -> Iterator[Record]:
    from telephone.core.images import encode_png
    from telephone.world.renderer import render

    (folder / "pocket-images").mkdir(exist_ok=True)
    for record in pocket():
        path = Path("pocket-images") / f"{record['id']}.png"
        (folder / path).write_bytes(encode_png(render(scene_of(record), size=IMAGE_SIZE)))
        yield record | {"id": f"{record['id']}-picture", "image": path.as_posix()}


def _write_lines(path: Path, records: Iterable[Record]) -> None:
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    path.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parent / "data")
