"""Recipe of `pocket/stable-diffusion`, in three stages: see, read, draw.

1. The autoencoder learns to keep pictures (Rombach et al. 2022, section 3.1).
2. The text encoder learns to read: from its seven vectors six small heads must tell what stands in each cell of the
   picture, and one what the whole scene is like. The heads are thrown away. This stands in for the large corpus that
   the text encoder of Stable Diffusion has seen before any picture is drawn.
3. The U-Net learns to draw what was read (eq. 3), autoencoder and text encoder frozen, one text in ten left empty for
   classifier-free guidance. A thing is a few pixels and the backdrop thousands, so squares with things weigh more. Here
   nothing is moved or mirrored at random: a text has nearly one picture, which can be learned in the time there is.

    telephone learn stable-diffusion --minutes 100
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from telephone import world
from telephone.nets import diffusion
from telephone.nets.checkpoint import save_weights
from telephone.nets.layers import channels_last
from telephone.nets.stable_diffusion import (
    Autoencoder,
    CaptionEncoder,
    DiffusionSampling,
    LatentDiffusion,
    LatentDiffusionConfig,
    TextEncoderConfig,
)
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.common import data
from telephone.train.common.recipe import Recipe, Stage, keep
from telephone.world.render import render_array

MINUTES = 100.0
FIRST_STAGE = "autoencoder"
SHARES = {"autoencoder": 0.19, "text-encoder": 0.12, "unet": 0.69}


def main(recipe: Recipe) -> Path:
    """Runs the three stages, each from where it was stopped, and writes the weight file."""
    device = recipe.start()
    tokenizer = WordTokenizer(keep(recipe.folder / "words.json", lambda: data.learn_words().words[4:]))
    config = LatentDiffusionConfig(text=TextEncoderConfig(words=tokenizer.words[4:]))
    net = channels_last(LatentDiffusion(config)).to(device)
    learn_to_read(recipe, net.text_encoder, tokenizer)
    learn_to_see(recipe, net.autoencoder)
    learn_to_draw(recipe, net, tokenizer)
    about = {"player": "pocket/stable-diffusion", "seed": recipe.seed, "minutes": recipe.minutes}
    # The first stage is a file of its own, as other drawers can use it.
    save_weights(recipe.weights.with_name(f"{FIRST_STAGE}.safetensors"), net, config, about, ("autoencoder.",))
    save_weights(recipe.weights, net, config, about, ("text_encoder.", "unet."))
    return recipe.weights


# --- 1. see ---------------------------------------------------------------------------------------------------------


def learn_to_see(recipe: Recipe, net: Autoencoder) -> None:
    """Trains the autoencoder on pictures; L1, L2, edges, and a slight KL penalty."""
    stage = Stage(recipe, "autoencoder", SHARES["autoencoder"] * recipe.minutes, net, rate=2e-3)
    pictures = (
        data.paint(f"see {recipe.seed}", recipe.pictures // 4, masks=True) if stage.used < stage.seconds else None
    )
    rng = np.random.default_rng(recipe.seed + stage.step)
    for step in stage:
        assert pictures is not None
        rows = rng.integers(len(pictures.pixels), size=32)
        x = torch.from_numpy(data.to_unit(pictures.pixels[rows])).to(recipe.device, memory_format=torch.channels_last)
        weight = 1 + 3 * torch.from_numpy(pictures.things[rows])[:, None]
        loss = autoencoder_loss(net, x, F.interpolate(weight, scale_factor=4.0).to(x.device))
        stage.update(loss)
        if step % 500 == 0:
            with torch.no_grad():
                _save(
                    recipe, f"autoencoder-{step}", [x[:12].cpu().numpy(), net.decode(net.encode(x[:12])).cpu().numpy()]
                )
    stage.finish()
    net.config.scale = keep(recipe.folder / "scale.json", lambda: latent_scale(recipe, net))


@torch.no_grad()
def latent_scale(recipe: Recipe, net: Autoencoder) -> float:
    """Returns the factor that gives latents a standard deviation of 1."""
    pictures = data.paint(f"scale {recipe.seed}", 512)
    return float(1 / net.encode(torch.from_numpy(data.to_unit(pictures.pixels)).to(recipe.device)).std())


def autoencoder_loss(net: Autoencoder, x: Tensor, weight: Tensor) -> Tensor:
    """Returns reconstruction plus 1e-4 KL; the edges (differences of neighbours) make thin lines count."""
    mean, logvar = net.moments(x)
    z = mean + torch.randn_like(mean) * (logvar / 2).exp()
    y = net.decoder(z)
    error = (weight * ((x - y).abs() + (x - y) ** 2)).mean()
    edges = sum(((x - y).diff(dim=axis).abs() * weight.narrow(axis, 1, 63)).mean() for axis in (2, 3))
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).mean()
    return error + edges + 1e-4 * kl


# --- 2. read --------------------------------------------------------------------------------------------------------


class CaptionReading(nn.Module):
    """The text encoder with the heads that examine it."""

    def __init__(self, encoder: CaptionEncoder) -> None:
        """One set of heads for the six cells, one for the whole."""
        super().__init__()
        width = encoder.config.width
        self.encoder = encoder
        self.cells = nn.Linear(width, sum(data.CELL_FACTS.values()))
        self.whole = nn.Linear(width, sum(data.SCENE_FACTS.values()))

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits of the cells [batch, 6, answers] and of the whole [batch, answers]."""
        context = self.encoder(tokens)
        return self.cells(context[:, :-1]), self.whole(context[:, -1])


