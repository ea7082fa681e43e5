"""Pairwise votes: a model or a person sees the last images of two games of one prompt and says which shows more of it.

Votes need no scale, and they check the measures of a battle against something that was not made for them (cf.
CapArena, arXiv 2503.12329). Who votes does not know which models made the images, and sees them in random order.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from telephone.core.errors import UsageError
from telephone.core.images import decode
from telephone.core.output_files import write_output
from telephone.core.seeds import digest
from telephone.judge.cases import battle_rows
from telephone.judge.omission_probe import QuestionAnswerer, answers_questions
from telephone.judge.opinions import fact_probabilities
from telephone.judge.question_generation import YesNoQuestion, generate_questions, parse_yes_no
from telephone.judge.scorer import Count, Scored, Scorer, ignore, run_scorer
from telephone.models import image2text
from telephone.models.yes_no import YesNoModel
from telephone.store import Run, Score, ScorerKind, ScorerRow

if TYPE_CHECKING:
    import pandas as pd

NAME = "vote"
"""The kind of the scores: 1 for the first image, 0 for the second, 0.5 for a tie."""
CHOICES = {"first": 1.0, "second": 0.0, "tie": 0.5}
DEFAULT_PAIRS = 200
_SAME = 1e-9
_MOST_BYTES = 50_000_000
"""Largest file of votes that is read."""


@dataclass(frozen=True)
class VotePair:
    """The last images of two games of one prompt."""

    prompt_id: str
    prompt: str
    first: str
    """Content hash of the image that is shown first."""
    second: str
    first_models: tuple[str, str]
    """The text-to-image and the image-to-text model of its game."""
    second_models: tuple[str, str]

    @property
    def key(self) -> tuple[str, str]:
        """The two images."""
        return self.first, self.second

    def score(self, value: float) -> Score:
        """Returns a vote as the run stores it."""
        models = {"first": list(self.first_models), "second": list(self.second_models)}
        return Score(self.first, self.second, NAME, value, "", {"prompt_id": self.prompt_id, **models})


def vote_pairs(turns: "pd.DataFrame", most: int = DEFAULT_PAIRS) -> list[VotePair]:
    """Returns pairs of last images of different pairs of models, in an order that depends on the images alone.

    The first ones are spread over prompts, so that a part of the votes covers all prompts. Equal images are no pair.

    Args:
        turns: One row a turn, as `Run.turns()` returns it; controls and prompts without words are left out.
        most: Number of pairs, at most.
    """
    rows = battle_rows(turns)
    rows = rows[(rows["outcome"] == "ok") & rows["image_sha256"].notna() & (rows["first"] == "text")]
    last = rows[rows["step_number"] == rows["step_number"].max()]
    by_prompt = []
    for prompt_id, own in last.groupby("prompt_id", sort=True):
        found: dict[tuple[str, str], VotePair] = {}
        for one, other in combinations(own.to_dict("records"), 2):
            pair = _pair(str(prompt_id), one, other)
            if pair is not None:
                found.setdefault((min(pair.key), max(pair.key)), pair)
        by_prompt.append(sorted(found.values(), key=lambda pair: digest("vote order", *pair.key)))
    rounds = range(max(map(len, by_prompt), default=0))
    return [pairs[at] for at in rounds for pairs in by_prompt if at < len(pairs)][:most]


def _pair(prompt_id: str, one: dict[Any, Any], other: dict[Any, Any]) -> VotePair | None:
    models = [(str(row["t2i_model"]), str(row["i2t_model"])) for row in (one, other)]
    shas = [str(row["image_sha256"]) for row in (one, other)]
    if models[0] == models[1] or shas[0] == shas[1]:
        return None
    at = int(digest("vote side", *sorted(shas))[:8], 16) % 2
    first = at if shas[0] < shas[1] else 1 - at
    return VotePair(prompt_id, str(one["prompt"]), shas[first], shas[1 - first], models[first], models[1 - first])


class ModelVoter(Scorer[VotePair]):
    """A model that answers questions votes for the image of which it affirms more of the prompt.

    It is asked the yes-or-no questions of the prompt about both images. With probabilities of yes their mean decides,
    otherwise the share of yes.
    """

    def __init__(self, run: Run, ref: str) -> None:
        """Loads the model.

        Args:
            run: where the images are.
            ref: address of a model that answers questions.

        Raises:
            UsageError: the model answers no questions.
        """
        self.chunk = 16
        self._run, self._ref, self._model = run, ref, image2text(ref)
        if not answers_questions(self._model):
            raise UsageError(f"{ref} answers no questions about images: use a model with the method answer.")
        self._shares: dict[tuple[str, str], float | None] = {}

    @property
    def row(self) -> ScorerRow:
        """The fingerprint is the model's."""
        return ScorerRow(ScorerKind.VOTE, f"votes of {self._ref}", self._model.traits().fingerprint, self._ref)

    def score(self, cases: Sequence[VotePair]) -> list[Score]:
        """Returns one vote a pair, without a value where a question was not answered.

        Raises:
            ModelError: the model returned no answers at all.
        """
        wanted = dict.fromkeys((sha, case.prompt) for case in cases for sha in case.key)
        self._ask([each for each in wanted if each not in self._shares])
        return [self._vote(case) for case in cases]

    def _vote(self, case: VotePair) -> Score:
        one, other = (self._shares[sha, case.prompt] for sha in case.key)
        if one is None or other is None:
            return Score(*case.key, NAME, None, "The model did not answer by yes or no.")
        return case.score(0.5 if abs(one - other) <= _SAME else float(one > other))

    def _ask(self, wanted: Sequence[tuple[str, str]]) -> None:
        questions = [generate_questions(prompt) for _, prompt in wanted]
        images = [decode(self._run.artefact(sha).data) for sha, _ in wanted]
        shown = [image for image, own in zip(images, questions, strict=True) for _ in own]
        texts = [question.text for own in questions for question in own]
        answers = iter(self._answers(shown, texts))
        for each, own in zip(wanted, questions, strict=True):
            self._shares[each] = _share(own, [next(answers) for _ in own])

    def _answers(self, images: Sequence[Any], texts: Sequence[str]) -> list[float | None]:
        if not texts:
            return []
        if isinstance(self._model, YesNoModel):
            return list(self._model.yes_probabilities(images, texts))
        said = [parse_yes_no(str(answer)) for answer in cast(QuestionAnswerer, self._model).answer(images, texts)]
        return [None if yes is None else float(yes) for yes in said]


