"""How faithful the pocket players are, measured on held-out scenes whose truth is known.

Three rows a level: the describer shown true pictures; the drawer's pictures as told by the same describer (so what is
lost there is lost by the two together); and the perfect drawer as the describer's upper bound is the first row itself.
Every scene holds a kind in a colour that no training scene had.

    python benchmarks/pocket_fidelity.py                    # 200 scenes a level
    python benchmarks/pocket_fidelity.py --scenes 20 --sheet drawings.png
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from telephone import world
from telephone.core.records import LEVELS
from telephone.core.seeds import derive
from telephone.models import image2text, text2image

ATTRIBUTES = ("kind", "colour", "count", "size", "place", "relation", "setting", "time", "weather", "style")


def held_out_scenes(level: str, count: int) -> list[world.Scene]:
    """The same scenes in every run: each has at least one pair of kind and colour that training never saw."""
    return [world.sample(level, derive("fidelity", level, i), split="test") for i in range(count)]


def tell(describer: str, pictures: Sequence[Image.Image]) -> list[str]:
    player = image2text(describer)
    texts: list[str] = []
    for start in range(0, len(pictures), 50):
        part = pictures[start : start + 50]
        texts += player.generate_texts(part, [0] * len(part))
    return texts


def draw(drawer: str, texts: Sequence[str]) -> list[Image.Image]:
    player = text2image(drawer)
    pictures: list[Image.Image] = []
    for start in range(0, len(texts), 16):
        part = texts[start : start + 16]
        pictures += player.generate_images(part, [derive("fidelity", text) for text in part])
    return pictures


def row(scenes: Sequence[world.Scene], texts: Sequence[str]) -> str:
    """Shares of the facts told right, wrong and not at all; of what is told, right; and right by attribute."""
    right, wrong, missing, invented = Counter(), Counter(), Counter(), Counter()
    for scene, text in zip(scenes, texts, strict=True):
        found = world.compare(scene, world.parse(text))
        right.update(atom.attribute for atom in found.kept)
        wrong.update(pair[0].attribute for pair in found.wrong)
        missing.update(atom.attribute for atom in found.missing)
        invented.update(atom.attribute for atom in found.invented)
    facts = right.total() + wrong.total() + missing.total()
    told = right.total() + wrong.total() + invented.total()
    shares = [right, wrong, missing]
    cells = [f"{100 * part.total() / facts:.1f} %" for part in shares] + [f"{100 * right.total() / told:.1f} %"]
    for attribute in ATTRIBUTES:
        asked = right[attribute] + wrong[attribute] + missing[attribute]
        cells.append(f"{100 * right[attribute] / asked:.0f}" if asked else "-")
    return " | ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=200, help="scenes a level")
    parser.add_argument("--drawer", default="pocket/stable-diffusion")
    parser.add_argument("--describer", default="pocket/blip")
    parser.add_argument("--wording", default="plain", help="how the drawer is told the scene")
    parser.add_argument("--sheet", type=Path, help="also write true pictures beside drawings, with what was told")
    args = parser.parse_args()
    print(
        "| shown to the describer | level | right | wrong | missing | told that is right | "
        + " | ".join(ATTRIBUTES)
        + " |"
    )
    print("|---|---|" + "---|" * (4 + len(ATTRIBUTES)))
    tiles: list[tuple[Image.Image, str]] = []
    for level in LEVELS:
        scenes = held_out_scenes(level, args.scenes)
        texts = [world.caption(scene, "en", args.wording) for scene in scenes]
        true = [world.render(scene, seed=derive("fidelity", text)) for scene, text in zip(scenes, texts, strict=True)]
        drawn = draw(args.drawer, texts)
        told_true, told_drawn = tell(args.describer, true), tell(args.describer, drawn)
        print(f"| true pictures | {level} | {row(scenes, told_true)} |", flush=True)
        print(f"| drawings of {args.drawer} | {level} | {row(scenes, told_drawn)} |", flush=True)
        for i in range(3):
            tiles += [(true[i], f"TRUE ({level}): {texts[i]}"), (drawn[i], f"TOLD: {told_drawn[i]}")]
    if args.sheet:
        from telephone.world.contact_sheet import contact_sheet

        contact_sheet(tiles, columns=6, tile=192, title="Held-out scenes: true picture, drawing").save(args.sheet)


if __name__ == "__main__":
    main()
