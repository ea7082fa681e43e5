"""Recipe of `pocket/dalle-mini` (Dayma et al. 2021), in one stage. Needs `stable-diffusion` and `vqgan`.

`dalle-mini`: the decoder learns the codes of images, given their captions, with the cross-entropy of each code. One
caption in eight is empty, for super-conditioning. The VQGAN and the text encoder (that of `stable-diffusion`, which
was trained to read captions) are frozen, so codes and text vectors of all training images are computed once and kept
on the disk. Images are rendered without random shifts and mirroring, so a text determines its image almost entirely.

What makes a step cheap, in CPU milliseconds an image (`benchmarks/lineage_dalle_mini_step.py`): one code a position 64,
with bfloat16 52; squares of 2 x 2 codes 19; attention as plain matrix products, whose backward pass is faster for short
sequences, 14; four heads in place of six, and 32 images a step, 12.

    telephone learn dalle-mini
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
from torch.nn.attention import SDPBackend, sdpa_kernel

from telephone.core.errors import WeightsError
from telephone.nets.checkpoint import read_metadata, read_tensors, save_weights
from telephone.nets.dalle_mini import CodeSampling, DalleMini, DalleMiniConfig, draw, to_squares
from telephone.nets.stable_diffusion import CaptionEncoder, LatentDiffusionConfig
from telephone.nets.tokenizer import WordTokenizer
from telephone.nets.vqgan import Vqgan, VqganConfig
from telephone.train.common import data
from telephone.train.common.evaluation import evaluating, sheet_images, sheet_scenes, write_sheet
from telephone.train.common.recipe import Recipe, StagePlan, frozen, keep_array, shipped_or_learned
from telephone.train.common.stage import Stage
from telephone.train.stable_diffusion import position_weights

STAGES = {"dalle-mini": StagePlan(22_000, 165)}
BATCH = 32
"""Images a step."""
EMPTY = 0.125
"""Share of captions that are replaced by the empty one."""
PART = 500
"""Images that are rendered, encoded and tokenized at once."""
TEXT_ENCODER = "text_encoder."
"""Prefix of the names of the text encoder's weights, here and in the file that it comes from."""


def main(recipe: Recipe) -> Path:
    """Trains the decoder from where it was stopped, and writes the weight file."""
    recipe.start()
    vqgan: Vqgan = frozen(recipe, "vqgan", lambda config: Vqgan(VqganConfig.from_dict(config)))
    net = DalleMini(start_config(recipe, vqgan))
    start_from_shipped(recipe, net, vqgan)
    net = net.to(recipe.device)
    train_decoder(recipe, net, vqgan)
    about = recipe.about("pocket/dalle-mini", "stable-diffusion", "vqgan")
    # The text encoder is part of the file, so that dalle-mini does not change when stable-diffusion is trained again.
    save_weights(recipe.weights, net, net.config, about, bits=8)
    return recipe.weights


def start_config(recipe: Recipe, vqgan: Vqgan) -> DalleMiniConfig:
    """Returns the config whose text encoder and codes are those of the nets that the recipe reads."""
    text = LatentDiffusionConfig.from_dict(read_metadata(shipped_or_learned(recipe, "stable-diffusion"))[0]).text
    codes = vqgan.config
    return DalleMiniConfig(text=text, codes=codes.codes, code_width=codes.channels, size=codes.size)


def start_from_shipped(recipe: Recipe, net: DalleMini, vqgan: Vqgan) -> None:
    """Copies the text encoder, which stays frozen, and the vectors of the codes, which are trained on.

    Raises:
        WeightsError: the file with the text encoder is damaged.
    """
    path = shipped_or_learned(recipe, "stable-diffusion")
    held = {name.removeprefix(TEXT_ENCODER): value for name, value in read_tensors(path, (TEXT_ENCODER,)).items()}
    try:
        net.text_encoder.load_state_dict(held)
    except RuntimeError as error:
        raise WeightsError(f"{path} holds no text encoder of this shape: train stable-diffusion again.") from error
    net.text_encoder.requires_grad_(requires_grad=False)
    with torch.no_grad():
        net.code.weight[:-1].copy_(vqgan.codebook)
        net.code.weight[-1].zero_()


# --- training set ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Codes:
    """The training images as codes, with the vectors of their captions; read from the disk as they are needed."""

    grids: NDArray[np.float16]
    """[n, 2, 16, 16]: codes, and their weights in the loss."""
    context: NDArray[np.float16]
    """[n, 2, queries, width]: the vectors of two captions an image."""
    empty: Tensor
    """[1, queries, width]: those of the empty caption."""


def prepare(recipe: Recipe, net: DalleMini, vqgan: Vqgan) -> Codes:
    """Returns the training set, computed on the first call."""
    text, size, n = net.config.text, net.config.size, recipe.pictures
    tokenizer = WordTokenizer(text.words)
    grids = keep_array(recipe.folder / "codes.npy", (n, 2, size, size), partial(encode_images, recipe, vqgan))
    context = keep_array(
        recipe.folder / "context.npy",
        (n, 2, text.queries, text.width),
        partial(encode_captions, recipe, net.text_encoder, tokenizer),
    )
    with torch.no_grad():
        empty = net.text_encoder(empty_caption(tokenizer).to(recipe.device)).cpu()
    return Codes(grids, context, empty)