def _share(questions: Sequence[YesNoQuestion], answers: Sequence[float | None]) -> float | None:
    known = [answer for answer in answers if answer is not None]
    if not known or len(known) < len(answers):
        return None
    return sum(fact_probabilities(questions, known)) / len(known)


def collect_votes(run: Run, ref: str, most: int = DEFAULT_PAIRS, report: Count = ignore) -> Scored:
    """Lets a model vote on pairs of last images; votes that are stored stay.

    Args:
        run: a run.
        ref: address of a model that answers questions; calls of a remote one cost money.
        most: number of pairs.
        report: receives how many pairs are done, and of how many.

    Raises:
        UsageError: the model answers no questions.
        ModelError: it returned no answers at all.
    """
    pairs = [pair for pair in vote_pairs(run.turns(), most) if generate_questions(pair.prompt)]
    return run_scorer(run, ModelVoter(run, ref), pairs, lambda _, done, total: report(done, total))


def import_votes(run: Run, path: Path) -> Scored:
    """Stores the votes of a person, as the page of `write_vote_page` saves them.

    Args:
        run: the run that the page was written from.
        path: JSON: `{"voter": NAME, "votes": [{"first": HASH, "second": HASH, "choice": "first|second|tie"}, ...]}`.

    Raises:
        UsageError: the file cannot be read, has another form, or has a vote on images that are no pair of this run.
    """
    voter, votes = _parse(path)
    pairs = {pair.key: pair for pair in vote_pairs(run.turns(), most=10**9)}
    scores = []
    for first, second, choice in votes:
        pair = pairs.get((first, second))
        if pair is None:
            raise UsageError(f"{path} has a vote on images that are no pair of this run: import it into its own run.")
        scores.append(pair.score(CHOICES[choice]))
    row = ScorerRow(ScorerKind.VOTE, f"votes of {voter}", digest("votes of a person", voter), "")
    before = {(score.subject, score.reference) for score in run.scores(row)}
    run.put_scores(row, scores)
    new = sum((score.subject, score.reference) not in before for score in scores)
    return Scored(row.name, row.identity, len(pairs), new, len(pairs) - len(run.scores(row)))


def _parse(path: Path) -> tuple[str, list[tuple[str, str, str]]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path} is too large to be a file of votes.")
        found = json.loads(path.read_text(encoding="utf-8"))
        voter, votes = str(found["voter"]).strip()[:80], found["votes"]
        rows = [(str(vote["first"]), str(vote["second"]), str(vote["choice"])) for vote in votes]
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{path} is no file of votes: save one with the page of --vote-page.") from error
    if not voter or any(choice not in CHOICES for _, _, choice in rows):
        raise UsageError(f"{path} is no file of votes: a voter and the choices first, second or tie are needed.")
    return voter, rows


def write_vote_page(run: Run, path: Path, most: int = DEFAULT_PAIRS) -> int:
    """Writes a page on which a person votes, one HTML file that loads nothing, and returns the number of its pairs.

    Args:
        run: a run.
        path: the HTML file.
        most: number of pairs.

    Raises:
        UsageError: no prompt has two different last images.
        StoreError: the file cannot be written.
    """
    pairs = vote_pairs(run.turns(), most)
    if not pairs:
        raise UsageError("There is nothing to vote on: no prompt has different last images of two pairs of models.")
    write_output(path, _page(run, pairs).encode())
    return len(pairs)


def _page(run: Run, pairs: Iterable[VotePair]) -> str:
    template = (Path(__file__).parent / "data" / "vote_page.html").read_text(encoding="utf-8")
    shown = list(pairs)
    images = {sha: base64.b64encode(run.artefact(sha).data).decode() for pair in shown for sha in pair.key}
    data = {"pairs": [[pair.first, pair.second, pair.prompt] for pair in shown], "images": images}
    # In a script element only "<" could end the data early.
    return template.replace("/*DATA*/null", json.dumps(data).replace("<", "\\u003c"))
