"""Generates the data files of the pocket sets: `python -m telephone.prompts.generate`."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from telephone.prompts.candidates import candidate
from telephone.world.scene import Scene

DATA = Path(__file__).parent / "data"
SCENES = DATA / "pocket-scenes.jsonl"
"""One scene a line: `set`, `id`, `level`, `category` and `seed` of the candidate, `split`, `wording`, and the measured
`loss` by which `benchmarks/select_prompts.py` chose it, beside its loss in a second measurement, `loss_confirmed`."""
IMAGE_SIZE = 64
_COPIED = ("id", "level", "category", "seed", "split", "wording")

Record = dict[str, Any]


def write(folder: Path) -> None:
    """Writes the files of all pocket sets.

    Args:
        folder: an existing folder.
    """
    _write_lines(folder / "pocket.jsonl", records("pocket"))
    _write_lines(folder / "pocket-100.jsonl", records("pocket-100"))
    _write_lines(folder / "pocket-images.jsonl", _image_records(folder))


def records(name: str) -> Iterator[Record]:
    """Yields the records of `pocket` or `pocket-100`, from easy to impossible."""
    for line in SCENES.read_text(encoding="utf-8").splitlines():
        chosen = json.loads(line)
        if chosen["set"] == name:
            made = candidate(chosen["category"], chosen["seed"])
            yield {"id": chosen["id"], "text": made.text} | {key: chosen[key] for key in _COPIED[1:]}


def scene_of(record: Record) -> Scene:
    """Returns the scene of a record."""
    return candidate(record["category"], record["seed"]).scene


def _image_records(folder: Path) -> Iterator[Record]:
    from telephone.core.images import encode_png
    from telephone.world.renderer import render

    (folder / "pocket-images").mkdir(exist_ok=True)
    for record in records("pocket"):
        path = Path("pocket-images") / f"{record['id']}.png"
        (folder / path).write_bytes(encode_png(render(scene_of(record), size=IMAGE_SIZE)))
        yield record | {"id": f"{record['id']}-picture", "image": path.as_posix()}


def _write_lines(path: Path, records: Iterable[Record]) -> None:
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    path.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    write(DATA)
