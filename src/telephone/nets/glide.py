"""GLIDE (Nichol et al. 2021, arXiv 2112.10741) at pocket size: text-guided diffusion on pixels, which also inpaints.

A base model draws 32 x 32 pixels, an upsampler doubles them; both see the text. Two things differ from latent diffusion
(`stable_diffusion.py`): the text's vectors are joined to the keys and values of self-attention, so that image and text
share one softmax (section 2.4), and the inputs have four further channels for inpainting, the known pixels and the mask
(section 2.5). Where the whole image is masked, inpainting is generation, so one net does both.

Images are float32 NCHW in [-1, 1]; masks are 1 where an image is drawn and 0 where it is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets import diffusion
from telephone.nets.checkpoint import tuples
from telephone.nets.dalle_2_upsampler import Upsampler, UpsamplerConfig, shrink
from telephone.nets.layers import Attention
from telephone.nets.stable_diffusion import (
    CaptionEncoder,
    DiffusionSampling,
    SpatialTransformer,
    TextEncoderConfig,
    UNet,
    UNetConfig,
    time_features,
)

EXTRA = 4
"""Further input channels a pixel: three known colours and the mask."""


@dataclass
class GlideConfig:
    """Hyperparameters that determine the shapes of all weights."""

    text: TextEncoderConfig = field(default_factory=TextEncoderConfig)
    unet: UNetConfig = field(default_factory=lambda: UNetConfig(latent_channels=3, latent_size=32, patch=4))
    upsampler: UpsamplerConfig = field(default_factory=UpsamplerConfig)
    skip: float = 0.09
    """Standard deviation of what the net cannot predict: below this noise level the input passes to the output
    (`diffusion.with_skip`)."""

    @classmethod
    def from_dict(cls, values: dict) -> "GlideConfig":
        """Returns the config from the plain values that JSON holds."""
        parts = {name: tuples(part) for name, part in values.items() if name != "skip"}
        return cls(
            TextEncoderConfig(**parts["text"]),
            UNetConfig(**parts["unet"]),
            UpsamplerConfig(**parts["upsampler"]),
            values["skip"],
        )


@dataclass(frozen=True)
class KnownPixels:
    """What is given of images that are to be inpainted."""

    image: Float[Tensor, "batch 3 H W"]
    mask: Float[Tensor, "batch 1 H W"]
    """1 where the image is drawn, 0 where it is known."""

    def small(self) -> "KnownPixels":
        """Returns the same at half the height and width; a pixel is drawn if one of its four is."""
        return KnownPixels(shrink(self.image), F.max_pool2d(self.mask, 2))

    def channels(self) -> Float[Tensor, "batch 4 H W"]:
        """Returns the known colours, 0 where an image is drawn, and the mask."""
        return torch.cat([self.image * (1 - self.mask), self.mask], dim=1)

    def paste(self, drawn: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch 3 H W"]:
        """Returns drawn images with the known pixels in them."""
        return torch.where(self.mask > 0, drawn, self.image)

    def repeat(self, times: int) -> "KnownPixels":
        """Returns several copies of the batch after each other."""
        return KnownPixels(self.image.repeat(times, 1, 1, 1), self.mask.repeat(times, 1, 1, 1))


def all_masked(batch: int, size: int, like: Float[Tensor, "*shape"]) -> KnownPixels:
    """Returns images of which nothing is known."""
    return KnownPixels(like.new_zeros(batch, 3, size, size), like.new_ones(batch, 1, size, size))


# --- text joined to self-attention ----------------------------------------------------------------------------------


class JointBlock(nn.Module):
    """Self-attention with the text's keys and values in it, and a two-layer net, each pre-normalised and residual."""

    def __init__(self, width: int, heads: int, context_width: int, expand: int) -> None:
        """Builds the layer; the text has a projection to keys and values of its own (section 2.4)."""
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, None, heads)
        self.text_key_value = nn.Linear(context_width, 2 * width, bias=False)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, expand * width), nn.GELU(), nn.Linear(expand * width, width))

    def forward(
        self, x: Float[Tensor, "batch n width"], context: Float[Tensor, "batch m context"]
    ) -> Float[Tensor, "batch n width"]:
        """Returns the outputs of the image's positions; all of them attend to all of image and text."""
        h = self.norm1(x)
        keys, values = self.attention.keys(h)
        text = self.text_key_value(context).unflatten(-1, (2, self.attention.heads, -1)).unbind(2)
        text_keys, text_values = (part.transpose(1, 2) for part in text)
        joint = torch.cat([text_keys, keys], dim=2), torch.cat([text_values, values], dim=2)
        x = x + self.attention.attend(h, joint)
        return x + self.mlp(self.norm2(x))


class JointTransformer(SpatialTransformer):
    """A `JointBlock` over the positions of a feature map."""

    def __init__(self, channels: int, size: int, expand: int, config: UNetConfig) -> None:
        """`size` is the side of the feature map; each position has a learned embedding."""
        super().__init__(channels, size, expand, config)
        self.block = JointBlock(channels, config.heads, config.context_width, expand)


