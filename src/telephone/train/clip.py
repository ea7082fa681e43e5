"""Recipe of `pocket/clip`, in four stages: look, read, compare, and not be fooled.

1. and 2. Either encoder learns alone what there is to tell: from its seven queries small heads must tell what stands in
   each cell, and what the whole is like. A batch of this size has too few wrong answers to teach that by comparing, as
   the 32,768 pictures of the paper's batches do. Some pictures are grey: what a thing is must not hang on its colour.
3. Pictures and sentences are compared (Radford et al. 2021, section 2.3), by which only the last projections learn:
   what the encoders gather is computed once, so batches can be large (locked as in Zhai et al. 2022, arXiv 2111.07991,
   on both sides). Each sentence has a twin that differs in one fact and is a wrong answer, too (Yuksekgonul et al.
   2023, arXiv 2210.01936, section 4). Beside the contrastive loss both kinds of embeddings are examined by the same
   heads, which are linear: with a hidden layer they learn by heart which kinds and colours come together.
4. Everything learns, from pictures that are changed a little against the net (Goodfellow et al. 2015, eq. 2, with an L2
   bound): the gradient of a net trained so points to what people see, too (Ganz & Elad 2023, arXiv 2306.16805), and
   VQGAN-CLIP draws by nothing but that gradient.

Pictures are slightly spoilt now and then, as for BLIP.

    telephone learn clip --minutes 56
"""

from collections.abc import Iterator
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
    Clip,
    ClipConfig,
    ClipImageEncoder,
    ClipTextConfig,
    ClipTextEncoder,
    Gather,
    contrastive_loss,
    retrieval,
)
from telephone.nets.layers import channels_last
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.blip import GREY, BlipBatches, without_colours
from telephone.train.common import data
from telephone.train.common.hard_negatives import pair
from telephone.train.common.recipe import Recipe, Stage, keep
from telephone.train.common.visual_words import targets
from telephone.train.stable_diffusion import facts_loss, sentences
from telephone.world.render import render_array

MINUTES = 56.0
SHARES = {"clip-look": 0.46, "clip-read": 0.27, "clip": 0.11, "clip-robust": 0.16}
PAIRS = 1000
"""Held-out pairs among which the finished net finds its own."""
STRENGTH = 3.0
"""Largest L2 norm of a change against the net; a picture that is grey all over has norm 0, a random one about 64."""
TWINS = 10
"""Sentences of a batch of 40 whose twin is a wrong answer, too; while only the projections learn, all have theirs."""
LOCKED = 0.4
"""Share of the pictures, rendered once, that the projections learn from."""
LARGE = 256
"""Pairs in a batch of theirs."""


