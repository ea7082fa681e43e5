"""The two latents of `pocket/dalle-2` on held-out scenes: reconstruction, variations, each condition alone, text edits.

Facts are the share of a scene's facts that `oracle/reader` finds, a mean over scenes with a 95 % interval. *There* and
*colour* are those of `drawing_fidelity.py`, on its prompts. The scale of the text differences is that of most
clean edits on other scenes than those that it is measured on.

    python benchmarks/lineage_unclip.py                                        # 300 scenes a level, 120 edits
    TELEPHONE_WEIGHTS=learned python benchmarks/lineage_unclip.py --scenes 24 --edits 24 --sheet unclip.png
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import torch
from drawing_fidelity import held_out, shares
from PIL import Image
from torch import Tensor

from telephone import world
from telephone.core.images import from_array
from telephone.core.seeds import derive
from telephone.lineage.inputs import fact_counts
from telephone.lineage.result import Estimate
from telephone.lineage.scene_edits import EditOutcome, SceneEdit, outcome, single_edits
from telephone.lineage.verdicts import mean_estimate, share_estimate
from telephone.models import image2text, text2image
from telephone.models.pocket import clip, dalle_2
from telephone.models.runtime import image_batch
from telephone.nets import dalle_2_editing as editing
from telephone.nets.clip import Clip
from telephone.nets.dalle_2 import UnClip, UnclipSampling
from telephone.nets.dalle_2_upsampler import shrink
from telephone.nets.tokenizer import WordTokenizer
from telephone.world import Scene

LEVELS = ("easy", "medium", "hard")
SCALES = (0.75, 1.0, 1.5, 2.0)
"""Factors of the mapped difference."""
BATCH, SIDE = 20, 64


class Nets:
    """unCLIP and the CLIP that it was trained with; images come and go as batches."""

    @cached_property
    def net(self) -> UnClip:
        """UnCLIP."""
        found: UnClip = dalle_2.NET.load()
        return found

    @cached_property
    def clip(self) -> Clip:
        """The CLIP that it was trained with."""
        found: Clip = clip.NET.load()
        return found

    def encode(self, images: Sequence[Image.Image], steps: int) -> editing.ImageLatents:
        """Returns (z_i, x_T) of images of any size."""
        parts = [editing.encode(self.net, self.clip, part, steps) for part in image_batch(images, SIDE).split(BATCH)]
        return editing.ImageLatents(torch.cat([p.image for p in parts]), torch.cat([p.noise for p in parts]))

    def embed(self, images: Sequence[Image.Image]) -> Tensor:
        """Returns z_i of images of any size, scaled [n, embedding]."""
        return torch.cat([editing.embed(self.net, self.clip, part) for part in image_batch(images, SIDE).split(BATCH)])

    def decode(self, latents: editing.ImageLatents, steps: int, eta: float = 0.0) -> Tensor:
        """Returns the decoder's images [n, 3, 32, 32]."""
        rows = torch.arange(len(latents.image)).split(BATCH)
        parts = (editing.ImageLatents(latents.image[at], latents.noise[at]) for at in rows)
        found = [editing.decode(self.net, p, at.tolist(), steps, eta) for p, at in zip(parts, rows, strict=True)]
        return torch.cat(found)

    def from_embedding(self, image: Tensor) -> Tensor:
        """Returns what the decoder draws from embeddings and fresh noise, without a text, as `generate` samples."""
        rows = torch.arange(len(image)).split(BATCH)
        return torch.cat([self.net.decode(image[at], None, at.tolist(), UnclipSampling()) for at in rows])

    def enlarge(self, small: Tensor) -> list[Image.Image]:
        """Returns the upsampler's images of the decoder's."""
        rows = torch.arange(len(small)).split(BATCH)
        large = torch.cat([self.net.upsampler.enlarge(small[at], at.tolist()) for at in rows])
        return [from_array(image) for image in large.numpy()]

    def text(self, texts: Sequence[str]) -> Tensor:
        """Returns text embeddings of unit length [n, embedding]."""
        config = self.clip.config.text
        limit = config.max_tokens
        return editing.embed_text(self.clip, WordTokenizer(config.words).batch(texts, limit, pad_to=limit))


def psnr(first: Tensor, second: Tensor) -> list[float]:
    """Returns the peak signal-to-noise ratio in dB of each of two batches of images in [-1, 1]."""
    return (10 * torch.log10(4 / (first - second).pow(2).flatten(1).mean(1).clamp(min=1e-9))).tolist()


def read(images: Sequence[Image.Image]) -> list[Scene]:
    return list(image2text("oracle/reader").read(images))


def facts(name: str, scenes: list[Scene], images: Sequence[Image.Image]) -> Estimate:
    kept = [world.compare(truth, seen).recall for truth, seen in zip(scenes, read(images), strict=True)]
    return share_estimate(name, [float("nan") if share is None else share for share in kept], fact_counts(scenes))


def words(found: Estimate) -> str:
    """Returns an estimate with its interval, shares in percent."""
    if found.value is None or found.low is None or found.high is None:
        return found.note or "-"
    factor = 100 if found.unit == "share" else 1
    return f"{factor * found.value:.1f} ({factor * found.low:.1f} to {factor * found.high:.1f})"


