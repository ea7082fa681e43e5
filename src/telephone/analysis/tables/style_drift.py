"""Style drift: whether images keep their style, apart from their content.

In the pocket world style is a fact like any other and is read exactly. Elsewhere the vector of an image is regressed on
the vector of its description; the residual is the appearance beyond the content, as measured by one embedder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from telephone import world
from telephone.analysis.facts.fact_tracking import fact_details
from telephone.analysis.inference.bootstrap import estimate_means
from telephone.analysis.inference.share_interval import clustered_proportion
from telephone.analysis.tables.drift import Floats, matching_embedders
from telephone.analysis.tables.score_frames import hop_table, without_controls

if TYPE_CHECKING:
    from telephone.store import EmbedderRow, Run

STYLE = "style"
_KEEP = ["embedder", "game", "prompt_id", "level", "t2i_model", "i2t_model", "turn"]
_RIDGE = 0.1
"""Ridge penalty as a share of the mean variance of the components of text vectors."""
_FOLDS = 5
_FEWEST = 10
"""Number of prompts below which content and style cannot be separated."""


def style_table(run: Run, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns for each text and image whether it has the prompt's style, and the share of its content that it keeps.

    Columns: `game, prompt_id, level, t2i_model, i2t_model, turn, kind, style` (of the artefact), `same` (whether it is
    the prompt's style; flat is the style of prompts that name none) and `content` (share of the prompt's other facts
    that are kept; NaN if it has none). Prompts outside the pocket world have no rows.

    Args:
        run: A run that was judged in full.
        frame: Rows of `run.frame()`; None is the battle without its control lines.
    """
    details = fact_details(run)
    scenes = {prompt.id: world.parse(prompt.text) for prompt in run.spec.prompts}
    others = {name: [atom.attribute != STYLE for atom in world.atoms(scene)] for name, scene in scenes.items()}
    rows = []
    for hop in hop_table(without_controls(run.turns()) if frame is None else frame).to_dict("records"):
        detail = details.get((hop["sha"], hop["start"]))
        if detail is None or len(detail["states"]) != len(others[hop["prompt_id"]]):
            continue
        kept = [state == "k" for state, other in zip(detail["states"], others[hop["prompt_id"]], strict=True) if other]
        same = detail[STYLE] == scenes[hop["prompt_id"]].style
        own = {"style": detail[STYLE], "same": same, "content": float(np.mean(kept)) if kept else np.nan}
        rows.append({name: hop[name] for name in (*_KEEP[1:], "kind")} | own)
    return pd.DataFrame(rows, columns=[*_KEEP[1:], "kind", "style", "same", "content"])


def style_curves(table: pd.DataFrame, by: Sequence[str] = ("t2i_model", "i2t_model", "kind", "turn")) -> pd.DataFrame:
    """Returns the share of texts and images in the prompt's style, and the share of content that they keep.

    Columns: those of `by`, `style_kept`, `low`, `high` (95 % interval over prompts), `content_kept`, `prompts`.

    Args:
        table: As `style_table` gives it.
        by: Some of `t2i_model, i2t_model, level, kind, turn`.
    """
    rows = []
    for own, part in table.groupby(list(by), sort=True):
        prompts = part.groupby("prompt_id").agg(
            same=("same", "sum"), n=("same", "size"), content=("content", "mean"), level=("level", "first")
        )
        share, low, high = clustered_proportion(
            prompts["same"].to_numpy(float), prompts["n"].to_numpy(float), list(prompts["level"])
        )
        head = dict(zip(by, own if isinstance(own, tuple) else (own,), strict=True))
        content = float(prompts["content"].mean())
        rows.append(
            head | {"style_kept": share, "low": low, "high": high, "content_kept": content, "prompts": len(prompts)}
        )
    return pd.DataFrame(rows, columns=[*by, "style_kept", "low", "high", "content_kept", "prompts"])


