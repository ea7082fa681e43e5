"""unCLIP (Ramesh et al. 2022, arXiv 2204.06125) at pocket size: the architecture of DALL-E 2.

A caption becomes an image in three steps (section 2): the *prior* samples a CLIP image embedding given the caption
(`dalle_2_prior.py`), the *decoder* generates a small image given this embedding, and the *upsampler* enlarges it
(`dalle_2_upsampler.py`). All three are diffusion models that predict the clean data.

Images are float32 NCHW in [-1, 1]: 32 x 32 from the decoder, 64 x 64 from the upsampler.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets import diffusion
from telephone.nets.checkpoint import tuples
from telephone.nets.clip import Clip
from telephone.nets.dalle_2_prior import AutoregressivePrior, CodesConfig, DiffusionPrior, PriorConfig
from telephone.nets.dalle_2_upsampler import Upsampler, UpsamplerConfig
from telephone.nets.stable_diffusion import CaptionEncoder, TextEncoderConfig, UNet, UNetConfig
from telephone.nets.stable_diffusion import DiffusionSampling as DecoderSampling
from telephone.nets.tokenizer import PAD


def small_unet() -> UNetConfig:
    """Returns the decoder's config: 32 x 32 pixels in patches of 4 x 4, so that the trunk is latent diffusion's."""
    return UNetConfig(latent_channels=3, latent_size=32, patch=4)


@dataclass
class ImageConditioning:
    """How the decoder takes the image embedding, and what passes from its input to its output."""

    tokens: int = 4
    """Context vectors that the embedding is projected to (section 2.1)."""
    hidden: int = 0
    """Hidden width of a two-layer net beside the linear projection of the whitened embedding; 0 projects the scaled
    embedding linearly and nothing else."""
    skip: float = 0.0
    """Standard deviation of what the net cannot predict, in [-1, 1] pixels, 0 for no skip connection: at noise levels
    below it the input itself is the estimate of the clean image (Karras et al. 2022, section 5)."""


@dataclass
class UnClipConfig:
    """Hyperparameters that determine the shapes of all weights."""

    embedding: int = 256
    """Width of CLIP's embeddings."""
    text: TextEncoderConfig = field(default_factory=TextEncoderConfig)
    unet: UNetConfig = field(default_factory=small_unet)
    upsampler: UpsamplerConfig = field(default_factory=UpsamplerConfig)
    prior: PriorConfig = field(default_factory=PriorConfig)
    ar_prior: PriorConfig = field(default_factory=lambda: PriorConfig(width=128, layers=3))
    codes: CodesConfig = field(default_factory=CodesConfig)
    conditioning: "ImageConditioning" = field(default_factory=lambda: ImageConditioning())

    @classmethod
    def from_dict(cls, values: dict) -> "UnClipConfig":
        """Returns the config from the plain values that JSON holds."""
        parts = {name: tuples(part) for name, part in values.items() if name != "embedding"}
        parts.setdefault("conditioning", {})  # files of before version 0.2
        return cls(
            values["embedding"],
            TextEncoderConfig(**parts["text"]),
            UNetConfig(**parts["unet"]),
            UpsamplerConfig(**parts["upsampler"]),
            PriorConfig(**parts["prior"]),
            PriorConfig(**parts["ar_prior"]),
            CodesConfig(**parts["codes"]),
            ImageConditioning(**parts["conditioning"]),
        )


class EmbeddingScale(nn.Module):
    """Scales CLIP's image embeddings to mean 0 and variance 1 in each dimension, as diffusion expects of data."""

    mean: Tensor
    std: Tensor

    def __init__(self, embedding: int) -> None:
        """Starts as the identity; `measure` sets mean and standard deviation."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(embedding))
        self.register_buffer("std", torch.ones(embedding))

    def measure(self, embeddings: Float[Tensor, "n embedding"]) -> None:
        """Sets mean and standard deviation from embeddings of images; their norms do not matter."""
        unit = F.normalize(embeddings.float(), dim=-1)
        self.mean.copy_(unit.mean(0))
        self.std.copy_(unit.std(0).clamp(min=1e-4))

    def normalise(self, embeddings: Float[Tensor, "n embedding"]) -> Float[Tensor, "n embedding"]:
        """Returns CLIP's embeddings in the scale of prior and decoder."""
        return (F.normalize(embeddings.float(), dim=-1) - self.mean) / self.std

    def denormalise(self, embeddings: Float[Tensor, "*n embedding"]) -> Float[Tensor, "*n embedding"]:
        """Returns embeddings of unit length in CLIP's scale."""
        return F.normalize(embeddings * self.std + self.mean, dim=-1)


