"""A run as a table with one row per turn: the columns of the original experiment's samples, and more.

conversation_name   short name of the game, unique in the run
prompt, prompt_id, level, first     the prompt of the game; `first` is text or image
t2i_model, i2t_model, line          the pair of models
control             empty, or the kind of control that the pair is; controls are not part of the battle
game, repeat, seed                  full hash of the game; number of the repeat; seed
step_number         the turn, from 0
text_before, text_after, filepath   a text-first turn goes text_before -> filepath -> text_after; an image-first turn
                    describes the image of the turn before as text_after and draws that as filepath
image_sha256, text_sha256, prompt_sha256    content hashes of the image, of text_after and of the prompt
outcome, reason     ok; refused or failed, with the reason; pending where the turn is not finished
seconds_image, seconds_text, attempts, cost, tokens_cut     the calls of the turn; an unknown cost is NaN
text_after_dist     distance of text_after to the prompt; NaN until scored
and one column for each other kind of score: KIND for texts, image_KIND for images, KIND@SCORER for a second scorer
of that kind, score_KIND where the name is one of the above. `Run.score_columns` says which scorer a column is from.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telephone.core.file_names import text_of
from telephone.core.records import RESULT_KIND, Prompt
from telephone.store.image_files import ImageFiles
from telephone.store.records import COLUMN_KINDS, ScoreColumn, ScorerKind, ScorerRow
from telephone.store.spec import RunSpec

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS = (
    "conversation_name", "prompt", "prompt_id", "level", "t2i_model", "i2t_model", "line", "control", "game", "first",
    "text_before", "text_after", "filepath", "image_sha256", "text_sha256", "prompt_sha256", "outcome", "reason",
)  # fmt: skip
WHOLE_COLUMNS = ("repeat", "seed", "step_number", "attempts", "tokens_cut")
COLUMNS = (
    "conversation_name", "prompt", "prompt_id", "level", "t2i_model", "i2t_model", "line", "control", "game", "repeat",
    "seed", "first", "step_number", "text_before", "text_after", "filepath", "image_sha256", "text_sha256",
    "prompt_sha256", "outcome", "reason", "seconds_image", "seconds_text", "attempts", "cost", "tokens_cut",
    "text_after_dist",
)  # fmt: skip

DISTANCE = "distance"
"""The kind of score that becomes `text_after_dist`."""

_QUERY = """
    SELECT g.key AS game, g.conversation, g.t2i, g.i2t, g.prompt_id, g.prompt_sha, g.repeat, g.seed,
           h.step, h.shared, c.task, c.outcome, c.reason, c.seconds, c.attempts, c.cost, c.unpriced, c.tokens_cut,
           c.result, CAST(before.data AS BLOB) AS shown, CAST(made.data AS BLOB) AS made
    FROM hop h JOIN game g ON g.id = h.game JOIN call c ON c.id = h.call
    LEFT JOIN call_parent p ON h.step = 0 AND p.call = c.id AND p.position = 0
    LEFT JOIN artefact before ON before.sha = p.sha
    LEFT JOIN artefact made ON made.sha = c.result
    ORDER BY h.game, h.step
"""


def turns(db: sqlite3.Connection, spec: RunSpec, images: ImageFiles) -> "pd.DataFrame":
    """Returns one row for each turn that has begun, games in the run's order, turns in theirs; no scores yet."""
    import pandas as pd

    rows = list(_rows(db, spec, images))
    kinds = dict.fromkeys(TEXT_COLUMNS, "object") | dict.fromkeys(WHOLE_COLUMNS, "int64")  # the others are numbers
    return pd.DataFrame(
        {column: pd.Series([row[column] for row in rows], dtype=kinds.get(column, "float64")) for column in COLUMNS}
    )


def frame(db: sqlite3.Connection, turns: "pd.DataFrame") -> "pd.DataFrame":
    """Returns the turns with a column for each score; the turns themselves are not changed."""
    import pandas as pd

    prompts = turns["prompt_sha256"].tolist()
    shas = {"image": turns["image_sha256"].tolist(), "text": turns["text_sha256"].tolist()}
    columns: dict[str, pd.Series] = {}
    for column, (about, values) in _scores(db).items():
        kind = "image" if about.of_images else "text"
        found = [values.get(pair) for pair in zip(shas[kind], prompts, strict=True)]
        columns[column] = pd.Series(found, index=turns.index, dtype="float64")
    distance = columns.pop("text_after_dist", turns["text_after_dist"])
    return pd.concat([turns.assign(text_after_dist=distance), pd.DataFrame(columns, index=turns.index)], axis=1)


@dataclass
class _Turn:
    """The hops of one turn, as they come."""

    row: dict[str, Any]
    costs: list[float | None]
    hops: int = 0


