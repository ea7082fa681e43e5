"""The priors of `pocket/dalle-2` (Ramesh et al. 2022, section 2.2): from sentences to CLIP embeddings of pictures.

- The diffusion prior learns by the mean square error of the clean embedding (eq. 2). A sentence is read once and used
  for four noised embeddings, because what is read does not depend on them.
- The autoregressive prior learns the likelihood of the components.

Sentences of like length share a batch, which saves padding. One sentence in ten is dropped for guidance.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from telephone import world
from telephone.core.records import LEVELS
from telephone.nets import diffusion
from telephone.nets.checkpoint import Ema
from telephone.nets.clip import Clip
from telephone.nets.dalle_2 import UnClip, UnclipSampling
from telephone.nets.dalle_2_prior import AutoregressivePrior, DiffusionPrior
from telephone.nets.tokenizer import PAD, WordTokenizer
from telephone.train.common import data
from telephone.train.common.recipe import Recipe, Stage
from telephone.train.dalle_2_data import Material, build, texts_of, tokenized
from telephone.world.render import render_array

SHARES = {"prior": 0.1, "ar-prior": 0.05}
NOISES = 4
"""Noised embeddings a sentence."""


def learn_prior(recipe: Recipe, net: UnClip | None = None, material: Material | None = None) -> UnClip:
    """Trains the diffusion prior; needs CLIP, but no other stage."""
    recipe.start()
    net, material = net or build(recipe), material or Material(recipe)
    stage = Stage(recipe, "prior", SHARES["prior"] * recipe.minutes, net.prior, rate=1e-3)
    material.scale(net)
    batches = sentences(net, material, recipe.seed + stage.step) if stage.used < stage.seconds else None
    if stage.step == 0:
        start_straight(net, material)
        stage.ema = Ema(net.prior)
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    for step, (tokens, image) in zip(stage, batches or (), strict=False):
        stage.update(prior_loss(net.prior, material.clip, tokens, image, generator))
        if step % 1000 == 0:
            show_embeddings(recipe, net, material.clip, f"prior-{step}", UnclipSampling())
    stage.finish()
    if batches is not None:
        show_embeddings(recipe, net, material.clip, "prior-last", UnclipSampling())
    return net


@torch.no_grad()
def start_straight(net: UnClip, material: Material, count: int = 4000) -> None:
    """Lets the prior begin with the best linear guess (ridge regression), so that it learns only what is left to say.

    From a sentence's embedding alone that guess has a cosine of 0.95 with the true image embedding.
    """
    direct, clip = net.prior.direct, material.clip
    assert direct is not None
    device = direct.weight.device
    tokens = tokenized(material.drawings, clip.config.text)[0, :count]
    texts = torch.cat([F.normalize(clip.encode_text(part.to(device)), dim=-1) for part in tokens.split(200)])
    texts = texts * texts.shape[1] ** 0.5
    images = net.space.enter(material.drawings.embeddings[:count].to(device))
    padded = torch.cat([texts, torch.ones_like(texts[:, :1])], dim=1)
    square = padded.T @ padded + len(padded) * 1e-3 * torch.eye(padded.shape[1], device=device)
    solved = torch.linalg.solve(square, padded.T @ images)
    direct.weight.copy_(solved[:-1].T)
    direct.bias.copy_(solved[-1])
    net.prior.out.weight.zero_()
    net.prior.out.bias.zero_()


def prior_loss(prior: DiffusionPrior, clip: Clip, tokens: Tensor, image: Tensor, generator: torch.Generator) -> Tensor:
    """Returns the mean square error of the clean embedding (eq. 2)."""
    with torch.no_grad():
        words, sentence = clip.text_sequence(tokens)
    drop = (torch.rand(len(tokens), generator=generator) < 0.1).to(tokens.device)
    memory = prior.read(words, tokens != PAD, sentence, drop).repeat(NOISES)
    image = image.repeat_interleave(NOISES, 0)
    # One stratum a sample makes the loss less noisy; the root prefers late times, where the sentence decides.
    count = len(image)
    t = ((torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)) / count) ** 0.5
    t, noise = t.to(image.device), torch.randn(image.shape, generator=generator).to(image.device)
    return F.mse_loss(prior(diffusion.add_noise(image, noise, t), t, memory), image)


def learn_ar_prior(recipe: Recipe, net: UnClip | None = None, material: Material | None = None) -> UnClip:
    """Trains the autoregressive prior; needs CLIP, but no other stage."""
    recipe.start()
    net, material = net or build(recipe), material or Material(recipe)
    prior = net.ar_prior
    stage = Stage(recipe, "ar-prior", SHARES["ar-prior"] * recipe.minutes, prior, rate=1e-3)
    material.scale(net)
    batches = sentences(net, material, recipe.seed + stage.step) if stage.used < stage.seconds else None
    if stage.step == 0:
        measure_codes(net, material)
        stage.ema = Ema(prior)
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    for step, (tokens, image) in zip(stage, batches or (), strict=False):
        stage.update(ar_prior_loss(net, material.clip, tokens, image, generator))
        if step % 500 == 0:
            show_embeddings(recipe, net, material.clip, f"ar-prior-{step}", UnclipSampling(prior="autoregressive"))
    stage.finish()
    if batches is not None:
        show_embeddings(recipe, net, material.clip, "ar-prior-last", UnclipSampling(prior="autoregressive"))
    return net


@torch.no_grad()
def measure_codes(net: UnClip, material: Material, count: int = 4000) -> None:
    """Finds the principal components, and the scale of nearness on some of the sentences."""
    codes, clip = net.ar_prior.codes, material.clip
    device = codes.basis.device
    kept = codes.measure(net.space.enter(material.drawings.embeddings.to(device)))
    print(f"ar-prior: {codes.config.components} components keep {kept:.1%} of the variance", flush=True)
    tokens = tokenized(material.drawings, clip.config.text)[0, :count]
    texts = [clip.encode_text(part.to(device)) for part in tokens.split(200)]
    image = material.drawings.embeddings[:count].to(device)
    codes.measure_nearness((F.normalize(torch.cat(texts), dim=-1) * image).sum(-1))


def ar_prior_loss(net: UnClip, clip: Clip, tokens: Tensor, image: Tensor, generator: torch.Generator) -> Tensor:
    """Returns the mean cross-entropy of the components."""
    prior: AutoregressivePrior = net.ar_prior
    with torch.no_grad():
        words, sentence = clip.text_sequence(tokens)
        cosines = (F.normalize(sentence, dim=-1) * net.space.leave(image)).sum(-1)
        codes, near = prior.codes.encode(image), prior.codes.nearness(cosines)
    drop = (torch.rand(len(tokens), generator=generator) < 0.1).to(tokens.device)
    logits = prior(codes, near, prior.read(words, tokens != PAD, sentence, drop))
    return F.cross_entropy(logits.flatten(0, 1), codes.flatten())


def sentences(net: UnClip, material: Material, seed: int, batch: int = 32) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields CLIP's tokens with the scaled embeddings of their pictures."""
    tokens = tokenized(material.drawings, material.clip.config.text)
    lengths = (tokens != PAD).sum(-1).numpy()
    rng, device = np.random.default_rng(seed), net.space.mean.device
    while True:
        wording, rows = rng.integers(2, size=8 * batch), rng.integers(tokens.shape[1], size=8 * batch)
        order = np.argsort(lengths[wording, rows], kind="stable")
        for index in rng.permutation(8):
            part = order[index * batch : (index + 1) * batch]
            longest = int(lengths[wording[part], rows[part]].max())
            told = tokens[wording[part], rows[part], :longest].to(device)
            yield told, net.space.enter(material.drawings.embeddings[rows[part]].to(device))


