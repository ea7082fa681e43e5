"""`pocket/clipdraw`: vector drawings by optimisation with CLIP; no weights of its own."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.core.errors import ModelError, UsageError
from telephone.core.images import from_array
from telephone.models.pocket import clip, vqgan_clip
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.pocket.text2image import BEST_OF_OPTIONS, SIZE, PocketText2Image
from telephone.models.pocket.vqgan_clip import in_a_row
from telephone.models.provider import choice, integer
from telephone.models.runtime import limited_threads, parallel_map

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.clipdraw import Drawing, DrawOptions, Goals

FORMS = ("shapes", "strokes")
GOALS = ("image", "text")


class PocketClipdraw(PocketText2Image):
    """CLIPDraw (`nets/clipdraw.py`): filled shapes or strokes, moved by CLIP's gradient.

    `goal` is what the views are moved towards: `text` is the text's embedding, as in the paper, `image` the image
    embedding that vqgan-clip's linear layer expects for it. A text may be several weighted prompts, such as
    `a red cat | a dog:-0.3`. With `frames` the image is a row of that many images of the optimisation, after the
    first one.
    """

    def __init__(
        self,
        steps: int = 60,
        shapes: int = 8,
        form: str = "shapes",
        goal: str = "image",
        views: int = 4,
        frames: int = 0,
        best_of: int = 1,
    ) -> None:
        if frames > steps:
            raise UsageError(
                f"{frames} frames need at least as many steps, not {steps}: raise steps, or ask for fewer."
            )
        if frames and best_of > 1:
            raise UsageError("best_of ranks single images: leave out frames, or best_of.")
        options = {"steps": steps, "shapes": shapes, "form": form, "goal": goal, "views": views, "frames": frames}
        super().__init__(NET, best_of, options)

    def film(self, text: str, seed: int, frames: int = 0) -> list[Image.Image]:
        """Returns the images of one optimisation: the first one, and `frames` more, 0 for one after each step.

        Args:
            text: the prompts.
            seed: of the first shapes and of CLIP's views.
            frames: how many, evenly spaced; the last one is the image that `generate_image` returns.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
            ModelError: the prompts cannot be read.
        """
        with limited_threads():
            return self._optimised(text, seed, frames or self._options["steps"])[0]

    def svg(self, text: str, seed: int) -> str:
        """Returns the drawing that `generate_image` returns for this text and seed as an SVG file; raises as `film`."""
        from telephone.nets.clipdraw import to_svg

        with limited_threads():
            return to_svg(self._optimised(text, seed, 0)[1], SIZE)

    def _images(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        _ = self._nets
        frames = self._options["frames"]
        items = list(zip(texts, seeds, strict=True))
        return parallel_map(lambda item: in_a_row(self._optimised(*item, frames)[0]), items)

    def _generate(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        raise NotImplementedError("each drawing is optimised alone")

    def _optimised(self, text: str, seed: int, frames: int) -> "tuple[list[Image.Image], Drawing]":
        """Returns the last image, or with frames the first one and that many more; and the last drawing."""
        from telephone.nets.clipdraw import optimise_drawing, rasterise

        steps = self._options["steps"]
        wanted = {round(step * steps / frames) for step in range(frames + 1)} if frames else {steps}
        images: list[Image.Image] = []

        def keep(step: int, drawing: "Drawing") -> None:
            if step in wanted:
                images.append(from_array(rasterise(drawing, SIZE)[0].numpy()))

        last = optimise_drawing(self._nets[0], self._goals(text), [seed], self._how, keep)
        return images, last

    def _goals(self, text: str) -> "Goals":
        import torch

        from telephone.nets.clipdraw import Goals
        from telephone.nets.vqgan_clip import parse_prompts

        try:
            prompts = parse_prompts(text)
        except ValueError as error:
            raise ModelError(str(error)) from error
        net, bridge = self._nets
        with torch.no_grad():
            # One text at a time: a batch of another size may round the last bits differently.
            each = [net.encode_text(self._tokens([prompt.text])) for prompt in prompts]
            if self._options["goal"] == "image":
                each = [bridge.to_image_embedding(embedding) for embedding in each]
        return Goals(torch.stack(each, dim=1), torch.tensor([[prompt.weight for prompt in prompts]]))

    @property
    def _how(self) -> "DrawOptions":
        from dataclasses import replace

        from telephone.nets.clipdraw import DrawOptions

        chosen, strokes = self._options, self._options["form"] == "strokes"
        usual = DrawOptions(
            steps=chosen["steps"], shapes=chosen["shapes"], strokes=strokes, segments=2 if strokes else 4
        )
        return replace(usual, cutouts=replace(usual.cutouts, views=chosen["views"]))

    @cached_property
    def _text_config(self) -> Any:
        return clip.NET.read_config().text

    @cached_property
    def _nets(self) -> tuple[Any, Any]:
        return clip.NET.load(), vqgan_clip.NET.load()


NET = PocketNet(
    name="clipdraw",
    summary="CLIPDraw: vector shapes or strokes moved by CLIP's gradient",
    uses=(clip.NET, vqgan_clip.NET),
    kind="text2image",
    model=PocketClipdraw,
    options={
        "steps": integer(1, 10_000),
        "shapes": integer(1, 256),
        "form": choice(*FORMS),
        "goal": choice(*GOALS),
        "views": integer(1, 64),
        "frames": integer(0, 1000),
        **BEST_OF_OPTIONS,
    },
)
