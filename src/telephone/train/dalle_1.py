"""Recipe of `pocket/dalle-1` (Ramesh et al. 2021, arXiv 2102.12092), in one stage. Needs `dvae`.

`dalle-1`: the transformer learns the sequences of text tokens and codes with the cross-entropy of each token, weighted
1/8 for the text and 7/8 for the codes. The dVAE is frozen, so the codes of all training images are computed once and
kept on the disk, as are four captions an image, each spelled with a BPE dropout of 10 %. Images are rendered without
random shifts and mirroring, so a text determines its image almost entirely.

    telephone learn dalle-1
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from telephone.nets.byte_pairs import BytePairTokenizer
from telephone.nets.checkpoint import save_weights
from telephone.nets.dalle_1 import BytePairConfig, Dalle1, Dalle1Config, draw, sequence_losses, text_tokens
from telephone.nets.dvae import Dvae, DvaeConfig
from telephone.train.common import data
from telephone.train.common.evaluation import evaluating, sheet_images, sheet_scenes, write_sheet
from telephone.train.common.recipe import Recipe, StagePlan, frozen, keep, keep_array
from telephone.train.common.stage import Stage
from telephone.train.stable_diffusion import position_weights

STAGES = {"dalle-1": StagePlan(20_000, 250)}
BATCH = 16
"""Sequences a step."""
MERGES = 300
"""Byte pairs: with them a word of the world's captions is 1.2 tokens on average, and more hardly shorten a text."""
DROPOUT = 0.1
"""BPE dropout (section 2.2)."""
CAPTIONS = 4
"""Captions of each image."""
TEXT_WEIGHT = 1 / 8
"""Weight of the text's cross-entropy; the codes have the rest (section 2.2)."""
PART = 500
"""Images that are rendered and encoded at once."""


def main(recipe: Recipe) -> Path:
    """Trains the transformer from where it was stopped, and writes the weight file."""
    recipe.start()
    dvae: Dvae = frozen(recipe, "dvae", lambda config: Dvae(DvaeConfig(**config)))
    net = Dalle1(start_config(recipe, dvae)).to(recipe.device)
    train_transformer(recipe, net, dvae)
    save_weights(recipe.weights, net, net.config, recipe.about("pocket/dalle-1", "dvae"), bits=8)
    return recipe.weights


def start_config(recipe: Recipe, dvae: Dvae) -> Dalle1Config:
    """Returns the config with the codes of the dVAE; the byte pairs are learned on the first call."""
    merges = keep(recipe.folder / "merges.json", lambda: BytePairTokenizer.learn(_some_captions(), MERGES).merges)
    text = BytePairConfig(tuple((left, right) for left, right in merges))
    return Dalle1Config(text, codes=dvae.config.codes, size=dvae.config.size)


def _some_captions(count: int = 6000) -> Iterable[str]:
    rng = np.random.default_rng(0)
    return [data.any_caption(data.train_scene("words", i), rng) for i in range(count)]


# --- training set ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sequences:
    """The training images as codes, with tokens of their captions; read from the disk as they are needed."""

    grids: NDArray[np.float16]
    """[n, 2, h, w]: codes, and their weights in the loss."""
    captions: NDArray[np.float16]
    """[n, 4, max_tokens]: four captions an image."""


def prepare(recipe: Recipe, net: Dalle1, dvae: Dvae) -> Sequences:
    """Returns the training set, computed on the first call."""
    size, n, text = net.config.size, recipe.pictures, net.config.text
    grids = keep_array(recipe.folder / "codes.npy", (n, 2, size, size), partial(encode_images, recipe, dvae))
    captions = keep_array(
        recipe.folder / "captions.npy", (n, CAPTIONS, text.max_tokens), partial(encode_captions, recipe, text)
    )
    return Sequences(grids, captions)


def _parts(recipe: Recipe) -> Iterator[tuple[str, int]]:
    """Yields key and size of each part of the training set."""
    for start in range(0, recipe.pictures, PART):
        yield f"dalle-1 {recipe.seed} {start}", min(PART, recipe.pictures - start)