def facts_loss(logits: tuple[Tensor, Tensor], cell_facts: Tensor, scene_facts: Tensor) -> tuple[Tensor, float]:
    """Returns the mean cross-entropy over all questions, and the share of scenes with every answer right."""
    cells, whole = logits
    losses, right = [], torch.ones(len(whole), dtype=torch.bool, device=whole.device)
    for index, answers in enumerate(cells.split(list(data.CELL_FACTS.values()), dim=-1)):
        target = cell_facts[..., index]
        losses.append(F.cross_entropy(answers.flatten(0, 1), target.flatten(), ignore_index=-1))
        right &= ((answers.argmax(-1) == target) | (target < 0)).all(dim=1)
    for index, answers in enumerate(whole.split(list(data.SCENE_FACTS.values()), dim=-1)):
        losses.append(F.cross_entropy(answers, scene_facts[:, index]))
        right &= answers.argmax(-1) == scene_facts[:, index]
    return torch.stack(losses).sum(), float(right.float().mean())


def learn_to_read(recipe: Recipe, encoder: CaptionEncoder, tokenizer: WordTokenizer) -> None:
    """Trains the text encoder on sentences and the facts that they state."""
    reading = CaptionReading(encoder).to(recipe.device)
    stage = Stage(recipe, "text-encoder", SHARES["text-encoder"] * recipe.minutes, reading, rate=1e-3)
    batches = sentences(tokenizer, encoder.config.max_tokens, recipe.seed + stage.step)
    for _ in stage:
        tokens, facts, whole = (part.to(recipe.device) for part in next(batches))
        loss, right = facts_loss(reading(tokens), facts, whole)
        stage.update(loss, right=right)
    stage.finish()


def sentences(tokenizer: WordTokenizer, limit: int, seed: int, batch: int = 40) -> Iterator[tuple[Tensor, ...]]:
    """Yields tokens with the facts of cells and scene; sentences of like length share a batch, which saves padding."""
    rng = np.random.default_rng(seed)
    for draw in count():
        scenes = [data.train_scene("read", seed, draw, i) for i in range(8 * batch)]
        rows = [(data.any_caption(scene, rng), scene) for scene in scenes]
        rows.sort(key=lambda row: len(row[0]))
        for index in rng.permutation(8):
            part = rows[index * batch : (index + 1) * batch]
            yield (
                tokenizer.batch([text for text, _ in part], limit),
                torch.from_numpy(np.stack([data.cell_targets(scene) for _, scene in part])),
                torch.from_numpy(np.stack([data.scene_targets(scene) for _, scene in part])),
            )


# --- 3. draw --------------------------------------------------------------------------------------------------------


@dataclass
class Latents:
    """The training pictures after the frozen parts have seen them once."""

    z: Tensor
    """[n, c, 16, 16]"""
    weight: Tensor
    """[n, 1, 16, 16]: 1 on the backdrop, more on things."""
    tokens: Tensor
    """[2, n, length]: two sentences a picture."""


def prepare(recipe: Recipe, net: LatentDiffusion, tokenizer: WordTokenizer) -> Latents:
    """Renders, encodes and tokenizes the training set."""
    pictures = data.paint(f"draw {recipe.seed}", recipe.pictures, masks=True, still=True)
    rng = np.random.default_rng(recipe.seed)
    limit = net.config.text.max_tokens
    texts = [[data.any_caption(scene, rng) for scene in pictures.scenes] for _ in range(2)]
    with torch.no_grad():
        starts = range(0, len(pictures.pixels), 500)
        pixels = (torch.from_numpy(data.to_unit(pictures.pixels[i : i + 500])) for i in starts)
        parts = [net.autoencoder.encode(x.to(recipe.device)).cpu() for x in pixels]
    weight = picture_weights(pictures)
    tokens = torch.stack([tokenizer.batch(t, limit, pad_to=limit) for t in texts])
    return Latents(torch.cat(parts), weight, tokens)


