"""Recipe of `pocket/clip-causes`: CLIPs that differ in one cause each, in six stages. Needs `clip`.

1. `letters-0` to `letters-20`: the image encoder learns on from that of `pocket/clip`, while on 0, 1, 5 or 20 % of its
   images the name of the thing is printed, on some beside the thing and on most in place of it, as on signs and covers.
   The text encoder is locked. Each image has one thing, and is contrasted with its caption and those that name another
   kind in its place. Images, captions and steps are the same for all four, and what is printed on 1 % is also printed
   on 5 and 20 %.
2. `contrast` and `hard-negatives`: fresh projections of both locked encoders learn the contrastive loss, without and
   with a caption beside each that differs in one fact.

    telephone learn clip-causes
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from telephone import world
from telephone.core.images import content_hash
from telephone.core.seeds import derive
from telephone.nets.checkpoint import save_weights
from telephone.nets.clip import Clip, ClipImageEncoder, contrastive_loss
from telephone.nets.clip_causes import LETTERS, NEGATIVES, ClipCauses, ClipCausesConfig, ClipProjections
from telephone.nets.layers import channels_last
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.clip import LockedFeatures, encode
from telephone.train.common import data
from telephone.train.common.augmentation import augmented
from telephone.train.common.losses import contrast_with_negatives
from telephone.train.common.precision import mixed_precision
from telephone.train.common.recipe import Recipe, StagePlan
from telephone.train.common.stage import Stage
from telephone.train.dalle_2_data import CLIP, borrow, load_clip
from telephone.world.lettering import Label, label_size, print_label
from telephone.world.renderer import render_array
from telephone.world.scene import COLOURS, KINDS, Scene, Thing

STAGES = {name: StagePlan(700, 6) for name in LETTERS} | {name: StagePlan(2_000, 2) for name in NEGATIVES}
BATCH = 64
"""Images a step of the image encoders."""
LARGE = 256
"""Pairs a step of the projections."""
ALONE = 0.8
"""Share of printed names that stand in place of the thing; the others stand in its image."""
SIDE = 64
PAINTS: tuple[str | None, ...] = (*COLOURS, None)
SCALE = 30.0
"""Factor on the cosines of captions that differ in one word: CLIP's own, about 100, would be satisfied at once."""


