"""Manipulations of an image through its two latents (Ramesh et al. 2022, arXiv 2204.06125, section 3).

An image x is encoded as (z_i, x_T): its CLIP image embedding, and the noise from which DDIM draws x given z_i. The
decoder turns the pair back into x. Variations add noise on the way (section 3.1), interpolations move both latents
(section 3.2), text differences move z_i by a difference of text embeddings (section 3.3).

Embeddings are those of `UnClip.space`, scaled to variance 1 in each dimension, except where unit length is stated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from telephone.nets import diffusion
from telephone.nets.clip import Clip
from telephone.nets.dalle_2 import UnClip
from telephone.nets.dalle_2_upsampler import shrink

EARLY_ERROR = 0.09
"""Error of the first decoder's prediction at low noise, measured; `denoiser` takes it."""


@dataclass(frozen=True)
class ImageLatents:
    """The two latents of a batch of images."""

    image: Float[Tensor, "batch embedding"]
    """z_i, scaled."""
    noise: Float[Tensor, "batch 3 h w"]
    """x_T"""


def embed(net: UnClip, clip: Clip, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch embedding"]:
    """Returns the scaled image embeddings of images in [-1, 1]."""
    with torch.no_grad():
        return net.space.normalise(clip.encode_image(x))


def denoiser(
    net: UnClip, image: Float[Tensor, "batch embedding"], tokens: Int[Tensor, "batch length"] | None = None
) -> diffusion.Denoiser:
    """Returns the decoder given image embeddings, and captions if there are any, without guidance.

    A decoder without a skip connection passes its input on only through a bottleneck, so it cannot be inverted; its
    prediction is then mixed with its input at low noise, which costs nothing where the noise is strong.
    """
    decoder = net.decoder
    with torch.no_grad():
        if tokens is None:
            text = decoder.null_context.expand(len(image), net.config.text.queries, -1)
        else:
            text = net.text_encoder(tokens)
    mixed = not decoder.conditioning.skip

    def denoise(x: Tensor, t: Tensor) -> Tensor:
        x0 = decoder.draw(x, t, image, text)
        return diffusion.with_skip(x0, x, t, EARLY_ERROR) if mixed else x0

    return denoise


@torch.no_grad()
def encode(
    net: UnClip,
    clip: Clip,
    x: Float[Tensor, "batch 3 H W"],
    steps: int = 50,
    tokens: Int[Tensor, "batch length"] | None = None,
) -> ImageLatents:
    """Returns the latents of images of 64 x 64 pixels in [-1, 1] (section 3).

    Args:
        net: unCLIP.
        clip: the CLIP that it was trained with.
        x: the images.
        steps: of the inversion; `decode` takes as many.
        tokens: their captions, None without.
    """
    image = embed(net, clip, x)
    return ImageLatents(image, diffusion.invert_ddim(denoiser(net, image, tokens), shrink(x), steps))


@torch.no_grad()
def decode(
    net: UnClip,
    latents: ImageLatents,
    seeds: Sequence[int],
    steps: int = 50,
    eta: float = 0.0,
    tokens: Int[Tensor, "batch length"] | None = None,
) -> Float[Tensor, "batch 3 h w"]:
    """Returns the images of latents, 32 x 32 pixels in [-1, 1]: eta = 0 draws the encoded image again (section 3.1).

    Args:
        net: unCLIP.
        latents: of the images.
        seeds: one an image, for the noise that eta adds.
        steps: of DDIM.
        eta: share of fresh noise in each step, 0 to 1: what z_i does not say varies.
        tokens: captions, None without.
    """
    found = diffusion.sample_ddim(denoiser(net, latents.image, tokens), latents.noise, steps, eta, seeds)
    return found.clamp(-1, 1)


def slerp(
    a: Float[Tensor, "batch *shape"], b: Float[Tensor, "batch *shape"], share: float | Float[Tensor, " batch"]
) -> Float[Tensor, "batch *shape"]:
    """Returns spherical interpolations from a (share 0) to b (share 1), item by item (Shoemake 1985).

    The directions are interpolated on the sphere and the lengths linearly, so that both ends are exact. Where the
    directions are equal, or opposite, so that no shortest way exists, the interpolation is linear.
    """
    flat_a, flat_b = a.flatten(1), b.flatten(1)
    t = torch.as_tensor(share, dtype=a.dtype, device=a.device).expand(len(a))[:, None]
    long_a, long_b = flat_a.norm(dim=1, keepdim=True), flat_b.norm(dim=1, keepdim=True)
    unit_a, unit_b = flat_a / long_a.clamp(min=1e-12), flat_b / long_b.clamp(min=1e-12)
    angle = torch.acos((unit_a * unit_b).sum(1, keepdim=True).clamp(-1, 1))
    sine = torch.sin(angle)
    round_ = (torch.sin((1 - t) * angle) * unit_a + torch.sin(t * angle) * unit_b) / sine.clamp(min=1e-12)
    length = (1 - t) * long_a + t * long_b
    found = torch.where(sine > 1e-4, round_ * length, (1 - t) * flat_a + t * flat_b)
    return found.reshape(a.shape)


@torch.no_grad()
def embed_text(clip: Clip, tokens: Int[Tensor, "batch n"]) -> Float[Tensor, "batch embedding"]:
    """Returns text embeddings of unit length."""
    return F.normalize(clip.encode_text(tokens), dim=-1)


@torch.no_grad()
def text_difference(
    net: UnClip,
    image: Float[Tensor, "batch embedding"],
    target: Float[Tensor, "batch embedding"],
    source: Float[Tensor, "batch embedding"],
    theta: float,
) -> Float[Tensor, "batch embedding"]:
    """Returns image embeddings rotated towards z_d = norm(z_t - z_t0) (section 3.3), scaled.

    Args:
        net: unCLIP.
        image: z_i, scaled.
        target: z_t, text embeddings of unit length.
        source: z_t0, the same of the present content.
        theta: share of the angle between z_i and z_d, 0 to 1; the paper goes to 0.25 to 0.5.
    """
    unit = net.space.denormalise(image)
    direction = F.normalize(target - source, dim=-1)
    same = (target - source).norm(dim=-1, keepdim=True) < 1e-6
    return torch.where(same, image, net.space.normalise(slerp(unit, direction, theta)))


@torch.no_grad()
def mapped_difference(
    net: UnClip,
    image: Float[Tensor, "batch embedding"],
    target: Float[Tensor, "batch embedding"],
    source: Float[Tensor, "batch embedding"],
    scale: float = 1.0,
) -> Float[Tensor, "batch embedding"]:
    """Returns z_i + scale (W z_t - W z_t0), scaled, where W is the prior's linear map from texts to images.

    A difference of text embeddings points elsewhere than the difference of the images that the texts describe: the two
    kinds of embeddings fill different cones. W was fitted on pairs, so its difference is one of images.

    Raises:
        ValueError: the prior has no linear part.
    """
    direct = net.prior.direct
    if direct is None:
        raise ValueError("this prior has no linear map from texts to images: use the rotation")
    width = target.shape[1] ** 0.5
    return image + scale * (direct(target * width) - direct(source * width))


@torch.no_grad()
def principal_axes(net: UnClip) -> Float[Tensor, "embedding components"]:
    """Returns the principal axes of scaled embeddings of training images as columns, the largest variance first.

    A decoder that whitens its embeddings holds all of them, other ones those of the autoregressive prior's codes.
    """
    if not net.decoder.conditioning.hidden:
        return net.ar_prior.codes.basis
    return torch.linalg.eigh(net.decoder.whitener.double())[1].to(net.decoder.whitener.dtype)


@torch.no_grad()
def keep_components(
    net: UnClip, image: Float[Tensor, "batch embedding"], count: int
) -> Float[Tensor, "batch embedding"]:
    """Returns embeddings of which only the first principal components are kept (section 3, figure 7).

    Args:
        net: unCLIP.
        image: scaled embeddings.
        count: components, 0 to all that the net holds.

    Raises:
        ValueError: there are not so many.
    """
    if count >= image.shape[1]:
        return image
    basis = principal_axes(net)
    if not 0 <= count <= basis.shape[1]:
        raise ValueError(f"{count} components cannot be kept: give 0 to {basis.shape[1]}, or all {image.shape[1]}")
    chosen = basis[:, :count]
    return image @ chosen @ chosen.T
