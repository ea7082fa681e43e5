"""Preference pairs: two answers of different models to the same input, and which one keeps more.

    OUT/preferences.jsonl       one row a pair
    OUT/images/SHA.png          the images that rows refer to

The games of a battle ask several models about the same input: every text-to-image model draws the prompt, every
image-to-text model describes an image that two of its partners' games share. Such pairs train preference models without
labels by people (cf. CycleReward, arXiv 2506.02095). What counts as more is the share of the prompt's facts in the
answer where facts are counted, else the distance from the start of the game.
"""

import json
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from telephone.analysis.tables.score_frames import hop_table, scored_frame, without_controls
from telephone.core.errors import UsageError
from telephone.exports.folder import whole_folder

if TYPE_CHECKING:
    from telephone.store import Run

MARGIN = 1e-9
"""Scores that differ by no more than this are a tie."""
_SCORES = {"text": ("facts_recall", "text_after_dist"), "image": ("image_facts_recall", None)}
"""Columns with the share of facts and with the distance, by the kind of the answer."""


@dataclass(frozen=True)
class PreferencePairs:
    """What was written."""

    folder: Path
    pairs: int
    ties: int
    """Pairs of different answers with equal scores, which are not written."""
    unscored: int
    """Answers without a score, which are in no pair."""


def to_preferences(run: "Run", target: Path) -> PreferencePairs:
    """Writes the preference pairs of a run, without controls, and the images that they refer to.

    Rows of `preferences.jsonl`: `task` (text-to-image or image-to-text), `input`, `chosen`, `rejected` (a text, or the
    path of an image in the folder), `chosen_model`, `rejected_model`, `chosen_score`, `rejected_score`, `measure`
    (facts_recall, image_facts_recall or text_after_dist; lower distances are better), `prompt_id`, `prompt`, `level`.

    Args:
        run: a judged run.
        target: a new or an empty folder.

    Raises:
        UsageError: the folder is not empty, or no two models answered the same input with different scores.
        StoreDamaged: an image of the run is missing or altered.
        StoreError: the disk is full or cannot be written.
    """
    answers = scored_answers(run)
    rows, ties = _pairs(answers)
    if not rows:
        raise UsageError(
            "No two models of this run answered the same input with different scores: play two or more models on a "
            "side, and run `telephone judge`."
        )
    texts = dict(zip(answers["sha"], answers["text"], strict=True)) | _starts(run)
    with whole_folder(target) as folder:
        (folder / "images").mkdir()
        lines = [json.dumps(_row(run, folder, row, texts), ensure_ascii=False) for row in rows]
        (folder / "preferences.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return PreferencePairs(target, len(rows), ties, int(answers["score"].isna().sum()))


def scored_answers(run: "Run") -> pd.DataFrame:
    """Returns one row for each distinct answer of a model to an input.

    Columns: those of `hop_table`, `model`, `task` (text-to-image or image-to-text), `text` and `measure`. `score` is
    higher for the better answer and NaN where there is none; `value` is the score as it is stored.

    Args:
        run: a judged run.
    """
    frame = without_controls(scored_frame(run))
    hops = hop_table(frame).merge(frame[["game", "step_number", "prompt"]].assign(turn=frame["step_number"] + 1))
    tables = []
    for kind, (facts, distance) in _SCORES.items():
        own = hops[hops["kind"] == kind]
        names = [name for name in (facts, distance) if name is not None and name in frame.columns]
        scores = frame[["game", "step_number", *names, "text_after"]].assign(turn=frame["step_number"] + 1)
        own = own.merge(scores.drop(columns="step_number"), on=["game", "turn"], how="left")
        counted = own[facts] if facts in own else pd.Series(float("nan"), own.index)
        near = own[distance] if distance in own else pd.Series(float("nan"), own.index)
        own = own.assign(
            task="image-to-text" if kind == "text" else "text-to-image",
            measure=pd.Series(facts, own.index).where(counted.notna(), distance),
            value=counted.where(counted.notna(), near),
            score=counted.where(counted.notna(), -near),
            text=own["text_after"] if kind == "text" else None,
        )
        tables.append(own)
    found = pd.concat(tables, ignore_index=True).rename(columns={"player": "model"})
    return found.drop_duplicates(["task", "before", "prompt_id", "model", "sha"])


def _pairs(answers: pd.DataFrame) -> tuple[list[dict[str, Any]], int]:
    rows, ties = [], 0
    scored = answers[answers["score"].notna()]
    for _, own in scored.groupby(["task", "before", "prompt_id"], sort=False):
        for one, other in combinations(own.to_dict("records"), 2):
            if one["model"] == other["model"] or one["sha"] == other["sha"] or one["measure"] != other["measure"]:
                continue
            if abs(one["score"] - other["score"]) <= MARGIN:
                ties += 1
                continue
            chosen, rejected = (one, other) if one["score"] > other["score"] else (other, one)
            rows.append({"chosen": chosen, "rejected": rejected})
    return rows, ties


def _starts(run: "Run") -> dict[str, str]:
    from telephone.core.images import content_hash

    return {content_hash(prompt.text.encode()): prompt.text for prompt in run.spec.prompts if prompt.first == "text"}


def _row(run: "Run", folder: Path, pair: dict[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    chosen, rejected = pair["chosen"], pair["rejected"]
    draws = chosen["task"] == "text-to-image"
    answers = [_image(run, folder, each["sha"]) if draws else each["text"] for each in (chosen, rejected)]
    before = str(chosen["before"])
    return {
        "task": chosen["task"],
        "input": texts[before] if draws else _image(run, folder, before),
        "chosen": answers[0],
        "rejected": answers[1],
        **{f"{name}_model": each["model"] for name, each in pair.items()},
        **{f"{name}_score": float(each["value"]) for name, each in pair.items()},
        "measure": chosen["measure"],
        "prompt_id": chosen["prompt_id"],
        "prompt": chosen["prompt"],
        "level": chosen["level"],
    }


def _image(run: "Run", folder: Path, sha: str) -> str:
    """Writes an image of the run once, and returns its path in the folder."""
    path = folder / "images" / f"{sha}.png"
    if not path.exists():
        path.write_bytes(run.artefact(sha).data)
    return path.relative_to(folder).as_posix()
