"""The image editor of `pocket/dalle-2`: an image as CLIP embedding and noise, changed in either (unCLIP, section 3)."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.images import from_array
from telephone.core.seeds import digest
from telephone.models.base import ImageEditor, Traits
from telephone.models.runtime import full_batches, image_batch, limited_threads

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.dalle_2_editing import ImageLatents

OPERATIONS = ("reconstruct", "variation", "interpolate", "textdiff", "components")
ARROW = "=>"
"""Separates what an image shows from what it is to show, in the text of a text difference."""
SIZE = 64
BATCH = 4
"""Images of a batch, each of exactly this size, so that an image has the same bytes in every batch."""


class DallE2Editor(ImageEditor):
    """Reconstructions, variations, interpolations and text differences by unCLIP's two latents.

    The operation is an option of the address:

    - `reconstruct`: draws the image again from (z_i, x_T).
    - `variation`: the same with fresh noise of the share `eta`.
    - `interpolate`: to the reference, at the share `theta` of the way; `noise=inverted` interpolates x_T as well,
      `noise=random` draws it from the seed.
    - `textdiff`: the text is `what it shows => what it is to show`, or only the second; `difference=mapped` moves z_i
      by `scale` times the difference that the prior's linear map gives, `difference=rotated` rotates it by the share
      `theta` of the angle (section 3.3).
    - `components`: keeps the first `components` principal components of z_i, with x_T from the seed.

    With `caption=yes` the decoder sees the text as well.
    """

    VERSION = 1
    """Incremented whenever the same weights and options may give another image."""

    def __init__(
        self,
        operation: str = "variation",
        steps: int = 20,
        eta: float | None = None,
        theta: float = 0.5,
        noise: str = "inverted",
        **more: Any,
    ) -> None:
        """Options of the address; `more` are scale, difference, components and caption."""
        from telephone.models.pocket.dalle_2 import NET

        self.name = NET.name
        self.operation, self.steps, self.theta, self.noise = operation, steps, theta, noise
        self.eta = (0.5 if operation == "variation" else 0.0) if eta is None else eta
        self.scale, self.difference = float(more.get("scale", 1.0)), str(more.get("difference", "mapped"))
        self.components, self.caption = int(more.get("components", 256)), more.get("caption") == "yes"

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if all weights are in place."""
        return str(self._model.lacks())

    def traits(self) -> Traits:
        """Returns the properties; reads the weight files once, for their hashes."""
        own = [self.operation, self.steps, self.eta, self.theta, self.noise, self.scale, self.difference]
        own += [self.components, self.caption]
        fingerprint = digest("pocket/dalle-2 editor", self.VERSION, *self._model._files.values(), *own)
        return Traits(fingerprint, batch_size=16, seeds=True, max_tokens=self._model._text_config.max_tokens, price=0.0)

    def edit_images(
        self,
        images: Sequence[Image.Image],
        texts: Sequence[str],
        seeds: Sequence[int] | None = None,
        masks: Sequence[Image.Image] | None = None,
        strength: float | None = None,
        references: Sequence[Image.Image] | None = None,
    ) -> list[Any]:
        """Returns one RGB image of 64 x 64 pixels an image.

        Args:
            images: of any size.
            texts: for `textdiff` and `caption=yes`; else ignored.
            seeds: one an image.
            masks: not taken.
            strength: in place of the option `eta`, `theta` or `scale`, whichever the operation has.
            references: the other ends of `interpolate`.

        Raises:
            UsageError: a mask is given, or `interpolate` has no references.
            WeightsError: the weights are missing, or not the shipped ones.
        """
        if masks is not None:
            raise UsageError("pocket/dalle-2 takes no mask: use pocket/glide, which draws inside one.")
        if (self.operation == "interpolate") != (references is not None):
            needed = "needs a reference image for each image" if references is None else "takes no reference images"
            raise UsageError(f"The operation {self.operation} of pocket/dalle-2 {needed}.")
        chosen = list(seeds) if seeds is not None else [0] * len(images)
        others = list(references) if references is not None else list(images)
        items = list(zip(images, texts, chosen, others, strict=True))
        made: list[Image.Image] = []
        for part in full_batches(items, BATCH):
            with limited_threads():
                pixels = self._edit(part, strength)
            made += [from_array(image) for image in pixels.numpy()]
        return made[: len(items)]

    def _edit(self, items: Sequence[tuple[Image.Image, str, int, Image.Image]], strength: float | None) -> "Tensor":
        """Returns images [BATCH, 3, 64, 64] in [-1, 1] of that many images, texts, seeds and references."""
        from telephone.nets import dalle_2_editing as editing

        images, texts, seeds, others = zip(*items, strict=True)
        net, clip_net = self._model._nets
        sources, targets = zip(*(split_texts(text) for text in texts), strict=True)
        shown = self._model._tokens(targets if self.operation == "textdiff" else texts) if self.caption else None
        before = self._model._tokens(sources if self.operation == "textdiff" else texts) if self.caption else None
        latents = editing.encode(net, clip_net, image_batch(images, SIZE), self.steps, before)
        latents = self._changed(latents, (sources, targets), seeds, others, strength)
        eta = strength if strength is not None and self.operation in ("variation", "reconstruct") else self.eta
        small = editing.decode(net, latents, seeds, self.steps, eta, shown)
        found: Tensor = net.upsampler.enlarge(small, seeds)
        return found

    def _changed(
        self,
        latents: "ImageLatents",
        texts: tuple[Sequence[str], Sequence[str]],
        seeds: Sequence[int],
        others: Sequence[Image.Image],
        strength: float | None,
    ) -> "ImageLatents":
        """Returns the latents after the operation."""
        from telephone.nets import dalle_2_editing as editing
        from telephone.nets import diffusion

        net, clip_net = self._model._nets
        image, noise = latents.image, latents.noise
        theta = self.theta if strength is None else strength
        if self.operation == "interpolate":
            end = editing.encode(net, clip_net, image_batch(others, SIZE), self.steps)
            first, last = net.space.denormalise(image), net.space.denormalise(end.image)
            image = net.space.normalise(editing.slerp(first, last, theta))
            noise = editing.slerp(noise, end.noise, theta)
        if self.operation == "textdiff":
            source, target = (editing.embed_text(clip_net, self._clip_tokens(each)) for each in texts)
            if self.difference == "mapped":
                scale = self.scale if strength is None else strength
                image = editing.mapped_difference(net, image, target, source, scale)
            else:
                image = editing.text_difference(net, image, target, source, theta)
        if self.operation == "components":
            image = editing.keep_components(net, image, self.components)
        if self.operation == "components" or (self.operation == "interpolate" and self.noise == "random"):
            noise = diffusion.seeded_noise(tuple(noise.shape[1:]), seeds)
        return editing.ImageLatents(image, noise)

    def _clip_tokens(self, texts: Sequence[str]) -> "Tensor":
        limit = self._model._nets[1].config.text.max_tokens
        tokens: Tensor = self._model._clip_tokenizer.batch(texts, limit, pad_to=limit)
        return tokens

    @cached_property
    def _model(self) -> Any:
        """The text-to-image model at the same address, whose nets are used."""
        from telephone.models.registry import text2image

        return text2image("pocket/dalle-2")


def split_texts(text: str) -> tuple[str, str]:
    """Returns what an image shows and what it is to show; the first is empty if the text has no `=>`."""
    source, arrow, target = text.partition(ARROW)
    return (source.strip(), target.strip()) if arrow else ("", text.strip())
