"""Inpainting of one new thing: is it there, do the others stay, are all pixels outside of the mask equal?

Held-out easy scenes, each with a new thing in a cell that is empty; the mask is that cell, the text the caption of the
new scene. Facts are those that `oracle/reader` finds, intervals those of 95 %.

    python benchmarks/lineage_inpainting.py                       # 200 scenes
    python benchmarks/lineage_inpainting.py --scenes 24 --editor "pocket/glide?guidance=3" --sheet inpainting.png
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from telephone import world
from telephone.core.seeds import derive
from telephone.lineage.verdicts import Estimate, share_estimate
from telephone.models import image2text, image_editor
from telephone.world import Scene, Thing
from telephone.world.layout import cell_of, layout
from telephone.world.scene import COLOURS, KINDS, PLACES, SKY_KINDS

SIDE = 64


def with_new_thing(scene: Scene, number: int) -> tuple[Scene, Thing]:
    """Returns a scene whose things have their places, with a new one in an empty cell; and the new one."""
    random = np.random.default_rng(derive("inpainting", number))
    placed = [replace(thing, place=place) for thing, place in zip(scene.things, layout(scene), strict=True)]
    used, kinds = {thing.place for thing in placed}, {thing.kind for thing in placed}
    kind = str(random.choice([kind for kind in KINDS if kind not in kinds]))
    row = 0 if kind in SKY_KINDS else 1
    free = [place for place in PLACES if place not in used and cell_of(place)[1] == row]
    if not free:
        return with_new_thing(scene, number + 1_000_003)
    new = Thing(kind, str(random.choice(COLOURS)), place=str(random.choice(free)))
    return replace(scene, things=(*placed, new), relations=()), new


def mask_of(place: str) -> Image.Image:
    """Returns a mask that is white in a cell."""
    column, row = cell_of(place)
    mask = Image.new("L", (SIDE, SIDE))
    mask.paste(255, (round(column * SIDE / 3), row * SIDE // 2, round((column + 1) * SIDE / 3), (row + 1) * SIDE // 2))
    return mask


def said(estimate: Estimate) -> str:
    """Returns a share with its interval in percent."""
    low, high = (f"{100 * each:.1f}" for each in (estimate.low or 0.0, estimate.high or 0.0))
    return f"{100 * (estimate.value or 0.0):.1f} ({low} to {high})"


def main() -> None:
    """Measures one editor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--editor", default="pocket/glide")
    parser.add_argument("--sheet", type=Path, help="also write true pictures, masks and edits as one picture")
    args = parser.parse_args()
    before = [world.sample("easy", seed, split="test") for seed in range(args.scenes)]
    pairs = [with_new_thing(scene, number) for number, scene in enumerate(before)]
    images = [
        world.render(replace(after, things=after.things[:-1]), size=SIDE, seed=number)
        for number, (after, _) in enumerate(pairs)
    ]
    masks = [mask_of(new.place or PLACES[0]) for _, new in pairs]
    texts = [world.caption(after) for after, _ in pairs]
    made = image_editor(args.editor).edit_images(images, texts, list(range(args.scenes)), masks)
    report(pairs, images, masks, made)
    if args.sheet:
        rows = [np.concatenate([np.asarray(im.convert("RGB")) for im in row[:12]], 1) for row in (images, masks, made)]
        Image.fromarray(np.concatenate(rows)).resize((12 * 128, 3 * 128), Image.Resampling.NEAREST).save(args.sheet)


def report(
    pairs: list[tuple[Scene, Thing]],
    images: list[Image.Image],
    masks: list[Image.Image],
    made: list[Image.Image],
) -> None:
    """Prints the table."""
    reader = image2text("oracle/reader")
    seen = [world.parse(str(text)) for text in reader.generate_texts(made)]
    inserted, old, equal = [], [], []
    for (after, new), scene, image, mask, edited in zip(pairs, seen, images, masks, made, strict=True):
        inserted.append(any(thing.kind == new.kind and thing.colour == new.colour for thing in scene.things))
        kept = world.compare(replace(after, things=after.things[:-1]), scene).recall
        old.append(float("nan") if kept is None else kept)
        outside = np.asarray(mask) == 0
        equal.append(bool((np.asarray(image)[outside] == np.asarray(edited)[outside]).all()))
    print("| new thing in its colour | old facts kept | equal outside |\n|---|---|---|")
    facts = [float(len(world.atoms(after)) - 2) for after, _ in pairs]
    print(f"| {said(share_estimate('inserted', inserted))} | {said(share_estimate('old', old, facts))} | "
          f"{sum(equal)} of {len(equal)} |")  # fmt: skip


if __name__ == "__main__":
    main()
