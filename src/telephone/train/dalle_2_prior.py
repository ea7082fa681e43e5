"""The priors of `pocket/dalle-2` (Ramesh et al. 2022, section 2.2): from captions to CLIP embeddings of images.

- The diffusion prior minimises the mean squared error of the clean embedding (eq. 2). Each caption is encoded once and
  used for four noised embeddings.
- The autoregressive prior maximises the likelihood of the quantised principal components.

Captions of similar length share a batch, which saves padding. One caption in ten is dropped for guidance.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from telephone import world
from telephone.nets import diffusion
from telephone.nets.checkpoint import Ema
from telephone.nets.clip import Clip
from telephone.nets.dalle_2 import UnClip, UnclipSampling
from telephone.nets.dalle_2_prior import AutoregressivePrior, DiffusionPrior
from telephone.nets.tokenizer import PAD, WordTokenizer
from telephone.train.common import data
from telephone.train.common.evaluation import LEVELS, evaluating, write_samples
from telephone.train.common.linear import ridge_regression, set_linear
from telephone.train.common.losses import stratified_times
from telephone.train.common.recipe import Recipe
from telephone.train.common.stage import Stage, length_sorted
from telephone.train.dalle_2_data import STAGES, TrainingSet, build, tokenized
from telephone.world.renderer import render_array

NOISES = 4
"""Noised embeddings a caption."""
BATCH = 32
"""Captions a step."""
COMPARED = 32
"""Held-out scenes a level whose embeddings are compared in an evaluation."""
MEASURED = 4000
"""Captions from which the linear start and the scale of cosines are measured."""


def train_prior(recipe: Recipe, net: UnClip | None = None, training: TrainingSet | None = None) -> UnClip:
    """Trains the diffusion prior; needs CLIP, but no other stage."""
    recipe.start()
    net, training = net or build(recipe), training or TrainingSet(recipe)
    stage = Stage(recipe, STAGES, "prior", net.prior, rate=1e-3)
    resumed_at_end = stage.done
    training.set_scale(net)
    if stage.step == 0:
        fit_linear_start(net, training)
        stage.ema = Ema(net.prior)
    batches = iter(()) if stage.done else caption_batches(stage, net, training)
    for step, (tokens, image) in zip(stage, batches, strict=False):
        stage.update(prior_loss(net.prior, training.clip, tokens, image, stage.generator))
        if step % 1000 == 0:
            evaluate(recipe, net, training.clip, f"prior-{step}", UnclipSampling())
    stage.finish()
    if not resumed_at_end:
        evaluate(recipe, net, training.clip, "prior-last", UnclipSampling())
    return net


@torch.no_grad()
def fit_linear_start(net: UnClip, training: TrainingSet) -> None:
    """Sets the prior to the ridge regression from text to image embeddings, so that it learns only the residual.

    That regression alone reaches a cosine of 0.95 with the true image embedding.
    """
    direct, clip = net.prior.direct, training.clip
    assert direct is not None
    device = direct.weight.device
    tokens = tokenized(training.images, clip.config.text)[0, :MEASURED]
    texts = torch.cat([F.normalize(clip.encode_text(part.to(device)), dim=-1) for part in tokens.split(200)])
    texts = texts * texts.shape[1] ** 0.5
    images = net.space.normalise(training.images.embeddings[:MEASURED].to(device))
    set_linear(direct, *ridge_regression(texts, images))
    net.prior.out.weight.zero_()
    net.prior.out.bias.zero_()


def prior_loss(prior: DiffusionPrior, clip: Clip, tokens: Tensor, image: Tensor, generator: torch.Generator) -> Tensor:
    """Returns the mean squared error of the clean embedding (eq. 2).

    Args:
        prior: the diffusion prior.
        clip: encodes the captions.
        tokens: captions, int64 [batch, n]
        image: scaled embeddings of their images [batch, embedding]
        generator: draws dropped captions, times and noise.
    """
    with torch.no_grad():
        words, sentence = clip.text_sequence(tokens)
    drop = (torch.rand(len(tokens), generator=generator) < 0.1).to(tokens.device)
    memory = prior.encode_caption(words, tokens != PAD, sentence, drop).repeat(NOISES)
    image = image.repeat_interleave(NOISES, 0)
    t = stratified_times(len(image), 0.5, generator).to(image.device)
    noise = torch.randn(image.shape, generator=generator).to(image.device)
    return F.mse_loss(prior(diffusion.add_noise(image, noise, t), t, memory), image)


def train_ar_prior(recipe: Recipe, net: UnClip | None = None, training: TrainingSet | None = None) -> UnClip:
    """Trains the autoregressive prior; needs CLIP, but no other stage."""
    recipe.start()
    net, training = net or build(recipe), training or TrainingSet(recipe)
    stage = Stage(recipe, STAGES, "ar-prior", net.ar_prior, rate=1e-3)
    resumed_at_end = stage.done
    training.set_scale(net)
    if stage.step == 0:
        measure_codes(net, training)
        stage.ema = Ema(net.ar_prior)
    batches = iter(()) if stage.done else caption_batches(stage, net, training)
    how = UnclipSampling(prior="autoregressive")
    for step, (tokens, image) in zip(stage, batches, strict=False):
        stage.update(ar_prior_loss(net, training.clip, tokens, image, stage.generator))
        if step % 500 == 0:
            evaluate(recipe, net, training.clip, f"ar-prior-{step}", how)
    stage.finish()
    if not resumed_at_end:
        evaluate(recipe, net, training.clip, "ar-prior-last", how)
    return net


@torch.no_grad()
def measure_codes(net: UnClip, training: TrainingSet) -> None:
    """Sets the principal components, and the scale of the cosine between caption and image."""
    codes, clip = net.ar_prior.codes, training.clip
    device = codes.basis.device
    kept = codes.measure(net.space.normalise(training.images.embeddings.to(device)))
    print(f"ar-prior: {codes.config.components} components keep {kept:.1%} of the variance", flush=True)
    tokens = tokenized(training.images, clip.config.text)[0, :MEASURED]
    texts = [clip.encode_text(part.to(device)) for part in tokens.split(200)]
    image = training.images.embeddings[:MEASURED].to(device)
    codes.measure_nearness((F.normalize(torch.cat(texts), dim=-1) * image).sum(-1))


def ar_prior_loss(net: UnClip, clip: Clip, tokens: Tensor, image: Tensor, generator: torch.Generator) -> Tensor:
    """Returns the mean cross-entropy of the quantised components; arguments as for `prior_loss`."""
    prior: AutoregressivePrior = net.ar_prior
    with torch.no_grad():
        words, sentence = clip.text_sequence(tokens)
        cosines = (F.normalize(sentence, dim=-1) * net.space.denormalise(image)).sum(-1)
        codes, near = prior.codes.encode(image), prior.codes.nearness(cosines)
    drop = (torch.rand(len(tokens), generator=generator) < 0.1).to(tokens.device)
    logits = prior(codes, near, prior.encode_caption(words, tokens != PAD, sentence, drop))
    return F.cross_entropy(logits.flatten(0, 1), codes.flatten())


def caption_batches(stage: Stage, net: UnClip, training: TrainingSet) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields CLIP's tokens [batch, n] with the scaled embeddings of their images, for the present step of a stage."""
    tokens = tokenized(training.images, training.clip.config.text)
    lengths = (tokens != PAD).sum(-1)
    device = net.space.mean.device

    def draw(rng: np.random.Generator, count: int) -> list[tuple[int, int]]:
        wordings, rows = rng.integers(2, size=count), rng.integers(tokens.shape[1], size=count)
        return list(zip(wordings.tolist(), rows.tolist(), strict=True))

    for batch in length_sorted(stage, draw, lambda pair: int(lengths[pair]), BATCH):
        wording, rows = (torch.tensor(part) for part in zip(*batch, strict=True))
        longest = int(lengths[wording, rows].max())
        image = net.space.normalise(training.images.embeddings[rows].to(device))
        yield tokens[wording, rows, :longest].to(device), image