def _rows(db: sqlite3.Connection, spec: RunSpec, images: ImageFiles) -> Iterator[dict[str, Any]]:
    prompts = {prompt.id: prompt for prompt in spec.prompts}
    names = {row.ref: row.name for row in spec.models}
    turn: _Turn | None = None
    text: str | None = None
    for hop in db.execute(_QUERY):
        if turn is None or (hop["game"], hop["step"] // 2) != (turn.row["game"], turn.row["step_number"]):
            if turn is not None:
                yield _finished(turn)
            if turn is None or hop["game"] != turn.row["game"]:
                text = hop["shown"].decode() if hop["task"] == "text2image" else None
            turn = _Turn(_start(hop, prompts[hop["prompt_id"]], names, text), [])
            turn.row["control"] = spec.control_lines.get((hop["t2i"], hop["i2t"]), "")
        text = _add(turn, hop, images) or text
    if turn is not None:
        yield _finished(turn)


def _start(hop: sqlite3.Row, prompt: Prompt, names: dict[str, str], text: str | None) -> dict[str, Any]:
    t2i, i2t = names[hop["t2i"]], names[hop["i2t"]]
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    return row | {
        "conversation_name": hop["conversation"],
        "prompt": prompt.text,
        "prompt_id": prompt.id,
        "level": prompt.level,
        "t2i_model": t2i,
        "i2t_model": i2t,
        "line": f"{t2i}_{i2t}",
        "game": hop["game"],
        "repeat": hop["repeat"],
        "seed": hop["seed"],
        "first": prompt.first,
        "step_number": hop["step"] // 2,
        "text_before": text,
        "prompt_sha256": hop["prompt_sha"],
        "outcome": "ok",
        "reason": "",
        "attempts": 0,
        "tokens_cut": 0,
    }


def _add(turn: _Turn, hop: sqlite3.Row, images: ImageFiles) -> str | None:
    """Adds a hop to its turn; returns its text, if the result is one."""
    row, kind = turn.row, RESULT_KIND[hop["task"]]
    turn.hops += 1
    # A cost that leaves out attempts of unknown cost is unknown.
    turn.costs.append(0.0 if hop["shared"] else None if hop["unpriced"] else hop["cost"])
    row[f"seconds_{kind}"] = 0.0 if hop["shared"] else hop["seconds"]
    row["attempts"] += 0 if hop["shared"] else hop["attempts"]
    row["tokens_cut"] += hop["tokens_cut"]
    if hop["outcome"] != "ok":
        row["outcome"], row["reason"] = hop["outcome"], hop["reason"]
        return None
    row[f"{kind}_sha256"] = hop["result"]
    if kind == "image":
        row["filepath"] = text_of(images.path(hop["result"]).absolute())
        return None
    row["text_after"] = hop["made"].decode()
    return str(row["text_after"])


def _finished(turn: _Turn) -> dict[str, Any]:
    row = turn.row
    known = [cost for cost in turn.costs if cost is not None]
    row["cost"] = sum(known) if len(known) == len(turn.costs) else None
    if row["outcome"] == "ok" and turn.hops < 2:
        row["outcome"] = "pending"
    return row


def score_columns(db: sqlite3.Connection) -> dict[str, ScoreColumn]:
    """Returns what each column of scores in a frame holds."""
    return {column: about for column, (about, _) in _scores(db).items()}


def _scores(db: sqlite3.Connection) -> dict[str, tuple[ScoreColumn, dict[tuple[str, str], float | None]]]:
    """Returns for each column of scores what it is, and the value of each subject and reference."""
    found: dict[str, tuple[ScoreColumn, dict[tuple[str, str], float | None]]] = {}
    owners: dict[str, int] = {}
    kinds = ", ".join(f"'{kind.value}'" for kind in COLUMN_KINDS)
    for number, *scorer, made, subject, reference, kind, value in db.execute(
        "SELECT j.id, j.kind, j.name, j.fingerprint, j.model, a.kind, subject, reference, s.kind, value"
        " FROM score s JOIN scorer j ON j.id = s.scorer JOIN artefact a ON a.sha = subject"
        f" WHERE j.kind IN ({kinds}) AND reference IN (SELECT prompt_sha FROM game) ORDER BY j.id, s.kind"
    ):
        plain = "text_after_dist" if kind == DISTANCE else f"score_{kind}" if kind in COLUMNS else kind
        column = f"image_{kind}" if made == "image" else plain
        first = owners.setdefault(column, number) == number
        row = ScorerRow(ScorerKind(scorer[0]), *scorer[1:])
        column = column if first else f"{column}@{row.identity}"
        if column not in found:
            found[column] = (ScoreColumn(row, kind, first, made == "image"), {})
        found[column][1][subject, reference] = value
    return found
