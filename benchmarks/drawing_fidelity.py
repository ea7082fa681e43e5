"""Facts kept by text-to-image models on held-out prompts, measured by `oracle/reader`.

Each prompt has a kind in a colour that no training scene has. *There* is the share of requested kinds that the reader
finds anywhere in the image; *colour* is the share found in the requested colour; *count* and *place* are shares of the
things that are found. A relation is kept if both things are found in that relation. The row of the renderer is the
upper bound of the reader; the row of images for another prompt is the level of chance.

    python benchmarks/drawing_fidelity.py     # 300 prompts a level, every pocket text-to-image model
    python benchmarks/drawing_fidelity.py --prompts 40 --drawers pocket/dalle-2 --sheet drawings.png
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from telephone import world
from telephone.core.records import LEVELS
from telephone.core.seeds import derive
from telephone.models import image2text, text2image
from telephone.world.layout import holds, layout
from telephone.world.scene import Scene, Thing

COLUMNS = ("there", "colour", "count", "place", "relation", "setting", "time", "weather", "style")
DRAWERS = ("pocket/stable-diffusion", "pocket/dalle-2", "pocket/vqgan-clip")


def held_out(level: str, count: int) -> tuple[list[Scene], list[str]]:
    scenes = [world.sample(level, derive("drawing fidelity", level, i), split="test") for i in range(count)]
    return scenes, [world.caption(scene, "en", "plain") for scene in scenes]


def requested_facts(truth: Scene, read: Scene) -> Iterable[tuple[str, bool]]:
    """Yields each requested fact and whether the reader found it."""
    where = dict(zip(truth.things, layout(truth), strict=True))
    found = pair(truth.things, read.things)
    for thing in truth.things:
        match = found.get(thing)
        yield "there", match is not None
        if thing.colour is not None:
            yield "colour", match is not None and match.colour == thing.colour
        if match is not None:
            yield "count", match.count == thing.count
            yield "place", match.place == where[thing]
    for relation in truth.relations:
        subject, anchor = found.get(truth.things[relation.subject]), found.get(truth.things[relation.anchor])
        kept = bool(subject and anchor and holds(relation.name, str(subject.place), str(anchor.place)))
        yield "relation", kept
    if truth.setting is not None:
        yield "setting", read.setting == truth.setting
    for name, default in (("time", "day"), ("weather", "clear"), ("style", "flat")):
        if getattr(truth, name) != default:
            yield name, getattr(read, name) == getattr(truth, name)


def pair(requested: Sequence[Thing], read: Sequence[Thing]) -> dict[Thing, Thing]:
    """Matches each requested thing to one found thing of its kind, preferably of its colour; none is matched twice."""
    left, found = list(read), {}
    for same_colour in (True, False):
        for thing in requested:
            fits = [s for s in left if s.kind == thing.kind and (s.colour == thing.colour or not same_colour)]
            if thing not in found and fits:
                found[thing] = fits[0]
                left.remove(fits[0])
    return found


def shares(scenes: Sequence[Scene], images: Sequence[Image.Image]) -> dict[str, float | None]:
    requested, right = Counter[str](), Counter[str]()
    for truth, read in zip(scenes, image2text("oracle/reader").read(images), strict=True):
        for name, kept in requested_facts(truth, read):
            requested[name] += 1
            right[name] += kept
    return {name: right[name] / requested[name] if requested[name] else None for name in COLUMNS}


def line(who: str, level: str, found: dict[str, float | None]) -> str:
    cells = ["-" if share is None else f"{100 * share:.0f}" for share in found.values()]
    return f"| {who} | {level} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=300, help="prompts a level")
    parser.add_argument("--drawers", nargs="+", default=DRAWERS)
    parser.add_argument("--levels", nargs="+", default=LEVELS, choices=LEVELS)
    parser.add_argument("--sheet", type=Path, help="also write true images beside the generated ones, a page a level")
    parser.add_argument("--json", type=Path, help="also write the shares as JSON")
    args = parser.parse_args()
    models = {ref: text2image(ref) for ref in args.drawers}
    records: list[dict[str, object]] = []
    print("| model | level | " + " | ".join(COLUMNS) + " |\n|---|---|" + "---|" * len(COLUMNS))
    for level in args.levels:
        scenes, texts = held_out(level, args.prompts)
        seeds = [derive("drawing fidelity", text) for text in texts]
        made = {"the renderer": [world.render(s, seed=seed) for s, seed in zip(scenes, seeds, strict=True)]}
        clock = time.perf_counter()
        made |= {ref: model.generate_images(texts, seeds) for ref, model in models.items()}
        seconds = time.perf_counter() - clock
        rows = {who: shares(scenes, images) for who, images in made.items()}
        last = args.drawers[0]
        rows[f"{last}, for another prompt"] = shares(scenes, made[last][1:] + made[last][:1])
        for who, found in rows.items():
            print(line(who, level, found), flush=True)
            records.append({"model": who, "level": level, "prompts": args.prompts, **found})
        print(f"({level}: {seconds:.0f} s of generation)", flush=True)
        if args.sheet:
            page(args.sheet, level, texts, made)
    if args.json:
        args.json.write_text(json.dumps(records, indent=1) + "\n")


def page(path: Path, level: str, texts: Sequence[str], made: dict[str, list[Image.Image]]) -> None:
    from telephone.world.contact_sheet import contact_sheet

    tiles = [(images[i], texts[i] if who == "the renderer" else who) for i in range(6) for who, images in made.items()]
    name = path.with_name(f"{path.stem}-{level}{path.suffix}")
    contact_sheet(tiles, columns=2 * len(made), tile=160, title=f"Held-out prompts, {level}").save(name)


if __name__ == "__main__":
    main()
