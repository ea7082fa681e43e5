"""Style apart from content: does a picture still look as it did, whatever it shows?

In the pocket world style is a fact like any other and is read exactly. Elsewhere a picture's vector is taken and what
its own description says is regressed out of it; what is left is how the picture looks beyond what it is about, as far
as one embedder can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from telephone import world
from telephone.analysis.facts.fact_tracking import fact_details
from telephone.analysis.facts.hazards import clustered_proportion
from telephone.analysis.inference.bootstrap import estimate_means
from telephone.analysis.tables.drift import Floats, matching_embedders
from telephone.analysis.tables.score_frames import hop_table, without_controls

if TYPE_CHECKING:
    from telephone.store import EmbedderRow, Run

STYLE = "style"
_KEEP = ["embedder", "game", "prompt_id", "level", "t2i_model", "i2t_model", "turn"]
_RIDGE = 0.1
"""Share of the mean variance of a text vector's numbers that holds the regression back."""
_FOLDS = 5
_FEWEST = 10
"""Prompts below which content cannot be told from style."""


def style_table(run: Run, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns for each text and picture whether it has the prompt's style, and how much of its content it keeps.

    Columns: `game, prompt_id, level, t2i_model, i2t_model, turn, kind, style` (what it has), `same` (whether it is the
    prompt's, flat included, which no prompt names) and `content` (share of the prompt's other facts that are there; NaN
    if it has none). Prompts outside the pocket world have no rows.

    Args:
        run: A run that was judged in full.
        frame: Rows of `run.frame()`; None is the battle without its control lines.
    """
    details = fact_details(run)
    scenes = {prompt.id: world.parse(prompt.text) for prompt in run.spec.prompts}
    others = {name: [atom.attribute != STYLE for atom in world.atoms(scene)] for name, scene in scenes.items()}
    rows = []
    for hop in hop_table(without_controls(run.frame()) if frame is None else frame).to_dict("records"):
        detail = details.get((hop["sha"], hop["start"]))
        if detail is None or len(detail["states"]) != len(others[hop["prompt_id"]]):
            continue
        kept = [state == "k" for state, other in zip(detail["states"], others[hop["prompt_id"]], strict=True) if other]
        same = detail[STYLE] == scenes[hop["prompt_id"]].style
        own = {"style": detail[STYLE], "same": same, "content": float(np.mean(kept)) if kept else np.nan}
        rows.append({name: hop[name] for name in (*_KEEP[1:], "kind")} | own)
    return pd.DataFrame(rows, columns=[*_KEEP[1:], "kind", "style", "same", "content"])


def style_curves(table: pd.DataFrame, by: Sequence[str] = ("t2i_model", "i2t_model", "kind", "turn")) -> pd.DataFrame:
    """Returns the share of texts and pictures in the prompt's style, beside the share of content that they keep.

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
    """Returns how alike a line's pictures look to the first picture of their game, content regressed out.

    Each picture's vector is predicted from the vector of its description, by a ridge regression on the other prompts'
    games; what is left over is compared by its cosine with that of the game's first picture. Columns: `embedder,
    t2i_model, i2t_model, turn, look` (mean cosine, 1 is the same), `low`, `high` (95 % interval over prompts),
    `chance` (mean cosine with first pictures of other prompts on the same line: the drawer's own hand) and `prompts`.
    Embedders that do not take both kinds, and runs of fewer than 10 prompts, have no rows.

    Args:
        run: A run that was judged in full.
        embedder: Part of the name of an embedder; None is all of them.
        frame: Rows of `run.frame()`; None is the battle without its control lines.

    Raises:
        UsageError: no embedder has such a name.
    """
    made = hop_table(without_controls(run.frame()) if frame is None else frame)
    made["caption"] = made.groupby("game", sort=False)["sha"].shift(-1)
    drawn = made[(made["kind"] == "image") & made["caption"].notna()]
    rows = [
        row for identity in matching_embedders(run, embedder) for row in _looks(drawn, run.vectors(identity), identity)
    ]
    columns = ["embedder", "t2i_model", "i2t_model", "turn", "look", "low", "high", "chance", "prompts"]
    return pd.DataFrame(rows, columns=columns)


def _looks(drawn: pd.DataFrame, vectors: dict[str, Any], identity: EmbedderRow) -> list[dict[str, Any]]:
    known = drawn[drawn["sha"].isin(list(vectors)) & drawn["caption"].isin(list(vectors))].reset_index(drop=True)
    if known["prompt_id"].nunique() < _FEWEST:
        return []
    left = _leftovers(known, vectors)
    rows = []
    for (t2i, i2t), part in known.groupby(["t2i_model", "i2t_model"], sort=True):
        head = {"embedder": identity.name, "t2i_model": t2i, "i2t_model": i2t}
        rows += [head | row for row in _line(part, left)]
    return rows


def _line(part: pd.DataFrame, left: Floats) -> list[dict[str, Any]]:
    start = part.loc[part.groupby("game", sort=False)["turn"].idxmin()]
    at = pd.Index(start["game"]).get_indexer(part["game"])
    firsts = left[start.index.to_numpy()]
    cosines = left[part.index.to_numpy()] @ firsts.T
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


def _leftovers(known: pd.DataFrame, vectors: dict[str, Any]) -> Floats:
    """Returns unit vectors of what the descriptions do not tell of the pictures; each prompt is predicted by others."""
    pictures, texts = (
        np.stack([vectors[sha] for sha in known[name]]).astype(np.float64) for name in ("sha", "caption")
    )
    names = sorted(known["prompt_id"].unique())
    fold = known["prompt_id"].map({name: at % _FOLDS for at, name in enumerate(names)}).to_numpy()
    left = np.empty_like(pictures)
    for number in range(_FOLDS):
        inside = fold == number
        x, y = texts[~inside], pictures[~inside]
        middle, level = x.mean(axis=0), y.mean(axis=0)
        spread = (x - middle).T @ (x - middle)
        held = _RIDGE * float(np.trace(spread)) / len(spread) + 1e-9
        slope = np.linalg.solve(spread + held * np.eye(len(spread)), (x - middle).T @ (y - level))
        left[inside] = pictures[inside] - level - (texts[inside] - middle) @ slope
    lengths = np.linalg.norm(left, axis=1, keepdims=True)
    return np.asarray(left / np.where(lengths > 0, lengths, 1.0))
