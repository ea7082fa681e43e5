"""Recipe of `pocket/clip` (Radford et al. 2021, arXiv 2103.00020), in four stages.

1. `clip-vision` and 2. `clip-text`: each encoder is pre-trained alone to predict the facts of the six cells and of the
   whole from its seven queries. A batch of this size has too few negatives to learn that by contrast, unlike the 32,768
   pairs of the paper's batches. Some images are grey, so that kinds are not inferred from colours.
3. `clip`: the contrastive loss (section 2.3) trains the projections alone. The encoders' features are computed once, so
   batches can be large (locked-image tuning, Zhai et al. 2022, arXiv 2111.07991, here on both sides). Each caption has
   a hard negative that differs in one fact (Yuksekgonul et al. 2023, arXiv 2210.01936, section 4). Linear heads also
   predict the facts from both kinds of embeddings; with a hidden layer they would learn which kinds and colours occur
   together.
4. `clip-robust`: everything is trained on adversarial images (Goodfellow et al. 2015, eq. 2, with an L2 bound). The
   input gradient of such a net is aligned with perception (Ganz & Elad 2023, arXiv 2306.16805), and VQGAN-CLIP uses
   nothing but that gradient.

Half of the images are augmented, as for BLIP.

    telephone learn clip
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from telephone import world
from telephone.core.records import LEVELS
from telephone.nets.checkpoint import save_weights
from telephone.nets.clip import (
    AttentionPool,
    Clip,
    ClipConfig,
    ClipImageEncoder,
    ClipTextConfig,
    ClipTextEncoder,
    contrastive_loss,
    retrieval,
)
from telephone.nets.layers import channels_last
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.common import data
from telephone.train.common.augmentation import GREY_EVERY, augmented, grey_some
from telephone.train.common.evaluation import evaluating
from telephone.train.common.hard_negatives import caption_pair
from telephone.train.common.heads import EmbeddingFactHeads, FactHeads, FactTargets
from telephone.train.common.losses import contrast_with_negatives, facts_loss
from telephone.train.common.recipe import Recipe, StagePlan, keep
from telephone.train.common.stage import Stage, length_sorted
from telephone.train.stable_diffusion import caption_batches
from telephone.world.renderer import render_array

STAGES = {
    "clip-vision": StagePlan(2_400, 26),
    "clip-text": StagePlan(3_000, 15),
    "clip": StagePlan(9_100, 6),
    "clip-robust": StagePlan(400, 9),
}
BATCH = 40
"""Images or captions a step."""
RETRIEVED = 1000
"""Held-out pairs of the final retrieval test."""
STRENGTH = 3.0
"""Largest L2 norm of an adversarial change of an image in [-1, 1]; a uniformly random image has norm about 64."""
NEGATIVES = 10
"""Captions of a batch that bring a hard negative in stage 4; in stage 3 all do."""
LOCKED = 0.4
"""Share of the images, rendered once, that the projections learn from in stage 3."""
LARGE = 256
"""Pairs in a batch of stage 3."""


def main(recipe: Recipe) -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file."""
    device = recipe.start()
    tokenizer = WordTokenizer(keep(recipe.folder / "words.json", lambda: data.learn_words().words[4:]))
    net = channels_last(Clip(ClipConfig(text=ClipTextConfig(words=tokenizer.words[4:])))).to(device)
    heads = ClipWithHeads(net).to(device)
    pretrain_text(recipe, heads.text, tokenizer)
    pictures = data.paint(f"clip {recipe.seed}", recipe.pictures)
    pretrain_vision(recipe, heads.image, pictures)
    train_projections(recipe, heads, tokenizer, pictures)
    train_robust(recipe, heads, tokenizer, pictures)
    save_weights(recipe.weights, net, net.config, recipe.about("pocket/clip"))
    return recipe.weights