def main(recipe: Recipe) -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file."""
    device = recipe.start()
    tokenizer = WordTokenizer(keep(recipe.folder / "words.json", lambda: data.learn_words().words[4:]))
    net = channels_last(Clip(ClipConfig(text=ClipTextConfig(words=tokenizer.words[4:])))).to(device)
    exam = Exam(net).to(device)
    learn_to_read(recipe, exam.text, tokenizer)
    pictures = data.paint(f"clip {recipe.seed}", recipe.pictures)
    learn_to_look(recipe, exam.image, pictures)
    learn_to_compare(recipe, exam, tokenizer, pictures)
    learn_not_to_be_fooled(recipe, exam, tokenizer, pictures)
    about = {"player": "pocket/clip", "seed": recipe.seed, "minutes": recipe.minutes}
    save_weights(recipe.weights, net, net.config, about)
    return recipe.weights


class Examined(nn.Module):
    """An encoder, and the heads that examine its queries: one for each of six cells, one for the whole."""

    def __init__(self, encoder: ClipImageEncoder | ClipTextEncoder) -> None:
        """Builds the heads; the six cells share theirs."""
        super().__init__()
        self.encoder = encoder
        self.cells = nn.Linear(encoder.config.width, sum(data.CELL_FACTS.values()))
        self.whole = nn.Linear(encoder.config.width, sum(data.SCENE_FACTS.values()))

    def forward(self, given: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits of the cells [batch, 6, answers] and of the whole [batch, answers]."""
        return self.answers(self.encoder.gather(given))

    def answers(self, gathered: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the same for what the queries have gathered [batch, 7, width]."""
        return self.cells(gathered[:, :-1]), self.whole(gathered[:, -1])


class Exam(nn.Module):
    """CLIP with all heads: those of either encoder's queries, and those that examine both kinds of embeddings alike."""

    def __init__(self, clip: Clip) -> None:
        """Builds the heads of the embeddings: linear ones, for six cells and for the whole."""
        super().__init__()
        self.clip = clip
        self.image, self.text = Examined(clip.image_encoder), Examined(clip.text_encoder)
        width = clip.config.embedding
        self.cells = nn.Linear(width, 6 * sum(data.CELL_FACTS.values()))
        self.whole = nn.Linear(width, sum(data.SCENE_FACTS.values()))

    def forward(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits of the cells [batch, 6, answers] and of the whole [batch, answers]."""
        h = F.normalize(embedding, dim=-1) * embedding.shape[-1] ** 0.5
        return self.cells(h).unflatten(1, (6, -1)), self.whole(h)


# --- 1. look, 2. read -----------------------------------------------------------------------------------------------


def learn_to_look(recipe: Recipe, examined: Examined, pictures: data.PictureBatch) -> None:
    """Trains the image encoder on pictures and facts, some of them without colours."""
    stage = Stage(recipe, "clip-look", SHARES["clip-look"] * recipe.minutes, examined, rate=8e-4)
    cells, whole = (part.to(recipe.device) for part in targets(pictures.scenes))
    batches = BlipBatches(pictures, np.random.default_rng(recipe.seed + stage.step), size=40)
    for _ in stage:
        rows = batches.rows()
        x, told, scene = without_colours(batches.pixels(rows).to(recipe.device), cells[rows], whole[rows])
        loss, right = facts_loss(examined(x), told, scene)
        stage.update(loss, right=right)
    stage.finish()


def learn_to_read(recipe: Recipe, examined: Examined, tokenizer: WordTokenizer) -> None:
    """Trains the text encoder on sentences and the facts that they state."""
    stage = Stage(recipe, "clip-read", SHARES["clip-read"] * recipe.minutes, examined, rate=1e-3)
    batches = sentences(tokenizer, examined.encoder.config.max_tokens, recipe.seed + stage.step)
    for _ in stage:
        tokens, cells, whole = (part.to(recipe.device) for part in next(batches))
        loss, right = facts_loss(examined(tokens), cells, whole)
        stage.update(loss, right=right)
    stage.finish()


# --- 3. compare -----------------------------------------------------------------------------------------------------


class Comparing(nn.Module):
    """What learns while the encoders are locked: both projections, the temperature and the heads of the embeddings."""

    def __init__(self, exam: Exam) -> None:
        """Takes these parts out of CLIP and its examination; they stay parts of both.

        Raises:
            ValueError: CLIP has no queries.
        """
        super().__init__()
        pools = exam.clip.image_encoder.projection, exam.clip.text_encoder.projection
        if not isinstance(pools[0], Gather) or not isinstance(pools[1], Gather):
            raise ValueError("only encoders with queries can be locked")
        self.image, self.text = pools[0].projection, pools[1].projection
        self.scale, self.cells, self.whole = exam.clip.logit_scale, exam.cells, exam.whole


@dataclass
class Gathered:
    """What the locked encoders have gathered."""

    images: Tensor
    """[n, queries * width]"""
    texts: Tensor
    """[n, queries * width]"""
    twins: Tensor
    """[n, queries * width]"""


@torch.no_grad()
def gather(recipe: Recipe, clip: Clip, tokenizer: WordTokenizer, pictures: data.PictureBatch) -> Gathered:
    """Lets the encoders look at pictures, half of them spoilt, and read their sentences and the twins of these."""
    batches = BlipBatches(pictures, np.random.default_rng(recipe.seed + 1))
    count = max(LARGE // 8, int(LOCKED * len(pictures.scenes)))
    scenes, limit = pictures.scenes[:count], clip.config.text.max_tokens
    images = [
        clip.image_encoder.gather(batches.pixels(rows).to(recipe.device)).flatten(1)
        for rows in np.array_split(np.arange(count), -(-count // 128))
    ]
    told = [text for both in zip(*(pair(scene, batches.rng) for scene in scenes), strict=True) for text in both]
    read = torch.zeros(len(told), images[0].shape[1], device=recipe.device)
    order = np.argsort([len(text) for text in told], kind="stable")
    for rows in np.array_split(order, -(-len(order) // 128)):
        tokens = tokenizer.batch([told[i] for i in rows], limit).to(recipe.device)
        read[torch.from_numpy(rows)] = clip.text_encoder.gather(tokens).flatten(1)
    return Gathered(torch.cat(images), read[:count], read[count:])


def learn_to_compare(recipe: Recipe, exam: Exam, tokenizer: WordTokenizer, pictures: data.PictureBatch) -> None:
    """Trains the projections on the contrastive loss and the examination of both sides."""
    clip, learning = exam.clip, Comparing(exam)
    stage = Stage(recipe, "clip", SHARES["clip"] * recipe.minutes, learning, rate=2e-3)
    known = gather(recipe, clip.eval(), tokenizer, pictures) if stage.used < stage.seconds else None
    cells, whole = (part.to(recipe.device) for part in targets(pictures.scenes))
    rng = np.random.default_rng(recipe.seed + 2 + stage.step)
    for step in stage:
        assert known is not None
        rows = torch.from_numpy(rng.integers(len(known.images), size=LARGE))
        image = learning.image(known.images[rows])
        text = learning.text(torch.cat([known.texts[rows], known.twins[rows]]))
        contrast = with_twins(clip.scale() * F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T)
        seen, _ = facts_loss(exam(image), cells[rows], whole[rows])
        read, right = facts_loss(exam(text[:LARGE]), cells[rows], whole[rows])
        stage.update(contrast + seen + read, contrast=contrast.item(), seen=seen.item(), read=read.item(), right=right)
        if step % 2000 == 0:
            show(recipe, clip, tokenizer, f"clip-{step}", PAIRS // 5)
    stage.finish()
    show(recipe, clip, tokenizer, "clip-last", PAIRS)


# --- 4. not be fooled -----------------------------------------------------------------------------------------------


def learn_not_to_be_fooled(recipe: Recipe, exam: Exam, tokenizer: WordTokenizer, pictures: data.PictureBatch) -> None:
    """Trains everything, on pictures against the net; queries and embeddings of both sides are examined."""
    clip, device, limit = exam.clip, recipe.device, exam.clip.config.text.max_tokens
    exam.train()
    stage = Stage(recipe, "clip-robust", SHARES["clip-robust"] * recipe.minutes, exam, rate=2e-4)
    facts = [part.to(device) for part in targets(pictures.scenes)]
    batches = BlipBatches(pictures, np.random.default_rng(recipe.seed + 3 + stage.step), size=40)
    for step, (rows, texts) in zip(stage, told(batches), strict=False):
        read = clip.text_encoder.gather(tokenizer.batch(texts, limit).to(device))
        text = clip.text_encoder.projection.projection(read.flatten(1))
        cells, whole = (part[rows] for part in facts)
        x, seen_cells, seen_whole = without_colours(batches.pixels(rows).to(device), cells, whole)
        seen = clip.image_encoder.gather(against(clip, x, text[: len(rows)].detach(), batches.rng))
        image = clip.image_encoder.projection.projection(seen.flatten(1))
        logits = clip.scale() * F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T
        contrast = with_twins(logits, torch.arange(len(rows), device=device) % GREY > 0)
        looked = [facts_loss(heads, seen_cells, seen_whole)[0] for heads in (exam(image), exam.image.answers(seen))]
        spelt = [
            facts_loss(heads, cells, whole)[0]
            for heads in (exam(text[: len(rows)]), exam.text.answers(read[: len(rows)]))
        ]
        stage.update(
            contrast + 0.5 * sum(looked + spelt),
            contrast=contrast.item(), seen=looked[0].item(), read=spelt[0].item(), queries=looked[1].item(),
        )  # fmt: skip
        if step % 200 == 0:
            show(recipe, clip, tokenizer, f"clip-robust-{step}", PAIRS // 5)
    stage.finish()
    show(recipe, clip, tokenizer, "clip-robust-last", PAIRS)


def with_twins(logits: Tensor, fair: Tensor | None = None) -> Tensor:
    """Returns the symmetric contrastive loss of logits [images, images + twins]; the twins are wrong for all.

    Args:
        logits: scaled cosines; row and column of the same number belong together.
        fair: which rows count, [images]: those that can be told apart at all.
    """
    count = len(logits)
    if fair is not None:
        twins = torch.ones(logits.shape[1] - count, dtype=torch.bool, device=logits.device)
        logits = logits[fair][:, torch.cat([fair, twins])]
        count = len(logits)
    answers = torch.arange(count, device=logits.device)
    return (F.cross_entropy(logits, answers) + F.cross_entropy(logits[:, :count].T, answers)) / 2


def told(batches: BlipBatches) -> Iterator[tuple[np.ndarray, list[str]]]:
    """Yields batches of pictures with a sentence each, of like length: less padding, and harder to tell apart.

    Behind the sentences stand the twins of the first `TWINS`.
    """
    while True:
        rows = np.concatenate([batches.rows() for _ in range(8)])
        pairs = [pair(batches.pictures.scenes[i], batches.rng) for i in rows]
        order = np.argsort([len(text) for text, _ in pairs], kind="stable").reshape(8, -1)
        for index in batches.rng.permutation(8):
            some = [pairs[i] for i in order[index]]
            yield rows[order[index]], [text for text, _ in some] + [twin for _, twin in some[:TWINS]]


def against(clip: Clip, x: Tensor, text: Tensor, rng: np.random.Generator) -> Tensor:
    """Returns pictures moved a random way, at most `STRENGTH`, to where the net takes them for something else."""
    x = x.detach().requires_grad_()
    image = nn.functional.normalize(clip.encode_image(x), dim=-1)
    loss = contrastive_loss(clip.scale().detach() * image @ nn.functional.normalize(text, dim=-1).T)
    slope = torch.autograd.grad(loss, x)[0]
    far = torch.from_numpy(rng.uniform(0, STRENGTH, (len(x), 1, 1, 1)).astype(np.float32)).to(x.device)
    norm = slope.flatten(1).norm(dim=1)[:, None, None, None].clamp(min=1e-8)
    return (x + far * slope / norm).detach().clamp(-1, 1)


def held_out(count: int) -> tuple[list[world.Scene], list[str]]:
    """Returns held-out scenes of the four levels in turn, each with a sentence in one of the wordings."""
    levels, wordings = LEVELS, world.WORDINGS["en"]
    scenes = [world.sample(levels[i % 4], 7_000_000 + i, split="test") for i in range(count)]
    return scenes, [world.caption(scene, "en", wordings[i % len(wordings)]) for i, scene in enumerate(scenes)]


@torch.no_grad()
def show(recipe: Recipe, clip: Clip, tokenizer: WordTokenizer, name: str, count: int) -> None:
    """Prints how often a picture finds its sentence, and a sentence its picture, among held-out pairs."""
    was = clip.training
    clip.eval()
    scenes, texts = held_out(count)
    pixels = torch.from_numpy(data.to_unit(render_array(scenes, list(range(count))))).to(recipe.device)
    tokens = tokenizer.batch(texts, clip.config.text.max_tokens).to(recipe.device)
    images = torch.cat([clip.encode_image(part) for part in pixels.split(100)])
    logits = nn.functional.normalize(images, dim=-1) @ nn.functional.normalize(clip.encode_text(tokens), dim=-1).T
    (to_text, to_image), (five, five_back) = retrieval(logits, 1), retrieval(logits, 5)
    clip.train(was)
    line = f"{name}: R@1 among {count}: {to_text:.3f} to text, {to_image:.3f} to image; R@5 {five:.3f}, {five_back:.3f}"
    print(line, flush=True)
    with (recipe.folder / "retrieval.txt").open("a") as file:
        file.write(line + "\n")