def empty_caption(tokenizer: WordTokenizer) -> Tensor:
    """Returns the tokens [1, 2] of the empty caption."""
    return tokenizer.batch([""], 2)


def _parts(recipe: Recipe) -> Iterator[tuple[str, int]]:
    """Yields key and size of each part of the training set."""
    for start in range(0, recipe.pictures, PART):
        yield f"dalle-mini {recipe.seed} {start}", min(PART, recipe.pictures - start)


@torch.no_grad()
def encode_images(recipe: Recipe, vqgan: Vqgan) -> Iterator[NDArray[np.float32]]:
    """Yields codes and weights [PART, 2, 16, 16] of the training images."""
    for key, count in _parts(recipe):
        pictures = data.paint(key, count, masks=True, still=True)
        x = torch.from_numpy(data.to_unit(pictures.pixels)).to(recipe.device, memory_format=torch.channels_last)
        codes = vqgan.encode(x)[1].cpu()[:, None].float()
        yield torch.cat([codes, position_weights(pictures)], dim=1).numpy()


@torch.no_grad()
def encode_captions(recipe: Recipe, encoder: CaptionEncoder, tokenizer: WordTokenizer) -> Iterator[NDArray[np.float32]]:
    """Yields the vectors [PART, 2, queries, width] of two captions of each training image."""
    for key, count in _parts(recipe):
        rng = np.random.default_rng(np.random.SeedSequence([recipe.seed, *key.encode()]))
        scenes = [data.train_scene(key, i) for i in range(count)]
        texts = [data.any_caption(scene, rng) for scene in scenes for _ in range(2)]
        yield encode_by_length(encoder, tokenizer, texts).unflatten(0, (count, 2)).numpy()


@torch.no_grad()
def encode_by_length(encoder: CaptionEncoder, tokenizer: WordTokenizer, texts: list[str], batch: int = 100) -> Tensor:
    """Returns the vectors [n, queries, width] of texts, encoded in batches of similar length, which saves padding."""
    device = encoder.queries.device
    order = sorted(range(len(texts)), key=lambda index: len(tokenizer.encode(texts[index])))
    found = torch.zeros(len(texts), encoder.config.queries, encoder.config.width)
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        tokens = tokenizer.batch([texts[row] for row in rows], encoder.config.max_tokens)
        found[rows] = encoder(tokens.to(device)).cpu()
    return found


# --- training -------------------------------------------------------------------------------------------------------


def train_decoder(recipe: Recipe, net: DalleMini, vqgan: Vqgan) -> None:
    """Trains all but the text encoder; writes a sheet, and prints the held-out loss, every 1,000 steps."""
    stage = Stage(recipe, STAGES, "dalle-mini", net, rate=1e-3)
    codes = None if stage.done else prepare(recipe, net, vqgan)
    for step in stage:
        assert codes is not None
        loss, entropy = code_loss(net, codes, stage.generator)
        stage.update(loss, entropy=entropy)
        if step % 1000 == 0:
            show(recipe, net, vqgan, f"dalle-mini-{step}")
    stage.finish()
    show(recipe, net, vqgan, "dalle-mini-last")


def code_loss(net: DalleMini, codes: Codes, generator: torch.Generator, batch: int = BATCH) -> tuple[Tensor, float]:
    """Returns the weighted cross-entropy of the codes of one batch, and the unweighted one in nats a code."""
    rows = torch.randint(len(codes.grids), (batch,), generator=generator).numpy()
    wording = torch.randint(2, (batch,), generator=generator).numpy()
    device = net.code.weight.device
    grids = torch.from_numpy(codes.grids[rows].astype(np.float32)).to(device)
    context = torch.from_numpy(codes.context[rows, wording].astype(np.float32))
    dropped = torch.rand(batch, generator=generator) < EMPTY
    context = torch.where(dropped[:, None, None], codes.empty, context).to(device)
    squares = to_squares(grids[:, 0].long(), net.config.square)
    weight = F.pixel_unshuffle(grids[:, 1:], net.config.square).flatten(2).transpose(1, 2)
    # The fused attention's backward pass is slower than plain matrix products for short sequences.
    with sdpa_kernel(SDPBackend.MATH), torch.autocast(device.type, torch.bfloat16):
        logits = net(squares, context)
    apart = F.cross_entropy(logits.float().flatten(0, 2), squares.flatten(), reduction="none")
    return (apart * weight.flatten()).sum() / weight.sum(), float(apart.detach().mean())


@torch.no_grad()
def show(recipe: Recipe, net: DalleMini, vqgan: Vqgan, name: str) -> None:
    """Writes a sheet of held-out scenes: true images, and drawn ones below them; prints the held-out loss."""
    _, texts = sheet_scenes()
    text = net.config.text
    tokenizer = WordTokenizer(text.words)
    tokens = tokenizer.batch(texts, text.max_tokens).to(recipe.device)
    empty = empty_caption(tokenizer).to(recipe.device)
    true = vqgan.encode(sheet_images(still=True).to(recipe.device))[1]
    with evaluating(net):
        squares = to_squares(true, net.config.square)
        loss = F.cross_entropy(net(squares, net.text_encoder(tokens)).flatten(0, 2), squares.flatten())
        drawn = draw(net, vqgan, tokens, empty, list(range(len(texts))), CodeSampling())
    print(f"{name}: {loss:.3f} nats a code on held-out images", flush=True)
    write_sheet(recipe, name, sheet_images(still=True), drawn)