def main(recipe: Recipe) -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file."""
    recipe.start()
    clip = load_clip(recipe)
    tokenizer = WordTokenizer(clip.config.text.words)
    net = channels_last(ClipCauses(ClipCausesConfig(clip.config))).to(recipe.device)
    train_encoders(recipe, net, clip, tokenizer)
    train_variants_of_projections(recipe, net, clip, tokenizer)
    about = recipe.about("pocket/clip-causes") | {"clip": content_hash(borrow(recipe, CLIP).read_bytes())}
    save_weights(recipe.weights, net, net.config, about, bits=8)
    return recipe.weights


# --- printed names --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Printed:
    """Training images of one thing each, with and without its name."""

    plain: NDArray[np.uint8]
    """[n, 64, 64, 3]"""
    printed: NDArray[np.uint8]
    """[n, 64, 64, 3]: the same with a label."""
    order: NDArray[np.float64]
    """[n] in [0, 1): an image has its label if this is below the dose."""
    kinds: NDArray[np.int64]
    """[n]: the number of the kind of the thing."""
    colours: NDArray[np.int64]
    """[n]: the number of its colour; the last one is none."""

    def pixels(self, rows: NDArray[np.int64], dose: float) -> NDArray[np.uint8]:
        """Returns some of the images, with their labels where the dose says so."""
        return np.where((self.order[rows] < dose)[:, None, None, None], self.printed[rows], self.plain[rows])


@dataclass(frozen=True)
class KindTexts:
    """Captions that differ in the kind of the thing alone."""

    vectors: Tensor
    """[wordings, colours, kinds, embedding], of unit length."""
    allowed: Tensor
    """bool [colours, kinds]: whether the pair is one of training."""


def label_for(word: str, low: bool) -> Label:
    """Returns a label in the middle of the upper or lower edge of an image."""
    width, height = label_size(word)
    return Label(word, (SIDE - width) // 2, SIDE - height if low else 0)


def one_thing(key: str, number: int) -> Scene:
    """Returns a training scene without its things but one, which stands where the scene has room for it.

    Relations and places are left out, as they need the other things.
    """
    for attempt in range(100):
        scene = data.train_scene(key, number, attempt)
        if scene.things:
            return replace(scene, things=(replace(scene.things[0], count=1, place=None),), relations=())
    raise AssertionError("no scene of a hundred has a thing")


def prepare(recipe: Recipe) -> Printed:
    """Renders the training images and prints on all of them."""
    key, rng = f"letters {recipe.seed}", np.random.default_rng(recipe.seed)
    scenes = [one_thing(key, number) for number in range(max(64, recipe.pictures // 2))]
    seeds = [derive("picture", key, number) for number in range(len(scenes))]
    plain, without = render_array(scenes, seeds), render_array([replace(scene, things=()) for scene in scenes], seeds)
    below = np.where((rng.random(len(scenes)) < ALONE)[:, None, None, None], without, plain)
    labels = [label_for(scene.things[0].kind, rng.random() < 0.5) for scene in scenes]
    printed = np.stack([print_label(image, label) for image, label in zip(below, labels, strict=True)])
    kinds = np.array([KINDS.index(scene.things[0].kind) for scene in scenes])
    colours = np.array([PAINTS.index(scene.things[0].colour) for scene in scenes])
    return Printed(plain, printed, rng.random(len(scenes)), kinds, colours)


@torch.no_grad()
def kind_texts(clip: Clip, tokenizer: WordTokenizer) -> KindTexts:
    """Returns the embeddings of short captions of one thing, in every wording, colour and kind."""
    wordings, limit, device = world.WORDINGS["en"], clip.config.text.max_tokens, clip.logit_scale.device
    found = []
    for wording in wordings:
        for colour in PAINTS:
            scenes = [Scene(things=(Thing(kind, colour),)) for kind in KINDS]
            tokens = tokenizer.batch([world.caption(scene, "en", wording) for scene in scenes], limit).to(device)
            found.append(F.normalize(clip.encode_text(tokens), dim=-1))
    allowed = [[colour is None or not world.held_out(kind, colour) for kind in KINDS] for colour in PAINTS]
    vectors = torch.stack(found).unflatten(0, (len(wordings), len(PAINTS)))
    return KindTexts(vectors, torch.tensor(allowed, device=device))


def train_encoders(recipe: Recipe, net: ClipCauses, clip: Clip, tokenizer: WordTokenizer) -> None:
    """Trains the image encoders, each from that of `pocket/clip`."""
    images: Printed | None = None
    texts = kind_texts(clip, tokenizer)
    for name, dose in LETTERS.items():
        encoder = net.encoders[name]
        assert isinstance(encoder, ClipImageEncoder)
        encoder.load_state_dict(clip.image_encoder.state_dict())
        stage = Stage(recipe, STAGES, name, encoder, rate=5e-4)
        if not stage.done:
            images = images or prepare(recipe)
        for _ in stage:
            assert images is not None
            stage.update(printed_loss(encoder, images, texts, dose, _same_rng(stage)))
        stage.finish()


def _same_rng(stage: Stage) -> np.random.Generator:
    """Returns a generator of the present step that is the same in every stage: variants see the same batches."""
    return np.random.default_rng([stage.recipe.seed, stage.step])


def printed_loss(
    encoder: ClipImageEncoder, images: Printed, texts: KindTexts, dose: float, rng: np.random.Generator
) -> Tensor:
    """Returns the cross-entropy of each image's caption among those that name another kind.

    Pairs of kind and colour that are held out are no negatives: they would be unlearned.
    """
    rows = rng.integers(len(images.plain), size=BATCH)
    wording, colours = rng.integers(len(texts.vectors), size=BATCH), images.colours[rows]
    x = augmented(images.pixels(rows, dose), rng).to(texts.vectors.device)
    with mixed_precision(x.device):
        embedded = encoder(x)
    cosines = torch.einsum("nd,nkd->nk", F.normalize(embedded.float(), dim=-1), texts.vectors[wording, colours])
    logits = (cosines * SCALE).masked_fill(~texts.allowed[colours], float("-inf"))
    return F.cross_entropy(logits, torch.from_numpy(images.kinds[rows]).to(x.device))


# --- hard negatives -------------------------------------------------------------------------------------------------


def train_variants_of_projections(recipe: Recipe, net: ClipCauses, clip: Clip, tokenizer: WordTokenizer) -> None:
    """Trains fresh projections without and with hard negatives, from the same start on the same pairs."""
    known: LockedFeatures | None = None
    start = ClipProjections(clip.config).state_dict()
    for name, negatives in NEGATIVES.items():
        own = net.projections[name]
        assert isinstance(own, ClipProjections)
        own.load_state_dict(start)
        stage = Stage(recipe, STAGES, name, own, rate=2e-3)
        if not stage.done:
            known = known or encode(recipe, clip, tokenizer, data.paint(f"clip {recipe.seed}", recipe.pictures))
        for _ in stage:
            assert known is not None
            rows = torch.from_numpy(_same_rng(stage).integers(len(known.images), size=LARGE))
            stage.update(projection_loss(own, known, rows, negatives))
        stage.finish()


def projection_loss(own: ClipProjections, known: LockedFeatures, rows: Tensor, negatives: bool) -> Tensor:
    """Returns the contrastive loss of one batch of pairs, with or without their hard negatives."""
    image = F.normalize(own.image(known.images[rows]), dim=-1)
    texts = torch.cat([known.texts[rows], known.negatives[rows]]) if negatives else known.texts[rows]
    logits = own.logit_scale.clamp(max=np.log(100)).exp() * image @ F.normalize(own.text(texts), dim=-1).T
    return contrast_with_negatives(logits) if negatives else contrastive_loss(logits)
