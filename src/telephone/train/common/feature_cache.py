"""What a frozen image encoder sees in many pictures, computed once and kept on disk for all recipes that need it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from telephone.core.images import content_hash
from telephone.nets.blip import Blip, BlipConfig, BlipImageEncoder
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.tokenizer import ChatTokenizer
from telephone.train.blip import BlipBatches
from telephone.train.common import data
from telephone.train.common.evaluation import LEVELS, beside_truth, held_out, mark, write_samples
from telephone.train.common.recipe import Recipe, frozen, shipped_or_learned
from telephone.world.scene import Scene

CHUNK = 128
"""Pictures that are encoded at once."""
EXAMINED = 48
"""Held-out scenes a level in an examination."""


@dataclass
class Seen:
    """Scenes, and what the encoder sees in their pictures, every second one of them spoilt a little."""

    scenes: list[Scene]
    squares: NDArray[np.float16]
    """[n, 64, width], read from disk as it is needed"""

    def batch(self, rows: NDArray[np.int64]) -> Tensor:
        """Returns the squares of some pictures, float32 [batch, 64, width]."""
        return torch.from_numpy(self.squares[np.asarray(rows)].astype(np.float32))


def blip_encoder(recipe: Recipe) -> BlipImageEncoder:
    """Returns the image encoder that the recipe `blip` has made, frozen.

    Raises:
        WeightsError: there are no weights of BLIP.
    """
    encoder: BlipImageEncoder = frozen(recipe, "blip", lambda config: Blip(BlipConfig.from_dict(config))).image_encoder
    return encoder


def language_model(recipe: Recipe) -> tuple[LanguageModel, ChatTokenizer]:
    """Returns the language model that the recipe `language-model` has made, frozen, and its words.

    Raises:
        WeightsError: there are no weights of the language model.
    """
    model: LanguageModel = frozen(
        recipe, "language-model", lambda config: LanguageModel(LanguageModelConfig.from_dict(config))
    )
    return model, ChatTokenizer(model.config.words)


def marks(recipe: Recipe, *names: str) -> dict[str, str]:
    """Returns the hash of each weight file that a recipe builds upon."""
    return {name: content_hash(shipped_or_learned(recipe, name).read_bytes()) for name in names}


def squares(recipe: Recipe, encoder: BlipImageEncoder, key: str, count: int) -> Seen:
    """Returns what the encoder sees in `count` training pictures.

    The file lies beside the recipe's weights (20 KiB a picture at width 160); another key, count or encoder makes
    another one.

    Args:
        recipe: says where to keep it, and on which device to compute.
        encoder: frozen, in evaluation mode.
        key: names the set; the same key gives the same pictures.
        count: number of pictures.
    """
    path = recipe.weights.parent / f"squares-{_mark(encoder, key, count)}.npy"
    if path.exists():
        scenes = [data.train_scene(key, i) for i in range(count)]
    else:
        scenes = _look(recipe, encoder, key, count, path)
    return Seen(scenes, np.load(path, mmap_mode="r"))


def _mark(encoder: BlipImageEncoder, key: str, count: int) -> str:
    told = hashlib.sha256(f"{key} {count}".encode())
    for name, value in sorted(encoder.state_dict().items()):
        told.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return told.hexdigest()[:12]


@torch.no_grad()
def _look(recipe: Recipe, encoder: BlipImageEncoder, key: str, count: int, path: Path) -> list[Scene]:
    pictures = data.paint(key, count)
    batches = BlipBatches(pictures, np.random.default_rng(recipe.seed))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    shape = (count, len(encoder.position), encoder.config.width)
    kept = np.lib.format.open_memmap(part, "w+", np.float16, shape)
    for start in range(0, count, CHUNK):
        rows = np.arange(start, min(start + CHUNK, count))
        kept[rows] = encoder(batches.pixels(rows).to(recipe.device)).cpu().numpy().astype(np.float16)
    kept.flush()
    part.replace(path)
    return pictures.scenes


@torch.no_grad()
def examine(recipe: Recipe, encoder: BlipImageEncoder, say: Callable[[Tensor], list[str]], name: str) -> None:
    """Writes what a describer says of held-out scenes below the true tellings, with the share of facts that are right.

    Args:
        recipe: says where to write.
        encoder: sees the pictures.
        say: squares [EXAMINED, 64, width] to one text each.
        name: of the file in the folder `samples`.
    """
    lines: list[str] = []
    for level in LEVELS:
        scenes, x = held_out(recipe, level, EXAMINED)
        told = say(encoder(x.contiguous(memory_format=torch.channels_last)))
        lines.append(f"# {level}: {mark(scenes, told)}")
        print(f"{name} {lines[-1]}", flush=True)
        lines += beside_truth(scenes, told)
    write_samples(recipe, name, lines)