def picture_weights(pictures: data.PictureBatch) -> Tensor:
    """Returns how much each square [n, 1, 16, 16] counts: a backdrop 1, things 5 on average, small ones more.

    What somebody sees or misses is a thing, not a pixel: a thing of a third of the usual size counts three times.
    """
    things = torch.from_numpy(pictures.things)[:, None]
    groups = torch.tensor([max(1, len(scene.things)) for scene in pictures.scenes])
    size = (things.flatten(1).sum(1) / groups).clamp(min=0.5)
    return 1 + 4 * things * (size.median() / size).clamp(0.6, 3.0)[:, None, None, None]


def learn_to_draw(recipe: Recipe, net: LatentDiffusion, tokenizer: WordTokenizer) -> None:
    """Trains the U-Net with mostly late times; texts are dropped from one sample in ten."""
    net.autoencoder.requires_grad_(requires_grad=False)
    net.text_encoder.requires_grad_(requires_grad=False)
    stage = Stage(recipe, "unet", SHARES["unet"] * recipe.minutes, net.unet, rate=7e-4)
    latents = prepare(recipe, net, tokenizer) if stage.used < stage.seconds else None
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    for step in stage:
        assert latents is not None
        loss = draw_loss(net, latents, generator)
        stage.update(loss)
        if step % 600 == 0:
            show(recipe, net, tokenizer, f"unet-{step}")
    stage.finish()
    show(recipe, net, tokenizer, "unet-last")


def draw_loss(net: LatentDiffusion, latents: Latents, generator: torch.Generator, batch: int = 24) -> Tensor:
    """Returns the mean square error of x0, weighted by min(1 / sigma^2, 4) and by where the things are.

    1 / sigma^2 makes it the error of v (Salimans & Ho 2022, section 4); the bound keeps the easy times from ruling.
    """
    rows = torch.randint(len(latents.z), (batch,), generator=generator)
    wording = torch.randint(2, (batch,), generator=generator)
    device = net.unet.null_context.device
    z = latents.z[rows].to(device, memory_format=torch.channels_last)
    tokens = latents.tokens[wording, rows]
    tokens = tokens[:, : int((tokens != 0).sum(1).max())].to(device)
    with torch.no_grad():
        context = net.text_encoder(tokens)
    context = net.unet.drop_context(context, (torch.rand(batch, generator=generator) < 0.1).to(device))
    # One stratum a sample makes the loss less noisy; the power prefers late times, where the text decides.
    t = ((torch.randperm(batch, generator=generator) + torch.rand(batch, generator=generator)) / batch) ** 0.25
    t, noise = t.to(device), torch.randn(z.shape, generator=generator).to(device)
    x0 = net.unet(diffusion.add_noise(z, noise, t), t, context)
    weight = (1 / diffusion.alpha_sigma(t)[1] ** 2).clamp(max=4)[:, None, None, None] * latents.weight[rows].to(device)
    return (weight * (x0 - z) ** 2).mean()


def show(recipe: Recipe, net: LatentDiffusion, tokenizer: WordTokenizer, name: str) -> None:
    """Writes a sheet: true pictures of held-out scenes above the drawings of their sentences."""
    scenes = [world.sample(level, i, split="test") for level in ("easy", "medium", "hard") for i in range(8)]
    texts = [world.caption(scene, "en", "plain") for scene in scenes]
    truth = data.to_unit(render_array(scenes, list(range(len(scenes)))))
    tokens = tokenizer.batch(texts, net.config.text.max_tokens)
    unet = net.unet
    was = unet.training
    unet.eval()
    drawn = net.generate(tokens.to(recipe.device), list(range(len(texts))), DiffusionSampling()).cpu().numpy()
    unet.train(was)
    rows = [half[i : i + 8] for i in range(0, len(scenes), 8) for half in (truth, drawn)]
    _save(recipe, name, rows)


def _save(recipe: Recipe, name: str, rows: list[np.ndarray]) -> None:
    folder = recipe.folder / "samples"
    folder.mkdir(exist_ok=True)
    Image.fromarray(data.sheet(rows)).save(folder / f"{name}.png")
