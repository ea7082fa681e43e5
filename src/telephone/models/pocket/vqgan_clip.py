"""`pocket/vqgan-clip`: VQGAN codes from a text's CLIP embedding, feed-forward or optimised step by step."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.core.errors import ModelError, UsageError
from telephone.core.images import from_array
from telephone.core.seeds import digest
from telephone.models.base import ImageEditor, Traits
from telephone.models.pocket import clip
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.pocket.text2image import BEST_OF_OPTIONS, SIZE, PocketText2Image
from telephone.models.provider import choice, integer, number
from telephone.models.runtime import image_batch, limited_threads, parallel_map

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.clip import Clip
    from telephone.nets.vqgan import Vqgan
    from telephone.nets.vqgan_clip import ImagePrompt, WeightedPrompt

FILM_OPTIONS = {"views": integer(1, 64), "frames": integer(0, 1000)}
"""Augmented views of an image that CLIP sees in each step; images of the optimisation that are shown in a row."""


class VqganClip(PocketText2Image):
    """VQGAN-CLIP (`nets/vqgan_clip.py`): codes in one forward pass; with `steps` they are then optimised by CLIP.

    With `steps` a text may be several weighted prompts: `a red cat | a beach:0.5`. `start` is `feed-forward`, or
    `codes` for random codes as in the paper. With `frames` the image is a row of that many images of the optimisation,
    evenly spaced, after the first one.
    """

    def __init__(
        self, steps: int = 0, start: str = "feed-forward", views: int = 8, frames: int = 0, best_of: int = 1
    ) -> None:
        _check_frames(steps, frames)
        if frames and best_of > 1:
            raise UsageError("best_of ranks single images: leave out frames, or best_of.")
        # Options at their defaults are left out, so that addresses of earlier runs keep their fingerprints.
        changed = {"start": (start, "feed-forward"), "views": (views, 8), "frames": (frames, 0)}
        extra = {name: value for name, (value, default) in changed.items() if value != default}
        super().__init__(NET, best_of, {"steps": steps, **extra})

    def film(self, text: str, seed: int, frames: int = 0) -> list[Image.Image]:
        """Returns the images of one optimisation: the first one, and `frames` more, 0 for one after each step.

        Args:
            text: the prompts.
            seed: of the random codes and of the cut-outs.
            frames: how many, evenly spaced; the last one is the image that `generate_image` returns.

        Raises:
            UsageError: this model has `steps` 0.
            ModelError: the prompts cannot be read.
        """
        if not self._options["steps"]:
            raise UsageError("A film needs an optimisation: give the model steps, such as pocket/vqgan-clip?steps=50.")
        with limited_threads():
            return self._optimised(text, seed, self._first(_prompts(text), seed), frames or self._options["steps"])

    def _images(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        if not self._options["steps"]:
            return super()._images(texts, seeds)
        starts = [self._first(_prompts(text), seed) for text, seed in zip(texts, seeds, strict=True)]
        items = list(zip(texts, seeds, starts, strict=True))
        shown = self._options.get("frames", 0)
        _ = self._nets
        return [in_a_row(made) for made in parallel_map(lambda item: self._optimised(*item, shown), items)]

    def _first(self, prompts: "Sequence[WeightedPrompt]", seed: int) -> Image.Image | None:
        """Returns the feed-forward image of the first prompt; None starts from random codes."""
        if self._options.get("start") == "codes":
            return None
        (first,) = super()._images([prompts[0].text], [seed])
        return first

    def _optimised(self, text: str, seed: int, first: Image.Image | None, frames: int) -> list[Image.Image]:
        options = (self._options["steps"], self._options.get("views", 8), frames)
        return optimised(self._nets[1:], _prompts(text), seed, options, first)

    def _generate(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        import torch

        from telephone.nets.vqgan_clip import generate

        net, clip_net, vqgan = self._nets
        with torch.no_grad():
            return generate(net, vqgan, clip_net.encode_text(self._tokens(texts)), seeds)

    @cached_property
    def _text_config(self) -> Any:
        return clip.NET.read_config().text

    @cached_property
    def _nets(self) -> tuple[Any, Any, Any]:
        return NET.load(), clip.NET.load(), VQGAN.load()


class VqganClipEditor(ImageEditor):
    """VQGAN-CLIP by optimisation from a given image towards texts, reference images, or both.

    An empty text leaves the reference alone. `reference` is the weight of the reference images. With `steps=0` an image
    comes back through its codes, whatever the text.
    """

    def __init__(self, steps: int = 50, views: int = 8, frames: int = 0, reference: float = 1.0) -> None:
        _check_frames(steps, frames)
        self.name = NET.name
        self.plan = (steps, views, frames)
        self.reference = reference

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if all weights are in place."""
        return NET.lacks()

    def traits(self) -> Traits:
        """Returns the properties; reads the weight files once, for their hashes."""
        files = [*VQGAN.locate().values(), *clip.NET.locate().values()]
        fingerprint = digest("pocket/vqgan-clip edit", 1, *files, self.plan, self.reference)
        return Traits(fingerprint, batch_size=16, seeds=True, price=0.0)

    def edit_images(
        self,
        images: Sequence[Image.Image],
        texts: Sequence[str],
        seeds: Sequence[int] | None = None,
        masks: Sequence[Image.Image] | None = None,
        strength: float | None = None,
        references: Sequence[Image.Image] | None = None,
    ) -> list[Any]:
        """Returns one image of 64 x 64 pixels an item, or with `frames` a row of them, optimised from the given image.

        Raises:
            UsageError: a mask or a strength is given: `steps` says how far an image changes.
            ModelError: the prompts of an item cannot be read, or it has neither text nor reference.
        """
        if masks is not None or strength is not None:
            raise UsageError("pocket/vqgan-clip takes no mask and no strength: set how far images change by steps.")
        chosen = list(seeds) if seeds is not None else [0] * len(images)
        others = list(references) if references is not None else [None] * len(images)
        _ = self._nets
        return parallel_map(self._edited, list(zip(images, texts, chosen, others, strict=True)))

    def _edited(self, item: tuple[Image.Image, str, int, Image.Image | None]) -> Image.Image:
        from telephone.nets.vqgan_clip import ImagePrompt

        image, text, seed, reference = item
        if not self.plan[0]:
            return self._reconstructed(image)
        goals = [] if reference is None else [ImagePrompt(image_batch([reference], SIZE)[0], self.reference)]
        prompts = _prompts(text) if text.strip() or not goals else ()
        return in_a_row(optimised(self._nets, prompts, seed, self.plan, image, goals))

    def _reconstructed(self, image: Image.Image) -> Image.Image:
        import torch

        vqgan = self._nets[1]
        with torch.no_grad():
            return from_array(vqgan.decode_codes(vqgan.encode(image_batch([image], SIZE))[1])[0].numpy())

    @cached_property
    def _nets(self) -> tuple[Any, Any]:
        return clip.NET.load(), VQGAN.load()


