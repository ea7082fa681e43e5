"""Recipe of `pocket/clip-caption-reward`, in two stages: tell sentences from damaged ones, please CLIP.

1. A small head on CLIP's word vectors learns which captions are damaged.
2. BLIP's text decoder, and nothing else of BLIP, is tuned by self-critical training: drawn captions that CLIP and the
   head like better than the greedy ones become likelier (Cho et al. 2022, section 3). Nobody's captions are needed.

What the image encoder sees is computed once, as is what CLIP makes of the pictures.

    telephone learn clip-caption-reward --minutes 12 --pictures 40000

It comes after `blip` and `clip`.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from telephone import world
from telephone.nets.blip import Blip, BlipConfig
from telephone.nets.checkpoint import save_weights
from telephone.nets.clip import Clip, ClipConfig
from telephone.nets.clip_caption_reward import Reward, changed_parts, damaged, log_chances, self_critical_loss
from telephone.nets.generation import Decoding
from telephone.nets.tokenizer import BOS, EOS, PAD, WordTokenizer
from telephone.train.blip import WORDING
from telephone.train.common import data, feature_cache
from telephone.train.common.recipe import Recipe, Stage, frozen
from telephone.world.scene import Scene

MINUTES = 12.0
SHARES = {"grammar": 0.08, "reward": 0.92}
BATCH = 32
MOST = 8_000
"""Pictures that CLIP looks at; self-critical training sees fewer in its time."""
DRAWN = Decoding(temperature=1.0, top_p=1.0)


def main(recipe: Recipe) -> Path:
    """Runs both stages, each from where it was stopped, and writes the weights of the text decoder."""
    recipe.start()
    net: Blip = frozen(recipe, "blip", lambda config: Blip(BlipConfig.from_dict(config)))
    clip: Clip = frozen(recipe, "clip", lambda config: Clip(ClipConfig.from_dict(config)))
    reward = Reward(clip, net.config.text.words).to(recipe.device)
    seen = feature_cache.squares(recipe, net.image_encoder, f"sight {recipe.seed}", recipe.pictures)
    learn_grammar(recipe, reward, net, seen.scenes)
    learn_to_please(recipe, reward, net, seen)
    about = {"player": "pocket/clip-caption-reward", "seed": recipe.seed, "minutes": recipe.minutes}
    save_weights(recipe.weights, net, net.config, about, changed_parts(net), bits=8)
    return recipe.weights


# --- 1. grammar -----------------------------------------------------------------------------------------------------


def learn_grammar(recipe: Recipe, reward: Reward, net: Blip, scenes: list[Scene]) -> None:
    """Trains the head on captions and damaged captions, half and half."""
    stage = Stage(recipe, "grammar", SHARES["grammar"] * recipe.minutes, reward.grammar, rate=5e-3)
    rng = np.random.default_rng(recipe.seed + stage.step)
    for _ in stage:
        tokens, sound = examples(net, [scenes[i] for i in rng.integers(len(scenes), size=BATCH)], rng)
        logits = reward.grammar_logits(reward.translate(tokens.to(recipe.device)))
        sound = sound.to(recipe.device)
        right = float(((logits > 0) == (sound > 0)).float().mean())
        stage.update(F.binary_cross_entropy_with_logits(logits, sound), right=right)
    stage.finish()


def examples(net: Blip, scenes: list[Scene], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Returns captions of scenes and a damaged one of each [2 n, length], and which of them are sound [2 n]."""
    tokenizer = WordTokenizer(net.config.text.words)
    limit = net.config.text.max_tokens
    good = [tokenizer.encode(world.caption(data.telling(scene), "en", WORDING)) for scene in scenes]
    bad = [damaged(words, len(tokenizer), rng) for words in good]
    rows = [[BOS, *words[: limit - 2], EOS] for words in good + bad]
    width = max(map(len, rows))
    tokens = torch.tensor([row + [PAD] * (width - len(row)) for row in rows])
    return tokens, torch.arange(len(rows)).lt(len(good)).float()


# --- 2. reward ------------------------------------------------------------------------------------------------------


def learn_to_please(recipe: Recipe, reward: Reward, net: Blip, seen: feature_cache.Seen) -> None:
    """Tunes the text decoder by self-critical training."""
    for name, value in net.named_parameters():
        value.requires_grad_(name.startswith(changed_parts(net)))
    stage = Stage(recipe, "reward", SHARES["reward"] * recipe.minutes, net, rate=2e-4)
    images = clip_images(recipe, reward.clip, min(MOST, len(seen.scenes)))
    rng = np.random.default_rng(recipe.seed + 1 + stage.step)
    examine(recipe, net, f"reward-{stage.step}")
    for _, rows in zip(stage, _alike(seen.scenes[: len(images)], rng), strict=False):
        squares = seen.batch(rows).to(recipe.device)
        wanted = torch.from_numpy(images[rows]).to(recipe.device)
        greedy = written(net, squares, Decoding(), rng)
        drawn = written(net, squares, DRAWN, rng)
        baseline, earned = reward(wanted, greedy), reward(wanted, drawn)
        loss = self_critical_loss(log_chances(net, squares, drawn), earned, baseline)
        stage.update(loss, greedy=float(baseline.mean()), drawn=float(earned.mean()))
    stage.finish()
    examine(recipe, net, "reward-last")


def _alike(scenes: list[Scene], rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yields batches of pictures with about equally much to tell, because all wait for the longest caption."""
    much = np.array([len(world.atoms(data.telling(scene))) for scene in scenes])
    while True:
        rows = rng.integers(len(scenes), size=8 * BATCH)
        parts = rows[np.argsort(much[rows], kind="stable")].reshape(8, BATCH)
        yield from rng.permutation(parts)


def written(net: Blip, squares: Tensor, how: Decoding, rng: np.random.Generator) -> Tensor:
    """Returns captions with their `<bos>`, [batch, n]."""
    seeds = [int(seed) for seed in rng.integers(2**31, size=len(squares))]
    told = net.tell(squares, seeds, how).to(squares.device)
    return torch.cat([torch.full_like(told[:, :1], BOS), told], 1)


@torch.no_grad()
def clip_images(recipe: Recipe, clip: Clip, count: int) -> np.ndarray:
    """Returns CLIP's embeddings of the first pictures [count, embedding], computed on the first call."""
    path = recipe.folder / f"clip-images-{count}.npy"
    if not path.exists():
        pictures = data.paint(f"sight {recipe.seed}", count)
        parts = []
        for start in range(0, count, 64):
            x = torch.from_numpy(data.to_unit(pictures.pixels[start : start + 64]))
            parts.append(clip.encode_image(x.contiguous(memory_format=torch.channels_last).to(recipe.device)).cpu())
        part = path.with_suffix(".part.npy")
        np.save(part, torch.cat(parts).numpy())
        part.replace(path)
    kept: np.ndarray = np.load(path)
    return kept


def examine(recipe: Recipe, net: Blip, name: str) -> None:
    """Writes what it says of held-out scenes, with the share of facts that are right."""
    tokenizer = WordTokenizer(net.config.text.words)

    def say(squares: Tensor) -> list[str]:
        return [tokenizer.decode(row) for row in net.tell(squares, [0] * len(squares)).tolist()]

    feature_cache.examine(recipe, net.image_encoder, say, name)
