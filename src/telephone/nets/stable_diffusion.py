"""Latent diffusion (Rombach et al. 2022, arXiv 2112.10752) at pocket size: the architecture of Stable Diffusion.

Four parts, as in section 3 of the paper: an autoencoder (3.1), a text encoder tau_theta (3.3), a U-Net that denoises
latents with cross-attention to the text (eq. 3), and classifier-free guidance at sampling. Images are float32 NCHW in
[-1, 1].

The text encoder is a transformer over the tokens, followed by a resampler: learned queries that attend to the tokens
and return a short sequence of fixed length (Alayrac et al. 2022, section 3.1.1). It is pre-trained before the U-Net, as
Stable Diffusion uses CLIP's pre-trained text encoder.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets import diffusion
from telephone.nets.checkpoint import tuples
from telephone.nets.layers import ResBlock, TransformerBlock
from telephone.nets.tokenizer import PAD


@dataclass
class AutoencoderConfig:
    """Shape of the autoencoder."""

    latent_channels: int = 12
    """Channels of a latent; its height and width are a quarter of the image's."""
    encoder_width: int = 64
    decoder_width: int = 96
    scale: float = 1.0
    """Latents are multiplied by this, so that their standard deviation is 1 (section D.1 of the paper)."""


@dataclass
class TextEncoderConfig:
    """Shape of the text encoder."""

    words: tuple[str, ...] = ()
    """Vocabulary without special tokens."""
    max_tokens: int = 72
    """Maximum number of tokens, `<bos>` and `<eos>` included; longer texts are cut."""
    width: int = 128
    convolutions: int = 2
    """Convolutions over the tokens before the transformer, because a thing and its attributes are adjacent."""
    layers: int = 3
    heads: int = 4
    queries: int = 7
    """Length of the resampler's output; the last vector represents the whole text."""


@dataclass
class UNetConfig:
    """Shape of the denoiser."""

    latent_channels: int = 12
    latent_size: int = 16
    patch: int = 2
    """Side of a patch of latents that the U-Net treats as one position, to save computation."""
    widths: tuple[int, ...] = (128, 152)
    """Channels at each resolution, the finest first; each level halves height and width."""
    blocks: int = 1
    """Residual blocks a level in the down path; one more in the up path."""
    attention_from: int = 0
    """The first level (0 is the finest) that has attention."""
    heads: int = 4
    expand: tuple[int, ...] = (8, 2)
    """Hidden width of the transformers' two-layer nets at each resolution, in multiples of the channels.

    The finest one is wide: what part of which thing belongs to which square is learned there."""
    context_width: int = 128
    time_width: int = 256


@dataclass
class LatentDiffusionConfig:
    """Hyperparameters that determine the shapes of all weights."""

    autoencoder: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    text: TextEncoderConfig = field(default_factory=TextEncoderConfig)
    unet: UNetConfig = field(default_factory=UNetConfig)

    @classmethod
    def from_dict(cls, values: dict) -> "LatentDiffusionConfig":
        """Returns the config from the plain values that JSON holds."""
        text = {**values["text"], "words": tuple(values["text"]["words"])}
        return cls(
            AutoencoderConfig(**values["autoencoder"]),
            TextEncoderConfig(**text),
            UNetConfig(**tuples(values["unet"])),
        )