def optimised(
    nets: "tuple[Clip, Vqgan]",
    prompts: "Sequence[WeightedPrompt]",
    seed: int,
    options: tuple[int, int, int],
    start: Image.Image | None,
    goals: "Sequence[ImagePrompt]" = (),
) -> list[Image.Image]:
    """Returns the last image of an optimisation, or with frames the first one and that many more, evenly spaced.

    Args:
        nets: CLIP and VQGAN.
        prompts: weighted texts.
        seed: of the random codes and of the cut-outs.
        options: steps, views of CLIP and frames.
        start: the first image; None starts from random codes.
        goals: images as prompts.
    """
    from telephone.nets.cutouts import Cutouts
    from telephone.nets.vqgan_clip import OptimisationOptions, optimise

    steps, views, frames = options
    wanted = {round(step * steps / frames) for step in range(1, frames + 1)} if frames else set()
    kept: list[Image.Image] = []

    def keep(step: int, image: "Tensor") -> None:
        if step in wanted:
            kept.append(from_array(image.numpy()))

    first = None if start is None else image_batch([start], SIZE)[0]
    how = OptimisationOptions(steps=steps, seed=seed, cutouts=Cutouts(views=views), every=max(1, steps))
    image, ends = optimise(*nets, prompts, how, first, keep, goals)
    return [from_array(ends[0].numpy()), *kept] if frames else [from_array(image.numpy())]


def in_a_row(images: Sequence[Image.Image]) -> Image.Image:
    """Returns images of one size side by side."""
    row = Image.new("RGB", (sum(image.width for image in images), images[0].height))
    for index, image in enumerate(images):
        row.paste(image, (index * image.width, 0))
    return row


def frames_of(row: Image.Image) -> list[Image.Image]:
    """Returns the square images of a row, from left to right; the inverse of `in_a_row`."""
    side = row.height
    return [row.crop((left, 0, left + side, side)) for left in range(0, row.width, side)]


def _prompts(text: str) -> "tuple[WeightedPrompt, ...]":
    from telephone.nets.vqgan_clip import parse_prompts

    try:
        return parse_prompts(text)
    except ValueError as error:
        raise ModelError(str(error)) from error


def _check_frames(steps: int, frames: int) -> None:
    if frames > steps:
        raise UsageError(f"{frames} frames need at least as many steps, not {steps}: raise steps, or ask for fewer.")


VQGAN = PocketNet(
    name="vqgan",
    summary="VQGAN: the codebook and decoder of vqgan-clip",
    net="telephone.nets.vqgan:Vqgan",
    config="telephone.nets.vqgan:VqganConfig",
    recipe="telephone.train.vqgan",
    files=("vqgan",),
)
NET = PocketNet(
    name="vqgan-clip",
    summary="feed-forward VQGAN-CLIP: codes from the CLIP embedding of a text",
    net="telephone.nets.vqgan_clip:FeedForward",
    config="telephone.nets.vqgan_clip:FeedForwardConfig",
    recipe="telephone.train.vqgan_clip",
    files=("vqgan-clip",),
    uses=(clip.NET, VQGAN),
    kind="text2image",
    model=VqganClip,
    options={"start": choice("feed-forward", "codes"), "steps": integer(0, 10_000), **FILM_OPTIONS, **BEST_OF_OPTIONS},
    editor=VqganClipEditor,
    editor_options={"steps": integer(0, 10_000), "reference": number(-10, 10), **FILM_OPTIONS},
    roster="a small feed-forward VQGAN-CLIP",
)
