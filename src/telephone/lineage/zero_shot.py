"""Zero-shot classification from vectors: sentences of templates, and three ways to join their scores."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import UsageError
from telephone.lineage.context import LineageContext
from telephone.world.scene import COLOURS

Floats = NDArray[np.float64]

SINGLE = "A {}."
"""The template of a plain class name."""
TEMPLATES = (
    "{}",
    SINGLE,
    "There is a {}.",
    "A {colour} {}.",
    "A big {colour} {}.",
    "A small {colour} {}.",
    "There is a {colour} {}.",
    "There is a big {colour} {}.",
    "There is a small {colour} {}.",
)
"""Sentences in the words of the world's captions; `{}` is the class, `{colour}` each of the ten colours."""
MOST_CLASSES = 1000
_SLOT = re.compile(r"\{(\w*)\}")
_ARTICLE = re.compile(r"\b([Aa])n? (?=([a-z]))", re.IGNORECASE)


@dataclass(frozen=True)
class ClassSentences:
    """Vectors of the sentences of every class."""

    classes: tuple[str, ...]
    templates: tuple[str, ...]
    vectors: Floats
    """[classes, sentences, d], of unit length."""
    template: NDArray[np.int64]
    """[sentences]: the number of the template that each comes from."""


def distinct(names: Sequence[str], what: str) -> tuple[str, ...]:
    """Returns names without spaces at their ends, equal ones once, in their order.

    Raises:
        UsageError: none is left, or there are more than 1,000.
    """
    found: dict[str, str] = {}
    for name in names:
        if name.strip():
            found.setdefault(" ".join(name.split()).lower(), " ".join(name.split()))
    if not found:
        raise UsageError(f"No {what} is given: name at least one.")
    if len(found) > MOST_CLASSES:
        raise UsageError(f"{len(found)} are too many: give at most {MOST_CLASSES} of {what}.")
    return tuple(found.values())


def fill(template: str, name: str) -> list[str]:
    """Returns the sentences of a template for a class: one, or one for each colour; `a` becomes `an` before a vowel.

    Raises:
        UsageError: the template has no `{}`, or a slot that is neither `{}` nor `{colour}`.
    """
    slots = set(_SLOT.findall(template))
    if "" not in slots or slots - {"", "colour"}:
        raise UsageError(f"The template {template!r} cannot be used: write {{}} for the class, {{colour}} for colours.")
    colours = COLOURS if "colour" in slots else ("",)
    filled = (template.replace("{}", name).replace("{colour}", colour) for colour in colours)
    return [_ARTICLE.sub(_article, sentence) for sentence in filled]


def _article(found: re.Match[str]) -> str:
    return f"{found[1]}n " if found[2].lower() in "aeiou" else f"{found[1]} "


def class_sentences(
    context: LineageContext, model: str, classes: Sequence[str], templates: Sequence[str]
) -> ClassSentences:
    """Embeds the sentences of all classes.

    Args:
        context: embeds.
        model: address of an embedder of texts and pictures.
        classes: names; equal ones count once.
        templates: sentences with `{}`; equal ones count once.

    Raises:
        UsageError: there is no class or template, a template cannot be used, or the model cannot read a class.
    """
    names, forms = distinct(classes, "classes"), tuple(dict.fromkeys(templates))
    if not forms:
        raise UsageError("No template is given: name at least one, such as 'A {}.'.")
    texts = [[sentence for form in forms for sentence in fill(form, name)] for name in names]
    numbers = [number for number, form in enumerate(forms) for _ in fill(form, names[0])]
    vectors = context.embed_texts(model, [text for row in texts for text in row])
    shaped = vectors.astype(np.float64).reshape(len(names), len(numbers), -1)
    _check_read(context, model, names)
    return ClassSentences(names, forms, shaped, np.array(numbers))


def _check_read(context: LineageContext, model: str, names: Sequence[str]) -> None:
    for name, row in zip(names, context.embed_texts(model, names), strict=True):
        if not row.any():
            raise UsageError(f"{model} knows no word of the class {name!r}: use other words, or another --model.")


def mean_scores(images: Floats, sentences: Floats) -> Floats:
    """Returns the cosine of each picture with the mean vector of each class (Radford et al. 2021, section 3.1.4).

    Args:
        images: [n, d], of unit length.
        sentences: [classes, sentences, d], of unit length.

    Returns:
        [n, classes]
    """
    return images @ unit(sentences.mean(1)).T


def best_scores(images: Floats, sentences: Floats) -> Floats:
    """Returns the cosine of each picture with the nearest sentence of each class; arguments as in `mean_scores`."""
    n, (classes, many, width) = len(images), sentences.shape
    every = images @ sentences.reshape(classes * many, width).T
    best: Floats = every.reshape(n, classes, many).max(2)
    return best


def centred_scores(images: Floats, sentences: Floats, centre: Floats) -> Floats:
    """Returns `best_scores` without the mean of all sentences and the mean of other pictures.

    The vectors of texts and of pictures lie in two narrow cones (Liang et al. 2022, arXiv 2203.02053); what all
    sentences share says nothing of the class.

    Args:
        images: [n, d], of unit length.
        sentences: [classes, sentences, d], of unit length.
        centre: [d], the mean vector of pictures that are not classified.
    """
    return best_scores(unit(images - centre), unit(sentences - sentences.mean((0, 1))))


def unit(vectors: Floats) -> Floats:
    """Returns the rows with length 1; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Floats = vectors / np.where(lengths > 0, lengths, 1.0)
    return scaled


def margins(scores: Floats) -> Floats:
    """Returns the distance of the highest score of each picture to its second; NaN with a single class."""
    if scores.shape[1] < 2:
        return np.full(len(scores), np.nan)
    ordered = np.sort(scores, axis=1)
    apart: Floats = ordered[:, -1] - ordered[:, -2]
    return apart


def right_ones(scores: Floats, classes: Sequence[str], truths: Sequence[str]) -> Floats:
    """Returns 1 where the class with the highest score is the true one, else 0."""
    known = [name.lower() for name in classes]
    return np.array([known[int(row.argmax())] == truth for row, truth in zip(scores, truths, strict=True)], np.float64)


def embed(context: LineageContext, model: str, images: Sequence[Image.Image]) -> Floats:
    """Returns float64 [n, d] of unit length for pictures."""
    return context.embed_images(model, images).astype(np.float64)
