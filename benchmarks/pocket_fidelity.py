"""Facts kept by one text-to-image and one image-to-text model together, on held-out scenes.

Two rows a level: descriptions of rendered images (the upper bound of a perfect text-to-image model), and descriptions
of the text-to-image model's images, where both models lose facts. Every scene has a kind in a colour that no training
scene has.

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
    """The same scenes in every run: each has at least one held-out pair of kind and colour."""
    return [world.sample(level, derive("fidelity", level, i), split="test") for i in range(count)]


def describe(ref: str, images: Sequence[Image.Image]) -> list[str]:
    model = image2text(ref)
    texts: list[str] = []
    for start in range(0, len(images), 50):
        part = images[start : start + 50]
        texts += model.generate_texts(part, [0] * len(part))
    return texts


def generate(ref: str, texts: Sequence[str]) -> list[Image.Image]:
    model = text2image(ref)
    images: list[Image.Image] = []
    for start in range(0, len(texts), 16):
        part = texts[start : start + 16]
        images += model.generate_images(part, [derive("fidelity", text) for text in part])
    return images


def row(scenes: Sequence[world.Scene], texts: Sequence[str]) -> str:
    """Returns shares of facts stated correctly, wrongly and not at all; precision; and recall by attribute."""
    right, wrong, missing, invented = Counter(), Counter(), Counter(), Counter()
    for scene, text in zip(scenes, texts, strict=True):
        found = world.compare(scene, world.parse(text))
        right.update(atom.attribute for atom in found.kept)
        wrong.update(pair[0].attribute for pair in found.wrong)
        missing.update(atom.attribute for atom in found.missing)
        invented.update(atom.attribute for atom in found.invented)
    facts = right.total() + wrong.total() + missing.total()
    stated = right.total() + wrong.total() + invented.total()
    shares = [right, wrong, missing]
    cells = [f"{100 * part.total() / facts:.1f} %" for part in shares] + [f"{100 * right.total() / stated:.1f} %"]
    for attribute in ATTRIBUTES:
        facts_ = right[attribute] + wrong[attribute] + missing[attribute]
        cells.append(f"{100 * right[attribute] / facts_:.0f}" if facts_ else "-")
    return " | ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=200, help="scenes a level")
    parser.add_argument("--drawer", default="pocket/stable-diffusion")
    parser.add_argument("--describer", default="pocket/blip")
    parser.add_argument("--wording", default="plain", help="wording of the prompts")
    parser.add_argument("--sheet", type=Path, help="also write true and generated images with their descriptions")
    args = parser.parse_args()
    print("| described images | level | correct | wrong | missing | precision | " + " | ".join(ATTRIBUTES) + " |")
    print("|---|---|" + "---|" * (4 + len(ATTRIBUTES)))
    tiles: list[tuple[Image.Image, str]] = []
    for level in LEVELS:
        scenes = held_out_scenes(level, args.scenes)
        texts = [world.caption(scene, "en", args.wording) for scene in scenes]
        true = [world.render(scene, seed=derive("fidelity", text)) for scene, text in zip(scenes, texts, strict=True)]
        generated = generate(args.drawer, texts)
        texts_true, texts_generated = describe(args.describer, true), describe(args.describer, generated)
        print(f"| true images | {level} | {row(scenes, texts_true)} |", flush=True)
        print(f"| images of {args.drawer} | {level} | {row(scenes, texts_generated)} |", flush=True)
        for i in range(3):
            tiles += [(true[i], f"TRUE ({level}): {texts[i]}"), (generated[i], f"DESCRIBED: {texts_generated[i]}")]
    if args.sheet:
        from telephone.world.contact_sheet import contact_sheet

        contact_sheet(tiles, columns=6, tile=192, title="Held-out scenes: true image, generated image").save(args.sheet)


if __name__ == "__main__":
    main()
