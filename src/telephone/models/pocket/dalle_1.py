"""`pocket/dalle-1`: a transformer of text tokens and codes of a dVAE; completes an image whose top is given."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.images import from_array
from telephone.core.seeds import digest
from telephone.models.base import ImageEditor, Traits
from telephone.models.editing import paste_known
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.pocket.text2image import BATCH, BEST_OF_OPTIONS, SIZE, PocketText2Image
from telephone.models.provider import choice, integer, number
from telephone.models.runtime import full_batches, image_batch, limited_threads

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.byte_pairs import BytePairTokenizer

ROWS = 16
"""Rows of codes of an image."""
ROW_HEIGHT = SIZE // ROWS
"""Height of a row of codes, in pixels."""
SAMPLING_OPTIONS = {"temperature": number(0, 10), "top_k": integer(0, 100_000)}


class PocketDalle1(PocketText2Image):
    """DALL-E (`nets/dalle_1.py`)."""

    def __init__(self, temperature: float = 1.0, top_k: int = 0, best_of: int = 1) -> None:
        super().__init__(NET, best_of, {"temperature": temperature, "top_k": top_k})

    def count_cut(self, text: str) -> int:
        """Returns how many words of the text do not fit into its tokens."""
        return self._byte_pairs.cut(text, self._text_config.max_tokens)

    def _generate(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        return self._draw(texts, seeds)

    def _draw(self, texts: Sequence[str], seeds: Sequence[int], top: "Tensor | None" = None) -> "Tensor":
        """Returns images [BATCH, 3, 64, 64] of that many texts, below the codes [BATCH, rows, 16] of their tops."""
        from telephone.nets.dalle_1 import CodeDraws, draw, text_tokens

        net, dvae = self._nets
        tokens = text_tokens(self._byte_pairs, texts, self._text_config.max_tokens)
        pixels: Tensor = draw(net, dvae, tokens, seeds, CodeDraws(**self._options), top)
        return pixels

    @cached_property
    def _byte_pairs(self) -> "BytePairTokenizer":
        from telephone.nets.byte_pairs import BytePairTokenizer

        return BytePairTokenizer(self._text_config.merges)

    @cached_property
    def _text_config(self) -> Any:
        return NET.read_config().text

    @cached_property
    def _nets(self) -> tuple[Any, Any]:
        NET.check_reads()
        return NET.load(), DVAE.load()


class Dalle1Editor(ImageEditor):
    """Completion of an image whose top is given, and reconstruction by the dVAE.

    - `complete`: the codes of the first `rows` rows of 16 are those of the image, the others are drawn for the text;
      the pixels of the given rows stay. With a mask, the rows above its first white pixel are given, and all pixels
      outside of it stay: codes are drawn from top to bottom, so what is below the mask can be seen in no way.
    - `reconstruct`: the image through the codes of the dVAE and back; text, seed and `rows` are ignored.
    """

    VERSION = 1
    """Incremented whenever the same weights and options may give another image."""

    def __init__(
        self, operation: str = "complete", rows: int = ROWS // 2, temperature: float = 1.0, top_k: int = 0
    ) -> None:
        self.name = NET.name
        self.operation, self.rows = operation, rows
        self._model = PocketDalle1(temperature, top_k)

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if all weights are in place."""
        return DVAE.lacks() if self.operation == "reconstruct" else NET.lacks()

    def traits(self) -> Traits:
        """Returns the properties; reads the weight files once, for their hashes."""
        if self.operation == "reconstruct":
            own: list[object] = [*DVAE.locate().values()]
            limit = None
        else:
            own = [*NET.locate_all().values(), self.rows, *sorted(self._model._options.items())]
            limit = self._model._text_config.max_tokens
        fingerprint = digest("pocket/dalle-1 editor", self.VERSION, self.operation, *own)
        return Traits(fingerprint, batch_size=16, seeds=True, max_tokens=limit, price=0.0)

    def edit_images(
        self,
        images: Sequence[Image.Image],
        texts: Sequence[str],
        seeds: Sequence[int] | None = None,
        masks: Sequence[Image.Image] | None = None,
        strength: float | None = None,
        references: Sequence[Image.Image] | None = None,
    ) -> list[Any]:
        """Returns one RGB image of 64 x 64 pixels an image; with a mask it has the size of the given image.

        Args:
            images: of any size.
            texts: one an image.
            seeds: one an image.
            masks: white where an image is drawn again.
            strength: not taken.
            references: not taken.

        Raises:
            UsageError: a strength or a reference is given, or `reconstruct` gets a mask.
            WeightsError: the weights are missing, or not the shipped ones.
        """
        if strength is not None or references is not None:
            raise UsageError("pocket/dalle-1 takes no strength and no references: set how much is given by rows.")
        if self.operation == "reconstruct":
            if masks is not None:
                raise UsageError("The operation reconstruct of pocket/dalle-1 takes no mask: use complete.")
            return self._reconstructed(images)
        chosen = list(seeds) if seeds is not None else [0] * len(images)
        covers = list(masks) if masks is not None else [None] * len(images)
        kept = [self.rows if cover is None else _rows_above(cover) for cover in covers]
        made: dict[int, Image.Image] = {}
        for rows in sorted(set(kept)):
            numbers = [number for number, own in enumerate(kept) if own == rows]
            items = [(images[number], texts[number], chosen[number]) for number in numbers]
            made |= dict(zip(numbers, self._completed(items, rows), strict=True))
        return [
            _with_known_pixels(made[number], images[number], covers[number], kept[number])
            for number in range(len(images))
        ]

    def _completed(self, items: Sequence[tuple[Image.Image, str, int]], rows: int) -> list[Image.Image]:
        made: list[Image.Image] = []
        for part in full_batches(items, BATCH):
            images, texts, seeds = zip(*part, strict=True)
            with limited_threads():
                top = self._model._nets[1].encode(image_batch(images, SIZE))[:, :rows]
                made += [from_array(image) for image in self._model._draw(texts, seeds, top).numpy()]
        return made[: len(items)]

    def _reconstructed(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        import torch

        dvae, made = self._dvae, []
        for part in full_batches(list(images), BATCH):
            with limited_threads(), torch.no_grad():
                pixels = dvae.decode_codes(dvae.encode(image_batch(part, SIZE)))
            made += [from_array(image) for image in pixels.numpy()]
        return made[: len(images)]

    @cached_property
    def _dvae(self) -> Any:
        return DVAE.load()


def _rows_above(mask: Image.Image) -> int:
    """Returns how many rows of codes lie wholly above the first white pixel of a mask; all for a black one."""
    white = np.flatnonzero(np.asarray(mask).any(axis=1))
    return int(white[0]) * ROWS // mask.height if len(white) else ROWS


def _with_known_pixels(made: Image.Image, image: Image.Image, mask: Image.Image | None, rows: int) -> Image.Image:
    """Returns a completed image with the given pixels of the first one."""
    if mask is not None:
        return paste_known(made, image, mask)
    kept = image if image.size == made.size else image.resize(made.size, Image.Resampling.LANCZOS)
    made.paste(kept.crop((0, 0, SIZE, rows * ROW_HEIGHT)), (0, 0))
    return made


DVAE = PocketNet(
    name="dvae",
    summary="dVAE: the codes of dalle-1",
    net="telephone.nets.dvae:Dvae",
    config="telephone.nets.dvae:DvaeConfig",
    recipe="telephone.train.dvae",
    files=("dvae",),
)
NET = PocketNet(
    name="dalle-1",
    summary="DALL-E: a transformer of text tokens and codes of a dVAE",
    net="telephone.nets.dalle_1:Dalle1",
    config="telephone.nets.dalle_1:Dalle1Config",
    recipe="telephone.train.dalle_1",
    files=("dalle-1",),
    uses=(DVAE,),
    kind="text2image",
    model=PocketDalle1,
    options={**SAMPLING_OPTIONS, **BEST_OF_OPTIONS},
    editor=Dalle1Editor,
    editor_options={
        "operation": choice("complete", "reconstruct"),
        "rows": integer(0, ROWS),
        **SAMPLING_OPTIONS,
    },
)