def evaluate(recipe: Recipe, net: UnClip, clip: Clip, name: str, how: UnclipSampling) -> None:
    """Writes the cosine of predicted with true embeddings of held-out scenes, and how often the true one is nearest."""
    lines, count = list[str](), COMPARED
    tokenizer = WordTokenizer(clip.config.text.words)
    with evaluating(net):
        for level in LEVELS:
            scenes = [world.sample(level, i, split="test") for i in range(count)]
            x = torch.from_numpy(data.to_unit(render_array(scenes, [data.STILL] * count))).to(recipe.device)
            true = F.normalize(clip.encode_image(x), dim=-1)
            texts = [world.caption(scene, "en", "plain") for scene in scenes]
            tokens = tokenizer.batch(texts, clip.config.text.max_tokens).to(recipe.device)
            predicted = net.space.denormalise(net.sample_prior(clip, tokens, list(range(count)), how))
            cosines = predicted @ true.T
            right = (cosines.argmax(1).cpu() == torch.arange(count)).float().mean()
            own, mean = cosines.diagonal().mean(), true.mean(0).norm()
            lines.append(f"{level}: cosine {own:.3f} (of the mean embedding: {mean:.3f}), nearest is right {right:.0%}")
    print(f"{name} {'; '.join(lines)}", flush=True)
    write_samples(recipe, name, lines)
