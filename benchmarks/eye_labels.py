"""Generated images to be labelled by eye: samples a model, and lays the images out in numbered pages without prompts.

The sample is one PNG of 64-pixel tiles and a file of prompts, which the person who labels does not see. The labels are
written by hand, one line of JSON an image:

    {"picture": 7, "setting": "beach", "time": "day", "weather": "clear", "style": "flat",
     "cells": {"left": {"kind": "cat", "colour": "red", "count": 2}, "top": {"kind": "unclear", ...}}}

Cells that are not in `cells` are empty; `unclear` means that the eye cannot decide; a colour of null is grey.

    python benchmarks/eye_labels.py draw stable-diffusion                 # 80 easy, 70 medium, 50 hard
    python benchmarks/eye_labels.py pages stable-diffusion --out pages    # view these, write the labels
    python benchmarks/reader_accuracy.py --labels benchmarks/labels/stable-diffusion.labels.jsonl
"""

import argparse
import json
import random
from pathlib import Path

from PIL import Image, ImageDraw

from telephone import world
from telephone.core.seeds import derive
from telephone.models import text2image
from telephone.world.contact_sheet import font_for

FOLDER = Path(__file__).parent / "labels"
SAMPLE = {"easy": 80, "medium": 70, "hard": 50}
TILE, COLUMNS = 64, 20
PAGE_COLUMNS, PAGE_ROWS, ENLARGED = 4, 3, 5


def draw(name: str) -> None:
    """Generates images of held-out prompts in shuffled order, so that numbers do not reveal the level."""
    prompts = [
        {"level": level, "prompt": _prompt(level, i), "seed": derive("eye", name, level, i) % 2**32}
        for level, count in SAMPLE.items()
        for i in range(count)
    ]
    random.Random(derive("eye", name)).shuffle(prompts)
    model = text2image(f"pocket/{name}")
    drawn = model.generate_images([row["prompt"] for row in prompts], [row["seed"] for row in prompts])
    mosaic = Image.new("RGB", (TILE * COLUMNS, TILE * -(-len(drawn) // COLUMNS)))
    for number, picture in enumerate(drawn):
        mosaic.paste(picture, _corner(number))
    mosaic.save(FOLDER / f"{name}.png", optimize=True)
    rows = [json.dumps({"picture": number, **row}) for number, row in enumerate(prompts)]
    (FOLDER / f"{name}.prompts.jsonl").write_text("\n".join(rows) + "\n")


def _prompt(level: str, index: int) -> str:
    return world.caption(world.sample(level, derive("eye", level, index), split="test"), "en", "plain")


def _corner(number: int) -> tuple[int, int]:
    return number % COLUMNS * TILE, number // COLUMNS * TILE


def tiles(mosaic: Path, count: int) -> list[Image.Image]:
    """Cuts the first images out of a mosaic."""
    whole = Image.open(mosaic).convert("RGB")
    corners = map(_corner, range(count))
    return [whole.crop((left, top, left + TILE, top + TILE)) for left, top in corners]


def pages(name: str, out: Path) -> None:
    """Writes enlarged, numbered pages."""
    images = tiles(FOLDER / f"{name}.png", sum(SAMPLE.values()))
    out.mkdir(parents=True, exist_ok=True)
    side, head, each = TILE * ENLARGED, 22, PAGE_COLUMNS * PAGE_ROWS
    for start in range(0, len(images), each):
        page = Image.new("RGB", (PAGE_COLUMNS * (side + 8), PAGE_ROWS * (side + head)), "white")
        for place, picture in enumerate(images[start : start + each]):
            left, top = place % PAGE_COLUMNS * (side + 8), place // PAGE_COLUMNS * (side + head)
            page.paste(picture.resize((side, side), Image.Resampling.BICUBIC), (left, top + head))
            text = str(start + place)
            ImageDraw.Draw(page).text((left + 2, top + 2), text, fill="black", font=font_for(text, 16))
        page.save(out / f"{name}-{start:03d}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("draw", "pages"))
    parser.add_argument("model", help="a pocket text-to-image model, such as stable-diffusion")
    parser.add_argument("--out", type=Path, default=Path("pages"), help="where pages go")
    args = parser.parse_args()
    if args.what == "draw":
        draw(args.model)
    else:
        pages(args.model, args.out)


if __name__ == "__main__":
    main()
