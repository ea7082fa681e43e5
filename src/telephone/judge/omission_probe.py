"""Not seen or not said: a describer that left out a fact of a picture is asked about it.

A right answer means that the fact was seen and not told. As a yes costs nothing, the same describer is also asked for
facts that the picture lacks: how often it agrees to those is how often it guesses.
"""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from PIL import Image

from telephone import world
from telephone.core.errors import ModelError, UsageError
from telephone.core.images import decode
from telephone.core.seeds import derive
from telephone.judge.cases import without_controls
from telephone.judge.facts import KEPT, NAME
from telephone.judge.vectors import Told
from telephone.models import Model, image2text
from telephone.store import Run, Score, ScorerKind, ScorerRow

if TYPE_CHECKING:
    import pandas as pd

LOST, BLANK = "lost", "blank"
"""Scores are named `lost N` and `blank N`: fact N was in the picture and not told; it was not in the picture."""
CHUNK = 16
MOST = 400
"""Questions of each sort that one describer is asked, if nobody says otherwise."""


class QuestionAnswerer(Protocol):
    """A player that answers questions about pictures."""

    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[Any]:
        """Returns one answer, or one `ModelError`, a picture and question."""
        ...


@dataclass(frozen=True)
class Doubt:
    """A question to a describer about a picture that it has described."""

    picture: str
    """Content hash."""
    prompt_sha: str
    prompt: str
    number: int
    """Of the fact, in `world.atoms` of the prompt."""
    sort: str


def answering(player: Model) -> bool:
    """Tells whether a player answers questions about pictures."""
    method = getattr(player, "answer", None)
    # Clients of services have a method of this name that reads their reply.
    return callable(method) and list(inspect.signature(method).parameters)[:2] == ["images", "questions"]


def ask_lost(run: Run, most: int = MOST, told: Told | None = None) -> dict[str, int]:
    """Asks each describer that can answer about the facts that it did not tell, and writes what it says.

    Args:
        run: A run whose facts of texts and pictures were judged.
        most: Questions about lost facts for each describer, and as many about absent ones; drawn where there are more.
        told: Is told how far it is, for all describers together.

    Returns:
        By address of the describer the number of new answers; describers that do not answer are not in it.

    Raises:
        UsageError: facts of pictures have not been judged.
        ModelError: a player as a whole did not answer.
    """
    states = _states(run)
    frame = _shown(without_controls(run.turns()))
    names = {row.name: row.ref for row in run.spec.models if row.kind == "image2text"}
    wanted = {ref: _doubts(frame[frame["i2t_model"] == name], states, most) for name, ref in names.items()}
    able = {ref: doubts for ref, doubts in wanted.items() if doubts and answering(image2text(ref))}
    total, done = sum(map(len, able.values())), 0
    found = {}
    for ref, doubts in able.items():
        found[ref] = 0
        for size, new in _hear(run, ref, doubts):
            done, found[ref] = done + size, found[ref] + new
            if told is not None:
                told(done, total)
    return found


def _hear(run: Run, ref: str, doubts: list[Doubt]) -> Iterator[tuple[int, int]]:
    """Yields how many questions are behind us and how many of them were new, a chunk at a time."""
    player = image2text(ref)
    judge = ScorerRow(ScorerKind.OMISSION_PROBE, f"omission probe of {ref}", player.traits().fingerprint, ref)
    there = {(score.subject, score.reference, score.kind, score.item) for score in run.scores(judge)}
    new = [d for d in doubts if (d.picture, d.prompt_sha, d.sort, d.number) not in there]
    yield len(doubts) - len(new), 0
    for start in range(0, len(new), CHUNK):
        chunk = new[start : start + CHUNK]
        run.put_scores(judge, _answers(run, cast(QuestionAnswerer, player), chunk))
        yield len(chunk), len(chunk)


def _answers(run: Run, player: QuestionAnswerer, doubts: list[Doubt]) -> list[Score]:
    from telephone.world.questions import agrees, ask

    atoms = []
    for doubt in doubts:
        scene = world.parse(doubt.prompt)
        atom = world.atoms(scene)[doubt.number]
        atoms.append((atom, ask(scene, atom)))
    pictures = [decode(run.artefact(doubt.picture).data) for doubt in doubts]
    said = player.answer(pictures, [question for _, question in atoms])
    scores = []
    for doubt, (atom, question), answer in zip(doubts, atoms, said, strict=True):
        failed = isinstance(answer, ModelError)
        agreed = None if failed else agrees(atom, str(answer))
        detail = {"question": question, "answer": str(answer), "attribute": atom.attribute}
        value = None if agreed is None else float(agreed)
        why = "" if value is not None else "The answer does not give a value of the fact."
        scores.append(Score(doubt.picture, doubt.prompt_sha, doubt.sort, value, why, detail, doubt.number))
    return scores


def _shown(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Returns the frame with the hash of the picture that each text describes."""
    earlier = frame.groupby("game", sort=False)["image_sha256"].shift(1).fillna(frame["prompt_sha256"])
    return frame.assign(shown=frame["image_sha256"].where(frame["first"] == "text", earlier))


def _doubts(frame: "pd.DataFrame", states: dict[tuple[str, str], str], most: int) -> list[Doubt]:
    """Returns the distinct questions about one describer's pictures, at most so many of each sort."""
    pairs = frame.loc[frame["text_sha256"].notna(), ["shown", "text_sha256", "prompt_sha256", "prompt"]]
    found = []
    for picture, text, prompt_sha, prompt in pairs.drop_duplicates().itertuples(index=False):
        seen, said = states.get((picture, prompt_sha)), states.get((text, prompt_sha))
        if seen is None or said is None:
            continue
        for number, (there, told) in enumerate(zip(seen, said, strict=True)):
            if told != KEPT:
                found.append(Doubt(picture, prompt_sha, prompt, number, LOST if there == KEPT else BLANK))
    distinct = list(dict.fromkeys(found))
    return [*_some(distinct, LOST, most), *_some(distinct, BLANK, most)]


def _some(doubts: Iterable[Doubt], sort: str, most: int) -> list[Doubt]:
    """Returns those of a sort; where there are too many, an even choice that does not depend on their order."""
    own = [doubt for doubt in doubts if doubt.sort == sort]
    if len(own) > most:
        own = sorted(own, key=lambda doubt: derive("doubt", doubt.picture, doubt.prompt_sha, doubt.number))[:most]
    return own


def _states(run: Run) -> dict[tuple[str, str], str]:
    found = {
        (score.subject, score.reference): str(score.detail["states"])
        for kind in (ScorerKind.TEXT_FACTS, ScorerKind.IMAGE_FACTS)
        for judge in run.scorers(kind)
        for score in run.scores(judge)
        if score.kind == NAME and score.value is not None and "states" in score.detail
    }
    if not run.scorers(ScorerKind.IMAGE_FACTS):
        raise UsageError("The facts of this run's pictures have not been read: judge it with `telephone judge` first.")
    return found