class GlideUNet(UNet):
    """The base model: latent diffusion's U-Net on pixels, with text in self-attention and inputs for inpainting.

    The last vector of the text is also added to the time embedding (section 2.4). The clean image is predicted.
    """

    def __init__(self, config: UNetConfig, skip: float) -> None:
        """Builds the net; nothing of the further inputs is used at first, as their weights start at zero."""
        super().__init__(config)
        self.skip = skip
        first = nn.Conv2d((config.latent_channels + EXTRA) * config.patch**2, config.widths[0], 3, padding=1)
        nn.init.zeros_(first.weight[:, config.latent_channels * config.patch**2 :])
        self.conv_in = nn.Sequential(nn.PixelUnshuffle(config.patch), first)

    def _transformer(self, channels: int, size: int, level: int) -> SpatialTransformer:
        return JointTransformer(channels, size, self.config.expand[level], self.config)

    def draw(
        self,
        x: Float[Tensor, "batch 3 h w"],
        t: Float[Tensor, " batch"],
        text: Float[Tensor, "batch m context"],
        known: KnownPixels,
    ) -> Float[Tensor, "batch 3 h w"]:
        """Returns x0 for noised images at times in [0, 1], given the vectors of texts and the known pixels."""
        x0 = self(torch.cat([x, known.channels()], dim=1), t, text)
        return diffusion.with_skip(x0, x, t, self.skip)

    def guided(self, text: Float[Tensor, "batch m context"], guidance: float, known: KnownPixels) -> diffusion.Denoiser:
        """Returns the denoiser with classifier-free guidance (section 2.3); the known pixels are in each prediction."""
        both, twice = torch.cat([text, self.null_context.expand_as(text)]), known.repeat(2)

        def denoise(x: Tensor, t: Tensor) -> Tensor:
            if guidance == 1.0:
                return known.paste(self.draw(x, t, text, known))
            x0, x0_empty = self.draw(torch.cat([x, x]), torch.cat([t, t]), both, twice).chunk(2)
            return known.paste(diffusion.guided(x0, x0_empty, guidance))

        return denoise


# --- upsampler ------------------------------------------------------------------------------------------------------


class TextUpsampler(Upsampler):
    """The upsampler with the text in its time embedding, and with inputs for inpainting (sections 2.4 and 2.5)."""

    def __init__(self, config: UpsamplerConfig, context_width: int) -> None:
        """Builds the net; the weights of the further inputs start at zero."""
        super().__init__(config)
        self.text = nn.Linear(context_width, config.time_width)
        nn.init.zeros_(self.text.weight)
        nn.init.zeros_(self.text.bias)
        first = nn.Conv2d(12 + 3 + 4 * EXTRA, config.widths[0], 3, padding=1)
        nn.init.zeros_(first.weight[:, 15:])
        self.conv_in = first

    def draw(
        self,
        x: Float[Tensor, "batch 3 H W"],
        t: Float[Tensor, " batch"],
        small: Float[Tensor, "batch 3 h w"],
        text: Float[Tensor, "batch m context"],
        known: KnownPixels,
    ) -> Float[Tensor, "batch 3 H W"]:
        """Returns x0 for noised large images at times in [0, 1], given small ones, texts and the known pixels."""
        time = self.time(time_features(t)) + self.text(text[:, -1])
        inputs = [F.pixel_unshuffle(x, 2), small, F.pixel_unshuffle(known.channels(), 2)]
        return self._residual(torch.cat(inputs, dim=1), time, small)

    @torch.no_grad()
    def enlarge_known(
        self,
        small: Float[Tensor, "batch 3 h w"],
        text: Float[Tensor, "batch m context"],
        known: KnownPixels,
        seeds: Sequence[int],
        steps: int = 2,
    ) -> Float[Tensor, "batch 3 H W"]:
        """Samples the large images by DDIM, in [-1, 1], with the known pixels in them."""
        noise = diffusion.seeded_noise(tuple(known.image.shape[1:]), seeds).to(small.device)
        x = diffusion.sample_ddim(
            lambda x, t: known.paste(self.draw(x, t, small, text, known).clamp(-1, 1)), noise, steps
        )
        return known.paste(x.clamp(-1, 1))


# --- the whole ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GlideSampling(DiffusionSampling):
    """Sampling options; those of the base model are latent diffusion's."""

    upsampler_steps: int = 2
    """Calls of the upsampler."""


class Glide(nn.Module):
    """Text encoder, base model and upsampler: images from tokens and seeds, or inside of masks."""

    def __init__(self, config: GlideConfig) -> None:
        """Builds the parts with fresh weights."""
        super().__init__()
        self.config = config
        self.text_encoder = CaptionEncoder(config.text)
        self.unet = GlideUNet(config.unet, config.skip)
        self.upsampler = TextUpsampler(config.upsampler, config.text.width)

    @property
    def size(self) -> int:
        """Height and width of the images."""
        return 2 * self.config.unet.latent_size

    @torch.no_grad()
    def generate(
        self,
        tokens: Int[Tensor, "batch length"],
        seeds: Sequence[int],
        sampling: GlideSampling | None = None,
        known: KnownPixels | None = None,
        callback: diffusion.Callback | None = None,
    ) -> Float[Tensor, "batch 3 H W"]:
        """Draws one image a text, in [-1, 1]; the same seed gives the same image in any batch.

        Args:
            tokens: what the whole images show.
            seeds: one a text.
            sampling: options.
            known: pixels that stay as they are; None draws everything.
            callback: called after each step of the base model.
        """
        text = self.text_encoder(tokens)
        return self.sample(text, seeds, sampling, known, callback)

    @torch.no_grad()
    def sample(
        self,
        text: Float[Tensor, "batch m context"],
        seeds: Sequence[int],
        sampling: GlideSampling | None = None,
        known: KnownPixels | None = None,
        callback: diffusion.Callback | None = None,
    ) -> Float[Tensor, "batch 3 H W"]:
        """Draws as `generate` does, from the vectors of texts."""
        how, size = sampling or GlideSampling(), self.config.unet.latent_size
        known = known or all_masked(len(text), 2 * size, text)
        noise = diffusion.seeded_noise((3, size, size), seeds).to(text.device)
        denoise = self.unet.guided(text, how.guidance, known.small())
        small = how.run(denoise, noise, seeds, callback).clamp(-1, 1)
        return self.upsampler.enlarge_known(small, text, known, seeds, how.upsampler_steps)
