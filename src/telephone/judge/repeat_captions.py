"""Second descriptions: how far apart does one describer find words for one picture? That is a floor for any prompt."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telephone.core.errors import ModelError
from telephone.core.images import decode
from telephone.core.seeds import derive
from telephone.judge.cases import without_controls
from telephone.judge.vectors import Told
from telephone.models import generate_texts, image2text
from telephone.store import Run, Score, ScorerKind, ScorerRow

if TYPE_CHECKING:
    import pandas as pd

NAME = "again"
_CHUNK = 8


@dataclass(frozen=True)
class Second:
    """Two descriptions of one picture by one describer."""

    prompt_id: str
    first: str
    second: str


def describe_again(run: Run, most: int, told: Told | None = None) -> int:
    """Has each describer describe pictures of the first turn once more, with another seed; returns how many are new.

    A describer that says the same again, because it does not choose among words, tells nothing about a floor: such a
    pair is kept and not used.

    Args:
        run: A run; remote describers cost what a call costs.
        most: Pictures for each describer.
        told: Is told how far it is, for all describers together.

    Raises:
        ModelError: a player as a whole did not answer.
    """
    frame = without_controls(run.turns())
    names = {row.name: row.ref for row in run.spec.models if row.kind == "image2text"}
    plans = {ref: _plan(frame[frame["i2t_model"] == name], most) for name, ref in names.items()}
    total, done, new = sum(map(len, plans.values())), 0, 0
    for ref, plan in plans.items():
        player = image2text(ref)
        judge = ScorerRow(ScorerKind.REPEAT_CAPTION, f"repeat captions by {ref}", player.traits().fingerprint, ref)
        there = {(score.subject, score.reference) for score in run.scores(judge)}
        left = [row for row in plan if (row[0], row[1]) not in there]
        done += len(plan) - len(left)
        for start in range(0, len(left), _CHUNK):
            chunk = left[start : start + _CHUNK]
            pictures = [decode(run.artefact(row[0]).data) for row in chunk]
            made = generate_texts(player, pictures, [derive(NAME, row[0]) for row in chunk])
            run.put_scores(judge, [_score(row, text) for row, text in zip(chunk, made, strict=True)])
            done, new = done + len(chunk), new + len(chunk)
            if told is not None:
                told(done, total)
    return new


def seconds(run: Run) -> Iterator[Second]:
    """Yields what describers have said twice, pairs of equal descriptions left out."""
    for scorer in run.scorers(ScorerKind.REPEAT_CAPTION):
        for score in run.scores(scorer):
            text = score.detail.get("text")
            if text is not None and text != score.detail["first"]:
                yield Second(score.detail["prompt"], score.detail["first"], text)


def _plan(frame: "pd.DataFrame", most: int) -> list[tuple[str, str, str, str]]:
    """Returns picture, hash of its description, description and prompt of the first turns; an even choice of them."""
    first = frame[(frame["step_number"] == 0) & (frame["first"] == "text") & frame["text_sha256"].notna()]
    rows = first[["image_sha256", "text_sha256", "text_after", "prompt_id"]].drop_duplicates("image_sha256")
    plan = [(str(a), str(b), str(c), str(d)) for a, b, c, d in rows.itertuples(index=False)]
    return sorted(plan, key=lambda row: derive("again", row[0]))[:most]


def _score(row: tuple[str, str, str, str], made: str | ModelError) -> Score:
    failed = isinstance(made, ModelError)
    detail = {"first": row[2], "prompt": row[3], "text": None if failed else made}
    value, why = (None, str(made)) if failed else (float(made == row[2]), "")
    return Score(row[0], row[1], "repeat_caption", value, why, detail)