class Autoencoder(nn.Module):
    """The first stage: encodes images to latents and decodes them, with a slight KL penalty (section 3.1, "KL-reg")."""

    def __init__(self, config: AutoencoderConfig) -> None:
        """Builds encoder and decoder; input and output use a pixel shuffle, which is cheap."""
        super().__init__()
        self.config = config
        e, d = config.encoder_width, config.decoder_width
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4), nn.Conv2d(48, e, 3, padding=1), ResBlock(e, e), ResBlock(e, e),
            nn.GroupNorm(8, e), nn.SiLU(), nn.Conv2d(e, 2 * config.latent_channels, 3, padding=1),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Conv2d(config.latent_channels, d, 3, padding=1), ResBlock(d, d), ResBlock(d, d),
            nn.GroupNorm(8, d), nn.SiLU(), nn.Conv2d(d, 2 * d, 1),
            nn.PixelShuffle(2), nn.SiLU(), nn.Conv2d(d // 2, 12, 3, padding=1), nn.PixelShuffle(2),
        )  # fmt: skip

    def moments(
        self, x: Float[Tensor, "batch 3 H W"]
    ) -> tuple[Float[Tensor, "batch c h w"], Float[Tensor, "batch c h w"]]:
        """Returns mean and log-variance of the latent [batch, c, H/4, W/4], unscaled."""
        mean, logvar = self.encoder(x).chunk(2, dim=1)
        return mean, logvar.clamp(-12, 4)

    def encode(self, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch c h w"]:
        """Returns the latent's mean, scaled to unit standard deviation."""
        return self.moments(x)[0] * self.config.scale

    def decode(self, z: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch 3 H W"]:
        """Returns the image of a scaled latent, approximately in [-1, 1]."""
        return self.decoder(z / self.config.scale)


class CaptionEncoder(nn.Module):
    """tau_theta: maps tokens to a short sequence of vectors, the context of the U-Net."""

    def __init__(self, config: TextEncoderConfig) -> None:
        """Builds the transformer over tokens and the resampler."""
        super().__init__()
        self.config = config
        width = config.width
        self.token = nn.Embedding(len(config.words) + 4, width)
        self.position = nn.Parameter(torch.randn(config.max_tokens, width) * 0.02)
        self.near = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(config.convolutions))
        self.blocks = nn.ModuleList(TransformerBlock(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.queries = nn.Parameter(torch.randn(config.queries, width) * 0.2)
        self.resampler = nn.ModuleList(TransformerBlock(width, config.heads, width) for _ in range(2))
        self.out = nn.LayerNorm(width)

    def forward(self, tokens: Int[Tensor, "batch length"]) -> Float[Tensor, "batch queries width"]:
        """Returns the context sequence; the last vector represents the whole text."""
        mask = tokens != PAD
        x = self.token(tokens)
        for near in self.near:
            x = x * mask[..., None]  # padding must not reach the last tokens
            x = x + F.gelu(near(x.transpose(1, 2)).transpose(1, 2))
        x = x + self.position[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x, mask=mask)
        x = self.norm(x)
        q = self.queries.expand(len(tokens), -1, -1)
        for block in self.resampler:
            q = block(q, x, context_mask=mask)
        return self.out(q)


class SpatialTransformer(nn.Module):
    """A transformer block over the positions of a feature map, with cross-attention to the text (appendix E.2.1)."""

    def __init__(self, channels: int, size: int, expand: int, config: UNetConfig) -> None:
        """`size` is the side of the feature map; each position has a learned embedding."""
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.position = nn.Parameter(torch.randn(size * size, channels) * 0.02)
        self.block: nn.Module = TransformerBlock(channels, config.heads, config.context_width, expand)
        self.out = nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(
        self, x: Float[Tensor, "batch c h w"], context: Float[Tensor, "batch m context"]
    ) -> Float[Tensor, "batch c h w"]:
        """Returns features of the same shape."""
        h = self.norm(x).flatten(2).transpose(1, 2) + self.position
        h = self.out(self.block(h, context))
        return x + h.transpose(1, 2).unflatten(2, x.shape[2:])


class UNet(nn.Module):
    """The denoiser: predicts the clean latent from noised latent, time and text.

    The paper predicts the noise (epsilon_theta); here the data are predicted. Noise fills all dimensions of a square of
    latents, clean data only a few, so a narrow net learns the second sooner (Li & He 2025, arXiv 2511.13720).
    """

    def __init__(self, config: UNetConfig) -> None:
        """Builds the down path, the middle and the up path."""
        super().__init__()
        self.config = config
        widths, time_width = config.widths, config.time_width
        self.time = nn.Sequential(nn.Linear(64, time_width), nn.SiLU(), nn.Linear(time_width, time_width))
        self.whole = nn.Linear(config.context_width, time_width)
        self.null_context = nn.Parameter(torch.zeros(1, 1, config.context_width))
        inputs = config.latent_channels * config.patch**2
        self.conv_in = nn.Sequential(nn.PixelUnshuffle(config.patch), nn.Conv2d(inputs, widths[0], 3, padding=1))
        self.down, self.downsample = nn.ModuleList(), nn.ModuleList()
        skips, now = [widths[0]], widths[0]
        for level, width in enumerate(widths):
            for _ in range(config.blocks):
                self.down.append(self._stage(now, width, level))
                skips.append(width)
                now = width
            if level < len(widths) - 1:
                self.downsample.append(nn.Conv2d(now, now, 3, stride=2, padding=1))
                skips.append(now)
        self.middle = self._stage(now, now, len(widths) - 1)
        self.up, self.upsample = nn.ModuleList(), nn.ModuleList()
        for level in reversed(range(len(widths))):
            for _ in range(config.blocks + 1):
                self.up.append(self._stage(now + skips.pop(), widths[level], level))
                now = widths[level]
            if level > 0:
                self.upsample.append(nn.Conv2d(now, now, 3, padding=1))
        self.out = nn.Sequential(
            nn.GroupNorm(8, now), nn.SiLU(), nn.Conv2d(now, inputs, 3, padding=1), nn.PixelShuffle(config.patch)
        )  # fmt: skip

    def _stage(self, inputs: int, outputs: int, level: int) -> nn.ModuleList:
        config = self.config
        stage = nn.ModuleList([ResBlock(inputs, outputs, config.time_width)])
        if level >= config.attention_from:
            stage.append(self._transformer(outputs, config.latent_size // config.patch >> level, level))
        return stage

    def _transformer(self, channels: int, size: int, level: int) -> SpatialTransformer:
        return SpatialTransformer(channels, size, self.config.expand[level], self.config)

    @staticmethod
    def _run(
        stage: nn.Module,
        x: Float[Tensor, "batch inputs h w"],
        time: Float[Tensor, "batch time"],
        context: Float[Tensor, "batch m context"],
    ) -> Float[Tensor, "batch outputs h w"]:
        assert isinstance(stage, nn.ModuleList)
        x = stage[0](x, time)
        return stage[1](x, context) if len(stage) > 1 else x

    def forward(
        self,
        x: Float[Tensor, "batch c h w"],
        t: Float[Tensor, " batch"],
        context: Float[Tensor, "batch m context"],
        extra: Float[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch outputs h w"]:
        """Returns x0 for latents at times in [0, 1]; inputs may have further channels.

        The context's last vector is added to the time embedding, and so is `extra`, if given.
        """
        time = self.time(time_features(t)) + self.whole(context[:, -1])
        if extra is not None:
            time = time + extra
        x = self.conv_in(x)
        skips, blocks = [x], self.config.blocks
        for index, stage in enumerate(self.down):
            x = self._run(stage, x, time, context)
            skips.append(x)
            if (index + 1) % blocks == 0 and index // blocks < len(self.downsample):
                x = self.downsample[index // blocks](x)
                skips.append(x)
        x = self._run(self.middle, x, time, context)
        for index, stage in enumerate(self.up):
            x = self._run(stage, torch.cat([x, skips.pop()], dim=1), time, context)
            level = index // (blocks + 1)
            if (index + 1) % (blocks + 1) == 0 and level < len(self.upsample):
                x = self.upsample[level](F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.out(x)

    def drop_context(
        self, context: Float[Tensor, "batch m width"], drop: Bool[Tensor, " batch"]
    ) -> Float[Tensor, "batch m width"]:
        """Returns the context with the chosen rows replaced by the learned null context (classifier-free guidance)."""
        return torch.where(drop[:, None, None], self.null_context.expand_as(context), context)


def time_features(t: Float[Tensor, " batch"], width: int = 64) -> Float[Tensor, "batch width"]:
    """Returns sines and cosines of the time at geometric frequencies from 1 to 1,000."""
    frequencies = torch.exp(torch.linspace(0, math.log(1000), width // 2, device=t.device))
    angles = t[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)


@dataclass(frozen=True)
class DiffusionSampling:
    """Sampling options."""

    steps: int = 4
    """Calls of the denoiser."""
    guidance: float = 1.5
    """Strength of classifier-free guidance; 1 is none."""
    eta: float = 0.0
    """Above 0: DDIM with this much fresh noise; 0 with the solver `ddim`, or the deterministic `dpm++`."""
    solver: str = "dpm++"
    """`dpm++` (second order) or `ddim`."""

    def run(
        self,
        denoise: diffusion.Denoiser,
        noise: Float[Tensor, "batch *shape"],
        seeds: Sequence[int],
        callback: diffusion.Callback | None = None,
        schedule: diffusion.Schedule = diffusion.COSINE,
    ) -> Float[Tensor, "batch *shape"]:
        """Returns the clean data that the chosen solver samples; `noise` is at the schedule's `t_max`."""
        if self.solver == "ddim" or self.eta > 0:
            return diffusion.sample_ddim(denoise, noise, self.steps, self.eta, seeds, callback, schedule)
        return diffusion.sample_dpmpp_2m(denoise, noise, self.steps, callback, schedule)


@dataclass(frozen=True)
class EditedImages:
    """Images that are to be changed, and how far."""

    image: Float[Tensor, "batch 3 H W"]
    """In [-1, 1]."""
    strength: float
    """Time to which they are noised, above 0 to 1; 1 leaves nothing of them."""
    mask: Float[Tensor, "batch 1 H W"] | None = None
    """1 where an image is drawn, 0 where it is known; None draws all of it."""

    def latent_mask(self, latent: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch 1 h w"]:
        """Returns the mask of latents: one is drawn if any of its pixels is."""
        if self.mask is None:
            return torch.ones_like(latent[:, :1])
        return F.adaptive_max_pool2d(self.mask, latent.shape[2:])


class LatentDiffusion(nn.Module):
    """All parts together: images from tokens and seeds."""

    def __init__(self, config: LatentDiffusionConfig) -> None:
        """Builds the parts with fresh weights."""
        super().__init__()
        self.config = config
        self.autoencoder = Autoencoder(config.autoencoder)
        self.text_encoder = CaptionEncoder(config.text)
        self.unet = UNet(config.unet)

    def denoiser(self, context: Float[Tensor, "batch m width"], guidance: float) -> diffusion.Denoiser:
        """Returns the guided denoiser for these texts; both halves of the guidance run as one batch."""
        empty = self.unet.null_context.expand_as(context)
        both = torch.cat([context, empty])

        def denoise(x: Float[Tensor, "batch c h w"], t: Float[Tensor, " batch"]) -> Float[Tensor, "batch c h w"]:
            if guidance == 1.0:
                return self.unet(x, t, context)
            x0, x0_empty = self.unet(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
            return diffusion.guided(x0, x0_empty, guidance)

        return denoise

    @torch.no_grad()
    def generate(
        self,
        tokens: Int[Tensor, "batch length"],
        seeds: Sequence[int],
        sampling: DiffusionSampling | None = None,
        callback: diffusion.Callback | None = None,
    ) -> Float[Tensor, "batch 3 H W"]:
        """Generates one image a text, in [-1, 1]; the same seed gives the same image in any batch."""
        how = sampling or DiffusionSampling()
        unet = self.config.unet
        noise = diffusion.seeded_noise((unet.latent_channels, unet.latent_size, unet.latent_size), seeds)
        noise = noise.to(tokens.device)  # drawn on the CPU, so that a seed is the same noise on every device
        denoise = self.denoiser(self.text_encoder(tokens), how.guidance)
        return self.autoencoder.decode(how.run(denoise, noise, seeds, callback)).clamp(-1, 1)

    @torch.no_grad()
    def edit(
        self,
        tokens: Int[Tensor, "batch length"],
        seeds: Sequence[int],
        edits: EditedImages,
        sampling: DiffusionSampling | None = None,
    ) -> Float[Tensor, "batch 3 H W"]:
        """Returns images noised to a strength and denoised with the text, in [-1, 1] (SDEdit, arXiv 2108.01073).

        The steps are shortened with the strength, at least one. Where a mask is black, the latents of the given image
        take the place of the predicted ones in each step; the caller pastes the pixels, which the autoencoder blurs.

        Raises:
            ValueError: the strength is not above 0 and at most 1.
        """
        if not 0 < edits.strength <= 1:
            raise ValueError(f"the strength {edits.strength:g} is out of range: give a number above 0, up to 1")
        how = sampling or DiffusionSampling()
        how = replace(how, steps=max(1, math.ceil(how.steps * edits.strength)))
        schedule = diffusion.Cosine(t_max=edits.strength * diffusion.T_MAX)
        latent = self.autoencoder.encode(edits.image)
        drawn = edits.latent_mask(latent) > 0
        denoise = self.denoiser(self.text_encoder(tokens), how.guidance)

        def around(x: Float[Tensor, "batch c h w"], t: Float[Tensor, " batch"]) -> Float[Tensor, "batch c h w"]:
            return torch.where(drawn, denoise(x, t), latent)

        alpha, sigma = schedule.at(schedule.t_max)
        noised = alpha * latent + sigma * diffusion.seeded_noise(latent.shape[1:], seeds).to(latent.device)
        return self.autoencoder.decode(how.run(around, noised, seeds, schedule=schedule)).clamp(-1, 1)
