"""Recipe of `pocket/clip`, in two stages: compare, and not be fooled.

1. Pictures and sentences are compared within batches of like length (Radford et al. 2021, section 2.3). Beside the
   contrastive loss, both embeddings are examined by the same small heads: what stands in each cell, what is the whole
   like. A batch of this size has too few wrong answers to teach that; the heads stand in for the 32,768 pictures of the
   paper's batches, and are thrown away.
2. The same with pictures that are changed a little against the net (Goodfellow et al. 2015, eq. 2, with an L2 bound):
   the gradient of a net trained so points to what people see, too (Ganz & Elad 2023, arXiv 2306.16805), and VQGAN-CLIP
   draws by nothing but that gradient.

Pictures are slightly spoilt now and then, as for BLIP.

    telephone learn clip --minutes 36
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from telephone import world
from telephone.nets.checkpoint import save_weights
from telephone.nets.clip import Clip, ClipConfig, TextConfig, contrastive_loss, retrieval
from telephone.nets.layers import channels_last
from telephone.nets.tokenizer import WordTokenizer
from telephone.records import LEVELS
from telephone.train import data
from telephone.train.blip import Batches
from telephone.train.common import Recipe, Stage, keep
from telephone.train.stable_diffusion import facts_loss
from telephone.world.render import render_array

MINUTES = 36.0
SHARES = {"clip": 0.72, "clip-robust": 0.28}
PAIRS = 1000
"""Held-out pairs among which the finished net finds its own."""
STRENGTH = 3.0
"""Largest L2 norm of a change against the net; a picture that is grey all over has norm 0, a random one about 64."""


def main(recipe: Recipe) -> Path:
    """Runs both stages, each from where it was stopped, and writes the weight file."""
    device = recipe.start()
    tokenizer = WordTokenizer(keep(recipe.folder / "words.json", lambda: data.learn_words().words[4:]))
    net = channels_last(Clip(ClipConfig(text=TextConfig(words=tokenizer.words[4:])))).to(device)
    exam = Exam(net).to(device)
    pictures = data.paint(f"clip {recipe.seed}", recipe.pictures)
    learn_to_compare(recipe, exam, tokenizer, pictures, "clip", rate=8e-4)
    learn_to_compare(recipe, exam, tokenizer, pictures, "clip-robust", rate=3e-4)
    about = {"player": "pocket/clip", "seed": recipe.seed, "minutes": recipe.minutes}
    save_weights(recipe.weights, net, net.config, about)
    return recipe.weights


class Exam(nn.Module):
    """CLIP with the heads that examine both kinds of embeddings alike."""

    def __init__(self, clip: Clip) -> None:
        """Builds the heads: one hidden layer, then answers for six cells and for the whole."""
        super().__init__()
        width = clip.config.embedding
        self.clip = clip
        self.hidden = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU())
        self.cells = nn.Linear(2 * width, 6 * sum(data.CELL_FACTS.values()))
        self.whole = nn.Linear(2 * width, sum(data.SCENE_FACTS.values()))

    def forward(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits of the cells [batch, 6, answers] and of the whole [batch, answers]."""
        h = self.hidden(nn.functional.normalize(embedding, dim=-1) * embedding.shape[-1] ** 0.5)
        return self.cells(h).unflatten(1, (6, -1)), self.whole(h)


def learn_to_compare(
    recipe: Recipe, exam: Exam, tokenizer: WordTokenizer, pictures: data.Pictures, name: str, rate: float
) -> None:
    """Trains everything on the contrastive loss and the examination of both sides."""
    clip, device = exam.clip, recipe.device
    exam.train()
    stage = Stage(recipe, name, SHARES[name] * recipe.minutes, exam, rate=rate)
    cells = torch.from_numpy(np.stack([data.cell_targets(s) for s in pictures.scenes])).to(device)
    whole = torch.from_numpy(np.stack([data.scene_targets(s) for s in pictures.scenes])).to(device)
    batches = Batches(pictures, np.random.default_rng(recipe.seed + 1 + stage.step), size=40)
    for step, (rows, texts) in zip(stage, told(batches), strict=False):
        tokens = tokenizer.batch(texts, clip.config.text.max_tokens).to(device)
        x, text = batches.pixels(rows).to(device), clip.encode_text(tokens)
        if name == "clip-robust":
            x = against(clip, x, text.detach(), batches.rng)
        image = clip.encode_image(x)
        logits = clip.scale() * nn.functional.normalize(image, dim=-1) @ nn.functional.normalize(text, dim=-1).T
        contrast = contrastive_loss(logits)
        seen, seen_right = facts_loss(exam(image), cells[rows], whole[rows])
        read, read_right = facts_loss(exam(text), cells[rows], whole[rows])
        loss = contrast + 0.5 * (seen + read)
        stage.update(loss, contrast=contrast.item(), seen=seen.item(), read=read.item(), right=seen_right + read_right)
        if step % 400 == 0:
            show(recipe, clip, tokenizer, f"{name}-{step}", PAIRS // 5)
    stage.finish()
    show(recipe, clip, tokenizer, f"{name}-last", PAIRS)


def told(batches: Batches) -> Iterator[tuple[np.ndarray, list[str]]]:
    """Yields batches of pictures with a sentence each, of like length: less padding, and harder to tell apart."""
    while True:
        rows = np.concatenate([batches.rows() for _ in range(8)])
        texts = [data.any_caption(batches.pictures.scenes[i], batches.rng) for i in rows]
        order = np.argsort([len(text) for text in texts], kind="stable").reshape(8, -1)
        for index in batches.rng.permutation(8):
            yield rows[order[index]], [texts[i] for i in order[index]]


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