def style_similarity(run: Run, embedder: str | None = None, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns the similarity of a line's images to the first image of their game, with content regressed out.

    Each image's vector is predicted from the vector of its description, by ridge regression on the games of other
    prompts; the residual is compared by cosine with that of the game's first image. Columns: `embedder,
    t2i_model, i2t_model, turn, look` (mean cosine, 1 is equal), `low`, `high` (95 % interval over prompts),
    `chance` (mean cosine with first images of other prompts on the same line: the model's own style) and `prompts`.
    Embedders of one kind only, and runs of fewer than 10 prompts, have no rows.

    Args:
        run: A run that was judged in full.
        embedder: Part of the name of an embedder; None is all of them.
        frame: Rows of `run.frame()`; None is the battle without its control lines.

    Raises:
        UsageError: no embedder has such a name.
    """
    made = hop_table(without_controls(run.turns()) if frame is None else frame)
    made["caption"] = made.groupby("game", sort=False)["sha"].shift(-1)
    images = made[(made["kind"] == "image") & made["caption"].notna()]
    rows = [
        row
        for identity in matching_embedders(run, embedder)
        for row in _similarity_rows(images, run.vectors(identity), identity)
    ]
    columns = ["embedder", "t2i_model", "i2t_model", "turn", "look", "low", "high", "chance", "prompts"]
    return pd.DataFrame(rows, columns=columns)


def _similarity_rows(images: pd.DataFrame, vectors: dict[str, Any], identity: EmbedderRow) -> list[dict[str, Any]]:
    known = images[images["sha"].isin(list(vectors)) & images["caption"].isin(list(vectors))].reset_index(drop=True)
    if known["prompt_id"].nunique() < _FEWEST:
        return []
    residuals = _residuals(known, vectors)
    rows = []
    for (t2i, i2t), part in known.groupby(["t2i_model", "i2t_model"], sort=True):
        head = {"embedder": identity.name, "t2i_model": t2i, "i2t_model": i2t}
        rows += [head | row for row in _line(part, residuals)]
    return rows


def _line(part: pd.DataFrame, residuals: Floats) -> list[dict[str, Any]]:
    start = part.loc[part.groupby("game", sort=False)["turn"].idxmin()]
    at = pd.Index(start["game"]).get_indexer(part["game"])
    firsts = residuals[start.index.to_numpy()]
    cosines = residuals[part.index.to_numpy()] @ firsts.T
    prompts = start["prompt_id"].to_numpy(dtype=str)
    apart = part["prompt_id"].to_numpy(dtype=str)[:, None] != prompts[None, :]
    table = part.assign(
        look=cosines[np.arange(len(part)), at],
        chance=np.where(apart, cosines, 0.0).sum(axis=1) / np.maximum(apart.sum(axis=1), 1),
    )
    rows = []
    for turn, own in table.groupby("turn", sort=True):
        means = own.groupby("prompt_id").agg(look=("look", "mean"), chance=("chance", "mean"), level=("level", "first"))
        found = estimate_means(means[["look"]].to_numpy(float), list(means["level"]), (-1.0, 1.0))
        numbers = {"look": float(found.mean[0]), "low": float(found.low[0]), "high": float(found.high[0])}
        rows.append({"turn": turn, **numbers, "chance": float(means["chance"].mean()), "prompts": len(means)})
    return rows


def _residuals(known: pd.DataFrame, vectors: dict[str, Any]) -> Floats:
    """Returns the residuals of image vectors given description vectors as unit vectors, cross-fitted over prompts."""
    images, texts = (np.stack([vectors[sha] for sha in known[name]]).astype(np.float64) for name in ("sha", "caption"))
    names = sorted(known["prompt_id"].unique())
    fold = known["prompt_id"].map({name: at % _FOLDS for at, name in enumerate(names)}).to_numpy()
    residuals = np.empty_like(images)
    for number in range(_FOLDS):
        inside = fold == number
        x, y = texts[~inside], images[~inside]
        middle, level = x.mean(axis=0), y.mean(axis=0)
        covariance = (x - middle).T @ (x - middle)
        penalty = _RIDGE * float(np.trace(covariance)) / len(covariance) + 1e-9
        slope = np.linalg.solve(covariance + penalty * np.eye(len(covariance)), (x - middle).T @ (y - level))
        residuals[inside] = images[inside] - level - (texts[inside] - middle) @ slope
    lengths = np.linalg.norm(residuals, axis=1, keepdims=True)
    return np.asarray(residuals / np.where(lengths > 0, lengths, 1.0))
