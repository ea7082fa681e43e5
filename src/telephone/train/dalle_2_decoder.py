"""Recipe `dalle-2-decoder`: trains the decoder of `pocket/dalle-2` again, with the other parts as they are shipped.

It reads the weight files of `dalle-2` and starts from their decoder. What differs from the first training: the image
embedding is whitened and becomes as many context vectors as the text has, which start as the ridge regression from
embeddings to text vectors; the text is dropped less often and the embedding more often, so that each suffices alone;
some embeddings are the prior's guesses for the caption, which is what the decoder is given when it generates; a quarter
of the times is uniform, and at low noise the input is passed on, so that DDIM can be inverted.

    telephone learn dalle-2-decoder

A `dalle-2.safetensors` of this recipe in the folder of `--out` is trained further.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from telephone.core.images import content_hash
from telephone.nets import diffusion
from telephone.nets.checkpoint import Ema, read_metadata, read_tensors, save_weights
from telephone.nets.dalle_2 import ImageConditioning, UnClip, UnClipConfig, UnclipSampling
from telephone.nets.layers import channels_last
from telephone.train.common.linear import covariance_roots, ridge_regression, set_linear
from telephone.train.common.losses import clean_loss, stratified_times
from telephone.train.common.precision import mixed_precision
from telephone.train.common.recipe import Recipe, StagePlan, keep_array
from telephone.train.common.stage import Stage
from telephone.train.dalle_2 import show_all, show_decoded
from telephone.train.dalle_2_data import CLIP, TrainingImages, TrainingSet, borrow, tokenized

STAGES = {"decoder": StagePlan(7_500, 60)}
BATCH = 32
"""Images a step."""
DECODER, OTHERS = "dalle-2", "dalle-2-prior"
"""The weight files that the recipe starts from."""
CONDITIONING = ImageConditioning(tokens=7, hidden=512, skip=0.09)
"""The error of the first decoder at low noise was measured as .09."""
FITTED = 12_000
"""Pictures from which the start of the projection is computed."""
GUESSED = 24_000
"""Captions whose embedding is guessed by the prior."""
SHARES = (0.45, 0.2, 0.3, 0.05)
"""Shares of samples with both conditions, the embedding alone, the text alone, and neither."""
UNIFORM = 0.25
"""Share of uniform times; the others favour high noise, where the conditions decide."""
GUESSES = 0.6
"""Share of the prior's guesses among the embeddings of pictures that have one, where the text is given as well."""


def main(recipe: Recipe) -> Path:
    """Trains the decoder and writes its weight file, which replaces `dalle-2.safetensors`."""
    recipe.start()
    net = build(recipe)
    training = TrainingSet(recipe)
    train(recipe, net, training)
    show_all(recipe, net.eval(), training.clip, "last")
    used = {
        part: content_hash(borrow(recipe, name).read_bytes()) for part, name in (("clip", CLIP), ("start", DECODER))
    }
    about = recipe.about("pocket/dalle-2") | used
    path = recipe.weights.with_name(f"{DECODER}.safetensors")
    save_weights(path, net, net.config, about, ("decoder.",))
    return path


def build(recipe: Recipe) -> UnClip:
    """Returns the shipped net; the projection of a decoder of the first recipe is new."""
    paths = borrow(recipe, DECODER), borrow(recipe, OTHERS)
    before = UnClipConfig.from_dict(read_metadata(paths[0])[0])
    net = UnClip(replace(before, conditioning=CONDITIONING))
    known = {name: value for path in paths for name, value in read_tensors(path).items()}
    same = before.conditioning == CONDITIONING
    kept = {name: value for name, value in known.items() if same or not name.startswith("decoder.image_tokens.")}
    fresh = {name: value for name, value in net.state_dict().items() if name not in kept}
    net.load_state_dict(kept | fresh)
    return channels_last(net).to(recipe.device)


def train(recipe: Recipe, net: UnClip, training: TrainingSet) -> UnClip:
    """Trains the decoder; all other parts are frozen."""
    net.requires_grad_(requires_grad=False)
    net.decoder.requires_grad_(requires_grad=True)
    stage = Stage(recipe, STAGES, "decoder", net.decoder, rate=4e-4)
    resumed_at_end = stage.done
    if not stage.done:
        tokens = tokenized(training.images, net.config.text)
        if stage.step == 0:
            if torch.equal(net.decoder.whitener, torch.eye(net.config.embedding, device=recipe.device)):
                start_projection(net, training.images, tokens)
            start_null_image(net)
            stage.ema = Ema(net.decoder)
        guesses = guess_embeddings(recipe, net, training)
    for step in stage:
        stage.update(loss(net, training.images, tokens, guesses, stage.generator))
        if step % 1000 == 0:
            show_decoded(recipe, net, training.clip, f"decoder-{step}")
    stage.finish()
    if not resumed_at_end:
        show_decoded(recipe, net, training.clip, "decoder-last")
    return net