class Decoder(UNet):
    """The U-Net of `stable_diffusion.py` on pixels, also conditioned on the CLIP image embedding (section 2.1).

    The embedding is projected and added to the time embedding, and projected to vectors that precede those of the text
    in the context. In training both are dropped in some of the samples, which enables classifier-free guidance and
    generation from one of them.
    """

    whitener: Tensor

    def __init__(self, config: UNetConfig, embedding: int, conditioning: ImageConditioning | None = None) -> None:
        """Builds latent diffusion's trunk and the two projections; the first one starts at zero."""
        super().__init__(config)
        self.conditioning = how = conditioning or ImageConditioning()
        self.image_time = nn.Linear(embedding, config.time_width)
        self.image_tokens = nn.Linear(embedding, how.tokens * config.context_width)
        self.null_image = nn.Parameter(torch.randn(embedding) * 0.02)
        nn.init.zeros_(self.image_time.weight)
        nn.init.zeros_(self.image_time.bias)
        if how.hidden:
            self.register_buffer("whitener", torch.eye(embedding))
            last = nn.Linear(how.hidden, how.tokens * config.context_width)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.image_residual = nn.Sequential(nn.Linear(embedding, how.hidden), nn.GELU(), last)

    def project(self, image: Float[Tensor, "batch embedding"]) -> Float[Tensor, "batch tokens context"]:
        """Returns the context vectors of scaled image embeddings."""
        how = self.conditioning
        if not how.hidden:
            return self.image_tokens(image).unflatten(1, (how.tokens, -1))
        white = image @ self.whitener
        return (self.image_tokens(white) + self.image_residual(white)).unflatten(1, (how.tokens, -1))

    def draw(
        self,
        x: Float[Tensor, "batch 3 h w"],
        t: Float[Tensor, " batch"],
        image: Float[Tensor, "batch embedding"],
        text: Float[Tensor, "batch m context"],
    ) -> Float[Tensor, "batch 3 h w"]:
        """Returns x0 for noised images at times in [0, 1], given scaled image embeddings and text vectors."""
        x0 = self(x, t, torch.cat([self.project(image), text], dim=1), self.image_time(image))
        return diffusion.with_skip(x0, x, t, self.conditioning.skip) if self.conditioning.skip else x0

    def drop_image(
        self, image: Float[Tensor, "batch embedding"], drop: Bool[Tensor, " batch"]
    ) -> Float[Tensor, "batch embedding"]:
        """Returns the embeddings with the chosen rows replaced by the learned null embedding."""
        return torch.where(drop[:, None], self.null_image.expand_as(image), image)

    def guided(
        self, image: Float[Tensor, "batch embedding"], text: Float[Tensor, "batch m context"], guidance: float
    ) -> diffusion.Denoiser:
        """Returns the denoiser with guidance away from the unconditional one; both are computed in one batch."""
        if guidance == 1.0:
            return lambda x, t: self.draw(x, t, image, text)
        images = torch.cat([image, self.null_image.expand_as(image)])
        texts = torch.cat([text, self.null_context.expand_as(text)])

        def denoise(x: Tensor, t: Tensor) -> Tensor:
            x0, x0_empty = self.draw(torch.cat([x, x]), torch.cat([t, t]), images, texts).chunk(2)
            return diffusion.guided(x0, x0_empty, guidance)

        return denoise


PRIORS = ("diffusion", "autoregressive", "zero", "text", "linear")
"""Where the decoder's image embedding comes from."""


@dataclass(frozen=True)
class UnclipSampling(DecoderSampling):
    """Sampling options of all three parts; the decoder's are those of latent diffusion."""

    steps: int = 6
    """Calls of the decoder; with 4 a little noise remains."""
    upsampler_steps: int = 2
    """Calls of the upsampler; 0 interpolates."""
    prior: str = "diffusion"
    """`diffusion` or `autoregressive`; or one of the simple substitutes of the paper's ablation (section 5.1): `zero`
    (no embedding), `text` (the text embedding in place of an image embedding), `linear` (the prior's linear map)."""
    caption: bool = True
    """Whether the decoder sees the caption."""
    prior_steps: int = 16
    """Calls of the diffusion prior."""
    prior_guidance: float = 1.0
    """Strength of the diffusion prior's classifier-free guidance; 1 is none."""
    candidates: int = 2
    """Samples of the diffusion prior, of which the one nearest to the caption is kept (section 2.2)."""


