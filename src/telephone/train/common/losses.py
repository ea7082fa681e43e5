"""Losses that several recipes share."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from telephone.nets import diffusion
from telephone.world.facts import CELL_FACTS, SCENE_FACTS

UNDEFINED = -1
"""Target of a fact that is left out of the loss."""

# --- facts of a scene -----------------------------------------------------------------------------------------------


def fact_losses(
    logits: tuple[Tensor, Tensor], cells: Tensor, whole: Tensor
) -> Iterator[tuple[str, Tensor, Tensor, Tensor]]:
    """Yields each fact's name, logits [n, answers], targets [n] and mean cross-entropy; 0 if no target is defined.

    Args:
        logits: of the cells [batch, 6, answers] and of the whole [batch, answers].
        cells: targets of the cells, int64 [batch, 6, 4]; -1 is left out.
        whole: targets of the whole, int64 [batch, 4]; -1 is left out.
    """
    for index, (name, part) in enumerate(zip(CELL_FACTS, logits[0].split(list(CELL_FACTS.values()), -1), strict=True)):
        yield name, part, cells[..., index], _mean_entropy(part.flatten(0, 1), cells[..., index].flatten())
    for index, (name, part) in enumerate(
        zip(SCENE_FACTS, logits[1].split(list(SCENE_FACTS.values()), -1), strict=True)
    ):
        yield name, part, whole[:, index], _mean_entropy(part, whole[:, index])


def _mean_entropy(logits: Tensor, target: Tensor) -> Tensor:
    defined = (target != UNDEFINED).sum().clamp(min=1)
    return F.cross_entropy(logits, target, ignore_index=UNDEFINED, reduction="sum") / defined


def facts_loss(logits: tuple[Tensor, Tensor], cells: Tensor, whole: Tensor) -> tuple[Tensor, float]:
    """Returns the sum of the mean cross-entropies of all facts, and the share of scenes with every fact right.

    Args:
        logits: of the cells [batch, 6, answers] and of the whole [batch, answers].
        cells: targets of the cells, int64 [batch, 6, 4]; -1 is left out.
        whole: targets of the whole, int64 [batch, 4]; -1 is left out.
    """
    losses, right = [], torch.ones(len(whole), dtype=torch.bool, device=whole.device)
    for _, answers, target, loss in fact_losses(logits, cells, whole):
        losses.append(loss)
        right &= ((answers.argmax(-1) == target) | (target == UNDEFINED)).reshape(len(whole), -1).all(dim=1)
    return torch.stack(losses).sum(), float(right.float().mean())


def kinds_loss(cell_logits: Tensor, cells: Tensor) -> Tensor:
    """Returns the mean cross-entropy of the kinds of things, empty cells left out.

    Args:
        cell_logits: [batch, 6, answers]
        cells: targets, int64 [batch, 6, 4]
    """
    kinds = cells[..., 0].where(cells[..., 0] > 0, UNDEFINED).flatten()
    return _mean_entropy(cell_logits[..., : CELL_FACTS["kind"]].flatten(0, 1), kinds)


# --- images ---------------------------------------------------------------------------------------------------------


def edge_loss(x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Returns the weighted mean absolute error of differences between neighbouring pixels, so that thin lines count.

    Args:
        x: images [batch, 3, h, w]
        y: images of the same shape.
        weight: of the pixels, [batch, 1, h, w]
    """
    edges = [((x - y).diff(dim=axis).abs() * weight.narrow(axis, 1, x.shape[axis] - 1)).mean() for axis in (2, 3)]
    return edges[0] + edges[1]


# --- diffusion ------------------------------------------------------------------------------------------------------


def stratified_times(count: int, power: float, generator: torch.Generator) -> Tensor:
    """Returns diffusion times [count] in [0, 1), one from each of `count` equal strata: less noise in the loss.

    Args:
        count: how many.
        power: below 1 favours late times, where the conditioning decides.
        generator: draws them.
    """
    strata = torch.randperm(count, generator=generator)
    return ((strata + torch.rand(count, generator=generator)) / count) ** power


def clean_loss(predicted: Tensor, clean: Tensor, t: Tensor, weight: Tensor) -> Tensor:
    """Returns the mean squared error of the clean data, weighted by min(1 / sigma^2, 4) and by position.

    1 / sigma^2 makes it the error of v (Salimans & Ho 2022, section 4); the bound limits the share of early times.

    Args:
        predicted: estimate of the clean data [batch, c, h, w]
        clean: the clean data, of the same shape.
        t: diffusion times [batch].
        weight: of positions, [batch, 1, h, w]
    """
    by_time = (1 / diffusion.alpha_sigma(t)[1] ** 2).clamp(max=4)[:, None, None, None]
    return (by_time * weight * (predicted - clean) ** 2).mean()


# --- contrast -------------------------------------------------------------------------------------------------------


def contrast_with_negatives(logits: Tensor, counted: Tensor | None = None) -> Tensor:
    """Returns the symmetric contrastive loss of logits whose last columns are hard negatives of all rows.

    Args:
        logits: scaled cosines [images, images + negatives]; row and column of the same number belong together.
        counted: bool [images], which pairs take part; all by default.
    """
    count = len(logits)
    if counted is not None:
        negatives = torch.ones(logits.shape[1] - count, dtype=torch.bool, device=logits.device)
        logits = logits[counted][:, torch.cat([counted, negatives])]
        count = len(logits)
    answers = torch.arange(count, device=logits.device)
    return (F.cross_entropy(logits, answers) + F.cross_entropy(logits[:, :count].T, answers)) / 2