@torch.no_grad()
def show_embeddings(recipe: Recipe, net: UnClip, clip: Clip, name: str, how: UnclipSampling, count: int = 32) -> None:
    """Writes how near imagined embeddings of held-out scenes come to the true ones; how often no other is nearer."""
    lines, was = [], net.training
    net.eval()
    tokenizer = WordTokenizer(clip.config.text.words)
    for level in LEVELS[:3]:
        scenes = [world.sample(level, i, split="test") for i in range(count)]
        x = torch.from_numpy(data.to_unit(render_array(scenes, [data.STILL] * count))).to(recipe.device)
        true = F.normalize(clip.encode_image(x), dim=-1)
        tokens = tokenizer.batch(texts_of(scenes), clip.config.text.max_tokens).to(recipe.device)
        imagined = net.space.leave(net.imagine(clip, tokens, list(range(count)), how))
        cosines = imagined @ true.T
        right = (cosines.argmax(1).cpu() == torch.arange(count)).float().mean()
        own, mean = cosines.diagonal().mean(), true.mean(0).norm()
        lines.append(f"{level}: cosine {own:.3f} (mean embedding: {mean:.3f}), nearest of {count} is right {right:.0%}")
    net.train(was)
    print(f"{name} {'; '.join(lines)}", flush=True)
    folder = recipe.folder / "samples"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
