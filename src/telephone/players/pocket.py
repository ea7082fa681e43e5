"""The pocket roster: small networks with the architectures of the original players, with weights that are shipped."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.images import from_array
from telephone.players import weights
from telephone.players.base import Image2Text, Text2Image, Traits
from telephone.players.computing import few_threads, load_net, stacked
from telephone.players.provider import Catalogue, Entry, choice, number, whole
from telephone.seeds import digest

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.tokenizer import WordTokenizer

SIZE = 64
"""Side of the pictures that the pocket nets draw and see, in pixels."""
EQUAL = 4
"""Pictures are drawn in batches of exactly so many, the last one filled up: the library chooses its kernels by the size
of a batch, and another kernel rounds the last bits otherwise. So a picture is the same bytes in any company."""


class StableDiffusion(Text2Image):
    """Latent diffusion (`nets/latent_diffusion.py`)."""

    def __init__(self, steps: int = 4, guidance: float = 1.5, eta: float = 0.0, solver: str = "dpm++") -> None:
        self.name = "stable-diffusion"
        self._options: dict[str, Any] = {"steps": steps, "guidance": guidance, "eta": eta, "solver": solver}

    def traits(self) -> Traits:
        """Returns what the player is; reads the weight file once, for its hash."""
        print_ = digest("pocket/stable-diffusion", 1, *self._files.values(), sorted(self._options.items()))
        return Traits(print_, batch_size=16, seeds=True, max_tokens=self._config.text.max_tokens, price=0.0)

    def count_cut(self, text: str) -> int:
        """Returns how many words of the text the encoder does not see."""
        return self._tokenizer.cut(text, self._config.text.max_tokens)

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Image.Image]:
        """Returns one RGB picture of 64 x 64 pixels a text.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        from telephone.nets.latent_diffusion import Sampling

        limit = self._config.text.max_tokens
        asked = list(zip(texts, seeds if seeds is not None else [0] * len(texts), strict=True))
        drawn: list[Image.Image] = []
        for start in range(0, len(asked), EQUAL):
            part = (asked[start : start + EQUAL] + asked[-1:] * EQUAL)[:EQUAL]
            tokens = self._tokenizer.batch([text for text, _ in part], limit, pad_to=limit)
            with few_threads():
                pixels = self._net.generate(tokens, [seed for _, seed in part], Sampling(**self._options))
            drawn += [from_array(picture) for picture in pixels.numpy()]
        return drawn[: len(asked)]

    @cached_property
    def _files(self) -> dict[Path, str]:
        return dict([weights.find("stable-diffusion"), weights.find("autoencoder", "stable-diffusion")])

    @cached_property
    def _config(self) -> Any:
        """What the file says of itself: a plan needs no more, so the net is built at the first call."""
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.latent_diffusion import LatentDiffusionConfig

        return LatentDiffusionConfig.from_dict(read_metadata(next(iter(self._files)))[0])

    @cached_property
    def _net(self) -> Any:
        from telephone.nets.latent_diffusion import LatentDiffusion

        return load_net(list(self._files), LatentDiffusion(self._config))

    @cached_property
    def _tokenizer(self) -> "WordTokenizer":
        return _words(self._config.text.words)


class Blip(Image2Text):
    """BLIP (`nets/blip.py`): one short sentence a picture."""

    def __init__(self, temperature: float = 0.0, max_tokens: int = 71) -> None:
        self.name = "blip"
        self._options: dict[str, Any] = {"limit": max_tokens, "temperature": temperature}

    def traits(self) -> Traits:
        """Returns what the player is; reads the weight file once, for its hash."""
        print_ = digest("pocket/blip", 1, self._file[1], sorted(self._options.items()))
        return Traits(print_, batch_size=64, seeds=True, price=0.0)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[str]:
        """Returns one description a picture; pictures of any size and mode are brought to 64 x 64 RGB first.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        from telephone.nets.generation import Decoding

        chosen = list(seeds) if seeds is not None else [0] * len(images)
        with few_threads():
            tokens: Tensor = self._net.describe(stacked(images, SIZE), chosen, Decoding(**self._options))
        return [self._tokenizer.decode(row) for row in tokens.tolist()]

    @cached_property
    def _file(self) -> tuple[Path, str]:
        return weights.find("blip")

    @cached_property
    def _net(self) -> Any:
        from telephone.nets.blip import Blip as Net
        from telephone.nets.blip import BlipConfig
        from telephone.nets.checkpoint import read_metadata

        return load_net([self._file[0]], Net(BlipConfig.from_dict(read_metadata(self._file[0])[0])))

    @cached_property
    def _tokenizer(self) -> "WordTokenizer":
        return _words(self._net.config.text.words)


def _words(words: Sequence[str]) -> "WordTokenizer":
    from telephone.nets.tokenizer import WordTokenizer

    return WordTokenizer(words)


provider = Catalogue(
    "pocket",
    {
        "stable-diffusion": Entry(
            "text2image",
            "latent diffusion, trained on the pocket world",
            StableDiffusion,
            {
                "steps": whole(1, 1000),
                "guidance": number(0, 20),
                "eta": number(0, 1),
                "solver": choice("dpm++", "ddim"),
            },
        ),
        "blip": Entry(
            "image2text",
            "BLIP, trained on the pocket world; short sentences",
            Blip,
            {"temperature": number(0, 10), "max_tokens": whole(1, 71)},
        ),
    },
)