def of_level(nets: Nets, level: str, given: argparse.Namespace) -> tuple[list[str], dict[str, list[Image.Image]]]:
    """Returns cells of the table and the images by what they were drawn from."""
    scenes, texts = held_out(level, given.scenes)
    seeds = [derive("drawing fidelity", text) for text in texts]
    true = [world.render(scene, seed=seed) for scene, seed in zip(scenes, seeds, strict=True)]
    latents = nets.encode(true[: given.inverted], given.steps)
    again = nets.decode(latents, given.steps)
    made = {
        "true": true,
        "(z_i, x_T)": nets.enlarge(again),
        "eta 0.5": nets.enlarge(nets.decode(latents, given.steps, 0.5)),
        "z_i alone": nets.enlarge(nets.from_embedding(nets.embed(true))),
        "text alone": text2image("pocket/dalle-2?prior=zero").generate_images(texts, seeds),
        "drawer": text2image("pocket/dalle-2").generate_images(texts, seeds),
    }
    close = psnr(shrink(image_batch(true[: given.inverted], SIDE)), again)
    found = shares(scenes, made["drawer"])
    cells = [words(mean_estimate("PSNR", close, "dB"))]
    cells += [words(facts(name, scenes[: len(images)], images)) for name, images in made.items()]
    return [*cells, " / ".join(f"{100 * (found[name] or 0):.1f}" for name in ("there", "colour"))], made


def edit_rows(nets: Nets, count: int, steps: int) -> Iterator[str]:
    """Yields a row for each scale, on edits for choosing it and, for the chosen scale, on other edits."""
    tuning = edited(nets, "scale of text differences", count // 3, steps)
    tried = {scale: tuning(scale) for scale in SCALES}
    for scale, found in tried.items():
        yield edit_row(f"mapped, scale {scale:g}, to choose", found)
    best = max(tried, key=lambda scale: sum(each.clean for each in tried[scale]))
    yield edit_row(f"mapped, scale {best:g}", edited(nets, "text difference", count, steps)(best))


def edited(nets: Nets, key: str, count: int, steps: int) -> Callable[[float], list[EditOutcome]]:
    """Returns a function of the scale that gives the outcomes of edits whose pictures are inverted once."""
    scenes = [world.sample("easy", derive(key, i), split="test") for i in range(count)]
    edits: list[SceneEdit] = single_edits(scenes)
    latents = nets.encode([world.render(edit.before, seed=i) for i, edit in enumerate(edits)], steps)
    source, target = (
        nets.text([world.caption(scene, "en", "plain") for scene in side])
        for side in ([edit.before for edit in edits], [edit.after for edit in edits])
    )

    def at(scale: float) -> list[EditOutcome]:
        moved = editing.mapped_difference(nets.net, latents.image, target, source, scale)
        images = nets.enlarge(nets.decode(editing.ImageLatents(moved, latents.noise), steps))
        return [outcome(edit, seen) for edit, seen in zip(edits, read(images), strict=True)]

    return at


def edit_row(name: str, found: list[EditOutcome]) -> str:
    values = ([float(e.reached) for e in found], [e.rest for e in found], [float(e.clean) for e in found])
    cells = [words(share_estimate("", list(each))) for each in values]
    return f"| {name} | {len(found)} | {' | '.join(cells)} | {sum(e.invented for e in found)} |"


def page(path: Path, level: str, made: dict[str, list[Image.Image]]) -> None:
    from telephone.world.contact_sheet import contact_sheet

    tiles = [(images[i], name) for i in range(8) for name, images in made.items()]
    sheet = contact_sheet(tiles, columns=len(made), tile=128, title=f"Held-out scenes, {level}")
    sheet.save(path.with_name(f"{path.stem}-{level}{path.suffix}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=300, help="scenes a level")
    parser.add_argument("--inverted", type=int, default=300, help="of these, scenes that are inverted")
    parser.add_argument("--edits", type=int, default=120, help="edits; a third as many others choose the scale")
    parser.add_argument("--levels", nargs="*", default=LEVELS, choices=LEVELS)
    parser.add_argument("--steps", type=int, default=50, help="of inversion, reconstruction and variation")
    parser.add_argument("--edit-steps", type=int, default=20, help="of inversion and drawing of the edits")
    parser.add_argument("--sheet", type=Path, help="also write images, a page a level")
    given = parser.parse_args()
    nets = Nets()
    if given.edits:
        print("| text difference | edits | reached | rest kept | clean | invented |\n|---|---|---|---|---|---|")
        for row in edit_rows(nets, given.edits, given.edit_steps):
            print(row, flush=True)
    names = "PSNR dB | true | (z_i, x_T) | eta 0.5 | z_i alone | text alone | drawer | drawer, there / colour"
    print(f"\n| level | {names} |\n|---|" + "---|" * 8)
    for level in given.levels:
        cells, made = of_level(nets, level, given)
        print(f"| {level} | {' | '.join(cells)} |", flush=True)
        if given.sheet:
            page(given.sheet, level, made)


if __name__ == "__main__":
    main()