@torch.no_grad()
def encode_images(recipe: Recipe, dvae: Dvae) -> Iterator[NDArray[np.float32]]:
    """Yields codes and weights [PART, 2, h, w] of the training images."""
    for key, count in _parts(recipe):
        pictures = data.paint(key, count, masks=True, still=True)
        x = torch.from_numpy(data.to_unit(pictures.pixels)).to(recipe.device, memory_format=torch.channels_last)
        codes = dvae.encode(x).cpu()[:, None].float()
        yield torch.cat([codes, position_weights(pictures)], dim=1).numpy()


def encode_captions(recipe: Recipe, text: BytePairConfig) -> Iterator[NDArray[np.float32]]:
    """Yields the tokens [PART, 4, max_tokens] of captions of the training images."""
    tokenizer = BytePairTokenizer(text.merges)
    for key, count in _parts(recipe):
        rng = np.random.default_rng(np.random.SeedSequence([recipe.seed, *key.encode()]))
        scenes = [data.train_scene(key, i) for i in range(count)]
        texts = [data.any_caption(scene, rng) for scene in scenes for _ in range(CAPTIONS)]
        tokens = text_tokens(tokenizer, texts, text.max_tokens, DROPOUT, rng)
        yield tokens.unflatten(0, (count, CAPTIONS)).float().numpy()


# --- training -------------------------------------------------------------------------------------------------------


def train_transformer(recipe: Recipe, net: Dalle1, dvae: Dvae) -> None:
    """Trains the transformer; writes a sheet, and prints the held-out loss, every 1,000 steps."""
    stage = Stage(recipe, STAGES, "dalle-1", net, rate=1e-3)
    sequences = None if stage.done else prepare(recipe, net, dvae)
    for step in stage:
        assert sequences is not None
        text, image = batch_losses(net, sequences, stage.generator)
        parts = {"nats_a_token": text.item(), "nats_a_code": image.item()}
        stage.update(TEXT_WEIGHT * text + (1 - TEXT_WEIGHT) * image, **parts)
        if step % 1000 == 0:
            show(recipe, net, dvae, f"dalle-1-{step}")
    stage.finish()
    show(recipe, net, dvae, "dalle-1-last")


def batch_losses(
    net: Dalle1, sequences: Sequences, generator: torch.Generator, batch: int = BATCH
) -> tuple[Tensor, Tensor]:
    """Returns the cross-entropy of the text and the weighted one of the codes of one batch."""
    rows = torch.randint(len(sequences.grids), (batch,), generator=generator).numpy()
    wording = torch.randint(CAPTIONS, (batch,), generator=generator).numpy()
    device = net.code.weight.device
    grids = torch.from_numpy(sequences.grids[rows].astype(np.float32)).to(device)
    tokens = torch.from_numpy(sequences.captions[rows, wording].astype(np.int64)).to(device)
    # Plain matrix products: the fused attention's backward pass is slower for short sequences.
    with sdpa_kernel(SDPBackend.MATH), torch.autocast(device.type, torch.bfloat16):
        return sequence_losses(net, tokens, grids[:, 0].flatten(1).long(), grids[:, 1].flatten(1))


@torch.no_grad()
def show(recipe: Recipe, net: Dalle1, dvae: Dvae, name: str) -> None:
    """Writes a sheet of held-out scenes: true images, and drawn ones below them; prints the held-out loss."""
    _, texts = sheet_scenes()
    text = net.config.text
    tokens = text_tokens(BytePairTokenizer(text.merges), texts, text.max_tokens).to(recipe.device)
    codes = dvae.encode(sheet_images(still=True).to(recipe.device)).flatten(1)
    with evaluating(net):
        losses = sequence_losses(net, tokens, codes)
        drawn = draw(net, dvae, tokens, list(range(len(texts))))
    print(f"{name}: {losses[1]:.3f} nats a code, {losses[0]:.3f} a token on held-out images", flush=True)
    write_sheet(recipe, name, sheet_images(still=True), drawn)