class UnClip(nn.Module):
    """All parts except CLIP: images from tokens and seeds."""

    def __init__(self, config: UnClipConfig) -> None:
        """Builds the parts with fresh weights."""
        super().__init__()
        self.config = config
        self.space = EmbeddingScale(config.embedding)
        self.text_encoder = CaptionEncoder(config.text)
        self.decoder = Decoder(config.unet, config.embedding, config.conditioning)
        self.upsampler = Upsampler(config.upsampler)
        self.prior = DiffusionPrior(config.prior)
        self.ar_prior = AutoregressivePrior(config.ar_prior, config.codes)

    @torch.no_grad()
    def generate(
        self,
        clip: Clip,
        tokens: Int[Tensor, "batch length"],
        clip_tokens: Int[Tensor, "batch n"],
        seeds: Sequence[int],
        sampling: UnclipSampling | None = None,
        callback: diffusion.Callback | None = None,
    ) -> Float[Tensor, "batch 3 H W"]:
        """Generates one image a caption, in [-1, 1]; the same seed gives the same image in any batch.

        Args:
            clip: the CLIP that the net was trained with.
            tokens: captions in the vocabulary of the decoder's text encoder.
            clip_tokens: the same in CLIP's.
            seeds: one an image.
            sampling: options of the three parts.
            callback: called after each step of the decoder.
        """
        how = sampling or UnclipSampling()
        image = self.sample_prior(clip, clip_tokens, seeds, how)
        small = self.decode(image, tokens if how.caption else None, seeds, how, callback)
        return self.upsampler.enlarge(small, seeds, how.upsampler_steps)

    @torch.no_grad()
    def sample_prior(
        self,
        clip: Clip,
        clip_tokens: Int[Tensor, "batch n"],
        seeds: Sequence[int],
        sampling: UnclipSampling | None = None,
    ) -> Float[Tensor, "batch embedding"]:
        """Samples a scaled image embedding for each caption; of several candidates the nearest is kept.

        Raises:
            ValueError: there is no such prior.
        """
        how = sampling or UnclipSampling()
        words, sentence = clip.text_sequence(clip_tokens)
        mask = clip_tokens != PAD
        if how.prior == "autoregressive":
            return self.ar_prior.sample(words, mask, sentence, seeds)
        if how.prior == "zero":
            return self.decoder.null_image.expand(len(sentence), -1)
        if how.prior == "text":
            return self.space.normalise(sentence)
        if how.prior == "linear" and self.prior.direct is not None:
            return self.prior.direct(F.normalize(sentence, dim=-1) * sentence.shape[1] ** 0.5)
        if how.prior != "diffusion":
            raise ValueError(f"there is no prior {how.prior!r}: choose one of {', '.join(PRIORS)}")
        drawn = self.prior.sample(words, mask, sentence, seeds, how.candidates, how.prior_steps, how.prior_guidance)
        near = (self.space.denormalise(drawn) * F.normalize(sentence, dim=-1)[:, None]).sum(-1)
        return drawn[torch.arange(len(drawn), device=drawn.device), near.argmax(dim=1)]

    @torch.no_grad()
    def decode(
        self,
        image: Float[Tensor, "batch embedding"],
        tokens: Int[Tensor, "batch length"] | None,
        seeds: Sequence[int],
        sampling: UnclipSampling | None = None,
        callback: diffusion.Callback | None = None,
    ) -> Float[Tensor, "batch 3 h w"]:
        """Generates one 32 x 32 image an embedding, in [-1, 1]; the same seed gives the same image in any batch.

        Args:
            image: scaled image embeddings (`EmbeddingScale.normalise`), of true images or from a prior.
            tokens: captions, or None: then images are variations of the embedding (section 3.1).
            seeds: one an image.
            sampling: steps, guidance and solver.
            callback: called after each step.
        """
        how = sampling or UnclipSampling()
        size = self.config.unet.latent_size
        noise = diffusion.seeded_noise((3, size, size), seeds).to(image.device)
        if tokens is None:
            text = self.decoder.null_context.expand(len(image), self.config.text.queries, -1)
        else:
            text = self.text_encoder(tokens)
        denoise = self.decoder.guided(image, text, how.guidance)
        return how.run(denoise, noise, seeds, callback).clamp(-1, 1)
