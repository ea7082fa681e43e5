"""Recipe of `pocket/noised-clip` (Nichol et al. 2021, arXiv 2112.10741, section 2.4), in one stage. Needs `clip`.

`noised-clip`: the image encoder of `pocket/clip` learns on from noised images of 32 x 32 pixels and their times. The
text encoder is locked. The loss is the contrastive one, with a hard negative beside each caption, and the cosine
distance to the embedding of the clean image.

    telephone learn noised-clip
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from telephone.core.images import content_hash
from telephone.nets import diffusion
from telephone.nets.checkpoint import save_weights
from telephone.nets.clip import Clip
from telephone.nets.layers import channels_last
from telephone.nets.noised_clip import NoisedClip, NoisedClipConfig
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.common import data
from telephone.train.common.hard_negatives import caption_pair
from telephone.train.common.losses import contrast_with_negatives, stratified_times
from telephone.train.common.precision import mixed_precision
from telephone.train.common.recipe import Recipe, StagePlan, keep_array
from telephone.train.common.stage import Stage
from telephone.train.dalle_2_data import CLIP, borrow, embed, load_clip, small_pixels

STAGES = {"noised-clip": StagePlan(1_500, 12)}
BATCH = 48
"""Images a step."""


def main(recipe: Recipe) -> Path:
    """Trains the image encoder from where it was stopped, and writes the weight file."""
    recipe.start()
    clip = load_clip(recipe)
    net = NoisedClip(NoisedClipConfig(clip.config.vision, clip.config.embedding))
    net.encoder.load_state_dict(clip.image_encoder.state_dict())
    net = channels_last(net).to(recipe.device)
    train(recipe, net, clip)
    about = recipe.about("pocket/noised-clip") | {"clip": content_hash(borrow(recipe, CLIP).read_bytes())}
    save_weights(recipe.weights, net, net.config, about, bits=8)
    return recipe.weights


@dataclass(frozen=True)
class NoisedPairs:
    """Training images with the embeddings of what belongs to them."""

    pixels: NDArray[np.uint8]
    """[n, 32, 32, 3]"""
    clean: Tensor
    """[n, embedding]: of the clean images of 64 x 64 pixels, of unit length."""
    texts: NDArray[np.float16]
    """[n, 2, embedding]: of a caption and of a hard negative, of unit length."""


def prepare(recipe: Recipe, clip: Clip) -> NoisedPairs:
    """Renders the training images; embeddings are computed once."""
    pictures = data.paint(f"noised {recipe.seed}", max(64, recipe.pictures * 3 // 5))
    shape = (len(pictures.scenes), 2, clip.config.embedding)
    path = recipe.folder / f"texts-{recipe.seed}-{shape[0]}.npy"
    texts = keep_array(path, shape, partial(embed_captions, recipe, clip, pictures))
    return NoisedPairs(small_pixels(pictures.pixels), embed(recipe, clip, pictures.pixels), texts)


@torch.no_grad()
def embed_captions(recipe: Recipe, clip: Clip, pictures: data.ImageBatch) -> Iterator[NDArray[np.float32]]:
    """Yields the embeddings [part, 2, embedding] of a caption and of a hard negative of each image."""
    rng, config = np.random.default_rng(recipe.seed), clip.config.text
    tokenizer = WordTokenizer(config.words)
    for start in range(0, len(pictures.scenes), 100):
        scenes = pictures.scenes[start : start + 100]
        texts = [text for scene in scenes for text in caption_pair(scene, rng)]
        tokens = tokenizer.batch(texts, config.max_tokens).to(recipe.device)
        yield F.normalize(clip.encode_text(tokens), dim=-1).cpu().unflatten(0, (len(scenes), 2)).numpy()


def train(recipe: Recipe, net: NoisedClip, clip: Clip) -> None:
    """Trains the image encoder."""
    stage = Stage(recipe, STAGES, "noised-clip", net, rate=4e-4)
    pairs = None if stage.done else prepare(recipe, clip)
    for _ in stage:
        assert pairs is not None
        contrast, apart = losses(net, clip, pairs, stage.generator)
        stage.update(contrast + apart, contrast=contrast.item(), apart=apart.item())
    stage.finish()


def losses(
    net: NoisedClip, clip: Clip, pairs: NoisedPairs, generator: torch.Generator, batch: int = BATCH
) -> tuple[Tensor, Tensor]:
    """Returns the contrastive loss of one batch of noised images, and their cosine distance to the clean ones."""
    device = clip.logit_scale.device
    rows = torch.randint(len(pairs.pixels), (batch,), generator=generator).numpy()
    x = torch.from_numpy(data.to_unit(pairs.pixels[rows])).to(device)
    t = stratified_times(batch, 1.0, generator).to(device)
    noised = diffusion.add_noise(x, torch.randn(x.shape, generator=generator).to(device), t)
    with mixed_precision(device):
        embedded = net(noised.contiguous(memory_format=torch.channels_last), t)
    images = F.normalize(embedded.float(), dim=-1)
    texts = torch.from_numpy(pairs.texts[rows].astype(np.float32)).to(device)
    # A lower temperature than CLIP's own: most of what a caption says cannot be read from strong noise.
    logits = clip.scale().clamp(max=30) * images @ torch.cat([texts[:, 0], texts[:, 1]]).T
    apart = 1 - (images * pairs.clean[rows].to(device)).sum(-1)
    return contrast_with_negatives(logits), apart.mean()
