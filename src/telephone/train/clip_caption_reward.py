"""Recipe of `pocket/clip-caption-reward` (Cho et al. 2022, arXiv 2205.13115), in two stages. Needs `blip` and `clip`.

1. `grammar`: a small head on CLIP's word vectors learns to tell captions from corrupted ones (section 3.2).
2. `reward`: BLIP's text decoder alone is tuned by self-critical training (section 3.1): sampled captions with a higher
   reward (CLIP's cosine and the grammar head) than the greedy ones become more likely. It needs no reference captions.

BLIP's image features and CLIP's image embeddings are computed once.

    telephone learn clip-caption-reward --pictures 40000
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from telephone import world
from telephone.nets.blip import Blip, BlipConfig
from telephone.nets.checkpoint import save_weights
from telephone.nets.clip import Clip, ClipConfig
from telephone.nets.clip_caption_reward import (
    Reward,
    corrupted,
    log_probabilities,
    self_critical_loss,
    tuned_parameters,
)
from telephone.nets.generation import Decoding
from telephone.nets.tokenizer import BOS, EOS, PAD, WordTokenizer
from telephone.train.blip import WORDING
from telephone.train.common import data, feature_cache
from telephone.train.common.evaluation import evaluate_captions
from telephone.train.common.feature_cache import ImageFeatures
from telephone.train.common.recipe import Recipe, StagePlan, frozen
from telephone.train.common.stage import Stage, length_sorted
from telephone.world.scene import Scene

STAGES = {"grammar": StagePlan(240, 1), "reward": StagePlan(180, 11)}
BATCH = 32
"""Images a step."""
MOST = 8_000
"""Images that CLIP embeds; self-critical training sees fewer."""
SAMPLED = Decoding(temperature=1.0, top_p=1.0)


def main(recipe: Recipe) -> Path:
    """Runs both stages, each from where it was stopped, and writes the weights of the text decoder."""
    recipe.start()
    net: Blip = frozen(recipe, "blip", lambda config: Blip(BlipConfig.from_dict(config)))
    clip: Clip = frozen(recipe, "clip", lambda config: Clip(ClipConfig.from_dict(config)))
    reward = Reward(clip, net.config.text.words).to(recipe.device)
    key = feature_cache.image_set(recipe)
    images = feature_cache.blip_features(recipe, net.image_encoder, key, recipe.pictures)
    train_grammar(recipe, reward, net, images.scenes)
    tune(recipe, reward, net, images)
    about = recipe.about("pocket/clip-caption-reward", "blip", "clip")
    save_weights(recipe.weights, net, net.config, about, tuned_parameters(net), bits=8)
    return recipe.weights


# --- 1. grammar -----------------------------------------------------------------------------------------------------


def train_grammar(recipe: Recipe, reward: Reward, net: Blip, scenes: list[Scene]) -> None:
    """Trains the head on captions and corrupted captions, half and half."""
    stage = Stage(recipe, STAGES, "grammar", reward.grammar, rate=5e-3)
    for _ in stage:
        rng = stage.rng
        tokens, correct = examples(net, [scenes[i] for i in rng.integers(len(scenes), size=BATCH)], rng)
        logits = reward.grammar_logits(reward.translate(tokens.to(recipe.device)))
        correct = correct.to(recipe.device)
        right = float(((logits > 0) == (correct > 0)).float().mean())
        stage.update(F.binary_cross_entropy_with_logits(logits, correct), right=right)
    stage.finish()


def examples(net: Blip, scenes: list[Scene], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Returns a caption and a corrupted caption of each scene [2 n, length], and which of them are correct [2 n]."""
    tokenizer = WordTokenizer(net.config.text.words)
    limit = net.config.text.max_tokens
    good = [tokenizer.encode(world.caption(data.visible(scene), "en", WORDING)) for scene in scenes]
    bad = [corrupted(words, len(tokenizer), rng) for words in good]
    rows = [[BOS, *words[: limit - 2], EOS] for words in good + bad]
    width = max(map(len, rows))
    tokens = torch.tensor([row + [PAD] * (width - len(row)) for row in rows])
    return tokens, torch.arange(len(rows)).lt(len(good)).float()


# --- 2. reward ------------------------------------------------------------------------------------------------------


def tune(recipe: Recipe, reward: Reward, net: Blip, images: ImageFeatures) -> None:
    """Tunes the text decoder by self-critical training."""
    for name, value in net.named_parameters():
        value.requires_grad_(name.startswith(tuned_parameters(net)))
    stage = Stage(recipe, STAGES, "reward", net, rate=2e-4)
    embeddings = clip_embeddings(recipe, reward.clip, min(MOST, len(images.scenes)))
    # All images of a batch wait for the longest caption, so they have about equally many facts.
    facts = [len(world.atoms(data.visible(scene))) for scene in images.scenes[: len(embeddings)]]
    batches = length_sorted(stage, lambda rng, n: rng.integers(len(facts), size=n).tolist(), facts.__getitem__, BATCH)
    evaluate(recipe, net, f"reward-{stage.step}")
    for _, batch in zip(stage, batches, strict=False):
        rows, rng = np.array(batch), stage.rng
        patches = images.batch(rows).to(recipe.device)
        target = torch.from_numpy(embeddings[rows].astype(np.float32)).to(recipe.device)
        greedy = captions(net, patches, Decoding(), rng)
        sampled = captions(net, patches, SAMPLED, rng)
        baseline, earned = reward(target, greedy), reward(target, sampled)
        loss = self_critical_loss(log_probabilities(net, patches, sampled), earned, baseline)
        stage.update(loss, greedy=float(baseline.mean()), sampled=float(earned.mean()))
    stage.finish()
    evaluate(recipe, net, "reward-last")


def captions(net: Blip, patches: Tensor, how: Decoding, rng: np.random.Generator) -> Tensor:
    """Returns captions as tokens [batch, n] that begin with `<bos>`."""
    seeds = [int(seed) for seed in rng.integers(2**31, size=len(patches))]
    tokens = net.caption_features(patches, seeds, how).to(patches.device)
    return torch.cat([torch.full_like(tokens[:, :1], BOS), tokens], 1)


def clip_embeddings(recipe: Recipe, clip: Clip, count: int) -> np.ndarray:
    """Returns CLIP's embeddings of the first training images, float16 [count, embedding], computed once."""
    of = feature_cache.image_set(recipe), (count, clip.config.embedding)
    return feature_cache.cached_features(recipe, "clip-embeddings", clip, clip.encode_image, of, augment=False)


def evaluate(recipe: Recipe, net: Blip, name: str) -> None:
    """Writes captions of held-out images, with the number of facts that are kept."""
    tokenizer = WordTokenizer(net.config.text.words)

    def caption(x: Tensor) -> list[str]:
        return [tokenizer.decode(row) for row in net.caption_features(net.image_encoder(x), [0] * len(x)).tolist()]

    evaluate_captions(recipe, name, caption)