class TowerWithHeads(nn.Module):
    """One encoder of CLIP and the fact heads on its queries."""

    def __init__(self, encoder: ClipImageEncoder | ClipTextEncoder) -> None:
        """Adds fresh heads."""
        super().__init__()
        self.encoder = encoder
        self.heads = FactHeads(encoder.config.width)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits of the cells [batch, 6, answers] and of the whole [batch, answers]."""
        logits: tuple[Tensor, Tensor] = self.heads(self.encoder.query_features(inputs))
        return logits


class ClipWithHeads(nn.Module):
    """CLIP, the heads on the queries of either encoder, and the heads that both kinds of embeddings share."""

    def __init__(self, clip: Clip) -> None:
        """Adds fresh heads."""
        super().__init__()
        self.clip = clip
        self.image, self.text = TowerWithHeads(clip.image_encoder), TowerWithHeads(clip.text_encoder)
        self.embedding = EmbeddingFactHeads(clip.config.embedding)


# --- 1. and 2. each encoder alone -----------------------------------------------------------------------------------


def pretrain_vision(recipe: Recipe, tower: TowerWithHeads, pictures: data.ImageBatch) -> None:
    """Trains the image encoder to predict facts; some images are grey."""
    stage = Stage(recipe, STAGES, "clip-vision", tower, rate=8e-4)
    targets = FactTargets.of(pictures.scenes, recipe.device)
    for _ in stage:
        rng = stage.rng
        rows = rng.integers(len(pictures.scenes), size=BATCH)
        x, cells, whole = grey_some(augmented(pictures.pixels[rows], rng).to(recipe.device), *targets.rows(rows))
        loss, right = facts_loss(tower(x), cells, whole)
        stage.update(loss, right=right)
    stage.finish()


def pretrain_text(recipe: Recipe, tower: TowerWithHeads, tokenizer: WordTokenizer) -> None:
    """Trains the text encoder to predict the facts that a caption states."""
    stage = Stage(recipe, STAGES, "clip-text", tower, rate=1e-3)
    batches = caption_batches(stage, tokenizer, tower.encoder.config.max_tokens, BATCH)
    for _, batch in zip(stage, batches, strict=False):
        tokens, cells, whole = (part.to(recipe.device) for part in batch)
        loss, right = facts_loss(tower(tokens), cells, whole)
        stage.update(loss, right=right)
    stage.finish()


# --- 3. projections -------------------------------------------------------------------------------------------------


class Projections(nn.Module):
    """What stage 3 trains: both projections, the temperature and the heads on the embeddings."""

    def __init__(self, heads: ClipWithHeads) -> None:
        """Refers to these parts of CLIP with heads; they stay parts of it.

        Raises:
            ValueError: the encoders have no queries.
        """
        super().__init__()
        pools = heads.clip.image_encoder.projection, heads.clip.text_encoder.projection
        if not isinstance(pools[0], AttentionPool) or not isinstance(pools[1], AttentionPool):
            raise ValueError("locked encoders need queries: set `queries` in their configs")
        self.image, self.text = pools[0].projection, pools[1].projection
        self.scale, self.heads = heads.clip.logit_scale, heads.embedding


@dataclass
class LockedFeatures:
    """Features of the locked encoders before their projections."""

    images: Tensor
    """[n, queries * width]"""
    texts: Tensor
    """[n, queries * width]"""
    negatives: Tensor
    """[n, queries * width], of the hard negatives."""


@torch.no_grad()
def encode(recipe: Recipe, clip: Clip, tokenizer: WordTokenizer, pictures: data.ImageBatch) -> LockedFeatures:
    """Returns features of the first images, half of each chunk augmented, of captions and of hard negatives."""
    rng = np.random.default_rng(recipe.seed + 1)
    count = max(LARGE // 8, int(LOCKED * len(pictures.scenes)))
    scenes, limit = pictures.scenes[:count], clip.config.text.max_tokens
    images = [
        clip.image_encoder.query_features(augmented(pictures.pixels[rows], rng).to(recipe.device)).flatten(1)
        for rows in np.array_split(np.arange(len(scenes)), -(-len(scenes) // 128))
    ]
    texts = [text for both in zip(*(caption_pair(scene, rng) for scene in scenes), strict=True) for text in both]
    encoded = torch.zeros(len(texts), images[0].shape[1], device=recipe.device)
    order = np.argsort([len(text) for text in texts], kind="stable")
    for rows in np.array_split(order, -(-len(order) // 128)):
        tokens = tokenizer.batch([texts[i] for i in rows], limit).to(recipe.device)
        encoded[torch.from_numpy(rows)] = clip.text_encoder.query_features(tokens).flatten(1)
    return LockedFeatures(torch.cat(images), encoded[: len(scenes)], encoded[len(scenes) :])


def train_projections(
    recipe: Recipe, heads: ClipWithHeads, tokenizer: WordTokenizer, pictures: data.ImageBatch
) -> None:
    """Trains the projections on the contrastive loss and the facts of both sides."""
    clip, trained = heads.clip, Projections(heads)
    stage = Stage(recipe, STAGES, "clip", trained, rate=2e-3)
    known = None if stage.done else encode(recipe, clip.eval(), tokenizer, pictures)
    targets = FactTargets.of(pictures.scenes, recipe.device)
    for step in stage:
        assert known is not None
        rows = torch.from_numpy(stage.rng.integers(len(known.images), size=LARGE))
        image = trained.image(known.images[rows])
        text = trained.text(torch.cat([known.texts[rows], known.negatives[rows]]))
        contrast = contrast_with_negatives(clip.scale() * F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T)
        image_facts, _ = targets.loss(trained.heads(image), rows)
        text_facts, right = targets.loss(trained.heads(text[:LARGE]), rows)
        parts = {"contrast": contrast, "image_facts": image_facts, "text_facts": text_facts}
        stage.update(
            contrast + image_facts + text_facts, right=right, **{name: part.item() for name, part in parts.items()}
        )
        if step % 2000 == 0:
            evaluate(recipe, clip, tokenizer, f"clip-{step}", RETRIEVED // 5)
    stage.finish()
    evaluate(recipe, clip, tokenizer, "clip-last", RETRIEVED)


# --- 4. adversarial images ------------------------------------------------------------------------------------------


@dataclass
class RobustBatch:
    """Images with captions of similar length, and hard negatives of the first `NEGATIVES` captions."""

    rows: np.ndarray
    texts: list[str]
    """Captions, then hard negatives."""


def robust_batch(pairs: list[tuple[int, str, str]]) -> RobustBatch:
    """Returns a batch of rows, captions and hard negatives."""
    texts = [text for _, text, _ in pairs] + [negative for _, _, negative in pairs[:NEGATIVES]]
    return RobustBatch(np.array([row for row, _, _ in pairs]), texts)


def train_robust(recipe: Recipe, heads: ClipWithHeads, tokenizer: WordTokenizer, pictures: data.ImageBatch) -> None:
    """Trains everything on adversarial images, with facts predicted from queries and embeddings of both sides."""
    clip = heads.clip
    heads.train()
    stage = Stage(recipe, STAGES, "clip-robust", heads, rate=2e-4)
    targets, many = FactTargets.of(pictures.scenes, recipe.device), len(pictures.scenes)

    def draw(rng: np.random.Generator, count: int) -> list[tuple[int, str, str]]:
        return [(row, *caption_pair(pictures.scenes[row], rng)) for row in rng.integers(many, size=count).tolist()]

    for step, pairs in zip(stage, length_sorted(stage, draw, lambda one: len(one[1]), BATCH), strict=False):
        batch, rng = robust_batch(pairs), stage.rng
        x = augmented(pictures.pixels[batch.rows], rng).to(recipe.device)
        loss, parts = robust_loss(heads, x, targets.rows(batch.rows), tokenizer, batch.texts, rng)
        stage.update(loss, **parts)
        if step % 200 == 0:
            evaluate(recipe, clip, tokenizer, f"clip-robust-{step}", RETRIEVED // 5)
    stage.finish()
    evaluate(recipe, clip, tokenizer, "clip-robust-last", RETRIEVED)


def robust_loss(
    heads: ClipWithHeads,
    x: Tensor,
    facts: tuple[Tensor, Tensor],
    tokenizer: WordTokenizer,
    texts: list[str],
    rng: np.random.Generator,
) -> tuple[Tensor, dict[str, float]]:
    """Returns contrast plus half of the four losses on facts, and these parts for the log.

    Args:
        heads: CLIP with its heads.
        x: images [batch, 3, 64, 64] in [-1, 1], some of which are made grey in place.
        facts: targets of the cells [batch, 6, 4] and of the whole [batch, 4].
        tokenizer: of the text encoder.
        texts: one caption an image, then hard negatives.
        rng: draws the strength of the adversarial changes.
    """
    clip, count = heads.clip, len(x)
    tokens = tokenizer.batch(texts, clip.config.text.max_tokens).to(x.device)
    text_queries = clip.text_encoder.query_features(tokens)
    text = clip.text_encoder.projection.projection(text_queries.flatten(1))
    x, cells, whole = grey_some(x, *facts)
    image_queries = clip.image_encoder.query_features(adversarial(clip, x, text[:count].detach(), rng))
    image = clip.image_encoder.projection.projection(image_queries.flatten(1))
    logits = clip.scale() * F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T
    contrast = contrast_with_negatives(logits, torch.arange(count, device=x.device) % GREY_EVERY > 0)
    losses = {
        "image_facts": facts_loss(heads.embedding(image), cells, whole)[0],
        "image_query_facts": facts_loss(heads.image.heads(image_queries), cells, whole)[0],
        "text_facts": facts_loss(heads.embedding(text[:count]), *facts)[0],
        "text_query_facts": facts_loss(heads.text.heads(text_queries[:count]), *facts)[0],
    }
    total = contrast + 0.5 * torch.stack(list(losses.values())).sum()
    return total, {"contrast": contrast.item()} | {name: part.item() for name, part in losses.items()}


def adversarial(clip: Clip, x: Tensor, text: Tensor, rng: np.random.Generator) -> Tensor:
    """Returns images moved along the gradient of the contrastive loss by a random L2 distance of at most `STRENGTH`.

    Args:
        clip: the net.
        x: images [batch, 3, 64, 64] in [-1, 1]
        text: embeddings of their captions [batch, embedding]
        rng: draws the distances.
    """
    x = x.detach().requires_grad_()
    image = F.normalize(clip.encode_image(x), dim=-1)
    loss = contrastive_loss(clip.scale().detach() * image @ F.normalize(text, dim=-1).T)
    gradient = torch.autograd.grad(loss, x)[0]
    distance = torch.from_numpy(rng.uniform(0, STRENGTH, (len(x), 1, 1, 1)).astype(np.float32)).to(x.device)
    norm = gradient.flatten(1).norm(dim=1)[:, None, None, None].clamp(min=1e-8)
    return (x + distance * gradient / norm).detach().clamp(-1, 1)


# --- evaluation -----------------------------------------------------------------------------------------------------


def held_out_pairs(count: int) -> tuple[list[world.Scene], list[str]]:
    """Returns held-out scenes of the four levels in turn, each with a caption in one of the wordings."""
    levels, wordings = LEVELS, world.WORDINGS["en"]
    scenes = [world.sample(levels[i % 4], 7_000_000 + i, split="test") for i in range(count)]
    return scenes, [world.caption(scene, "en", wordings[i % len(wordings)]) for i, scene in enumerate(scenes)]


def evaluate(recipe: Recipe, clip: Clip, tokenizer: WordTokenizer, name: str, count: int) -> None:
    """Prints recall at 1 and 5 of images and captions among held-out pairs, and appends it to `retrieval.txt`."""
    scenes, texts = held_out_pairs(count)
    pixels = torch.from_numpy(data.to_unit(render_array(scenes, list(range(count))))).to(recipe.device)
    tokens = tokenizer.batch(texts, clip.config.text.max_tokens).to(recipe.device)
    with evaluating(clip):
        images = F.normalize(torch.cat([clip.encode_image(part) for part in pixels.split(100)]), dim=-1)
        logits = images @ F.normalize(clip.encode_text(tokens), dim=-1).T
    (to_text, to_image), (five, five_back) = retrieval(logits, 1), retrieval(logits, 5)
    line = f"{name}: R@1 among {count}: {to_text:.3f} to text, {to_image:.3f} to image; R@5 {five:.3f}, {five_back:.3f}"
    print(line, flush=True)
    with (recipe.folder / "retrieval.txt").open("a") as file:
        file.write(line + "\n")