@torch.no_grad()
def start_projection(net: UnClip, images: TrainingImages, tokens: Tensor) -> None:
    """Sets the whitening, and the projection to the ridge regression from embeddings to the text encoder's vectors."""
    decoder = net.decoder
    device = decoder.null_image.device
    scaled = net.space.normalise(images.embeddings[:FITTED].to(device))
    decoder.whitener.copy_(covariance_roots(scaled)[0])
    words = torch.cat([net.text_encoder(part.to(device)).flatten(1) for part in tokens[0, :FITTED].split(200)])
    set_linear(decoder.image_tokens, *ridge_regression(scaled @ decoder.whitener, words))


@torch.no_grad()
def start_null_image(net: UnClip) -> None:
    """Sets the null embedding to 0, the mean of all embeddings.

    The first recipe's lies fifty standard deviations from there. Whitened and projected it becomes context vectors so
    large that the text beside them has no effect: with it, 22 % of facts were kept of the text alone, without it 90 %.
    """
    net.decoder.null_image.zero_()


@torch.no_grad()
def guess_embeddings(recipe: Recipe, net: UnClip, training: TrainingSet) -> Tensor:
    """Returns the prior's guesses for the first captions, scaled [n, embedding]; computed once."""
    clip, images = training.clip, training.images
    count = min(GUESSED, len(images.texts[0]))
    tokens = tokenized(images, clip.config.text)[0, :count]

    def parts() -> "list[np.ndarray]":
        made = []
        for start in range(0, count, 100):
            part = tokens[start : start + 100].to(recipe.device)
            seeds = [recipe.seed * count + each for each in range(start, start + len(part))]
            made.append(net.sample_prior(clip, part, seeds, UnclipSampling()).cpu().numpy())
        return made

    path = recipe.folder / f"guesses-{recipe.seed}-{count}.npy"
    return torch.from_numpy(np.asarray(keep_array(path, (count, net.config.embedding), parts)).astype(np.float32))


def loss(net: UnClip, images: TrainingImages, tokens: Tensor, guesses: Tensor, generator: torch.Generator) -> Tensor:
    """Returns the weighted mean squared error of the predicted clean images.

    Args:
        net: unCLIP.
        images: the training set.
        tokens: captions, int64 [2, n, length].
        guesses: the prior's embeddings for the first captions [m, embedding].
        generator: draws rows, dropped conditions, times and noise.
    """
    device, decoder = net.decoder.null_image.device, net.decoder
    rows = torch.randint(len(images.pixels), (BATCH,), generator=generator)
    wording = torch.randint(2, (BATCH,), generator=generator)
    x = (images.pixels[rows].float() / 127.5 - 1).to(device, memory_format=torch.channels_last)
    words = tokens[wording, rows]
    words = words[:, : int((words != 0).sum(1).max())].to(device)
    with torch.no_grad():
        text = net.text_encoder(words)
        image = net.space.normalise(images.embeddings[rows].to(device))
    case = torch.multinomial(torch.tensor(SHARES), BATCH, replacement=True, generator=generator)
    guessed = (case == 0) & (rows < len(guesses)) & (torch.rand(BATCH, generator=generator) < GUESSES)
    image[guessed.to(device)] = guesses[rows[guessed]].to(device)
    case = case.to(device)
    image = decoder.drop_image(image, (case == 2) | (case == 3))
    text = decoder.drop_context(text, (case == 1) | (case == 3))
    t = mixed_times(BATCH, generator).to(device)
    noise = torch.randn(x.shape, generator=generator).to(device)
    with mixed_precision(device):
        predicted = decoder.draw(diffusion.add_noise(x, noise, t), t, image, text)
    return clean_loss(predicted.float(), x, t, images.weight[rows].to(device))


def mixed_times(count: int, generator: torch.Generator) -> Tensor:
    """Returns diffusion times [count]: a share of uniform ones, the others mostly late."""
    uniform = round(count * UNIFORM)
    return torch.cat([stratified_times(uniform, 1.0, generator), stratified_times(count - uniform, 0.25, generator)])
