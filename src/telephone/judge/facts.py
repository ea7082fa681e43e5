"""Which facts of the first prompt a description still tells: counted exactly, where the prompt is wholly understood."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from telephone import world
from telephone.errors import WorldError
from telephone.judge.cases import NO_WORDS, Case, unscored
from telephone.store import Score
from telephone.world.compare import Comparison, compare
from telephone.world.scene import Scene

NAME = "facts_recall"
"""The score that tells whether there are facts at all; its detail has the counts by attribute."""
CHUNK = 512
_SOURCES = ("scene", "layout", "lexicon", "tokens", "parser", "compare")


@dataclass(frozen=True)
class Facts:
    """What a description keeps of a prompt."""

    comparison: Comparison
    unknown: tuple[str, ...]
    """Words of the description that mean nothing in the pocket world."""

    @property
    def values(self) -> dict[str, float | None]:
        """By name of the score: shares in [0, 1], None where there is nothing to share, and numbers of facts."""
        found = self.comparison
        return {
            NAME: found.recall,
            "facts_precision": found.precision,
            "facts_kept": float(len(found.kept)),
            "facts_wrong": float(len(found.wrong)),
            "facts_missing": float(len(found.missing)),
            "facts_invented": float(len(found.invented)),
        }

    @property
    def by_attribute(self) -> dict[str, dict[str, int]]:
        """Numbers of facts kept, wrong, missing and invented by attribute, a wrong fact under that of the truth."""
        counts = {
            "kept": Counter(atom.attribute for atom in self.comparison.kept),
            "wrong": Counter(truth.attribute for truth, _ in self.comparison.wrong),
            "missing": Counter(atom.attribute for atom in self.comparison.missing),
            "invented": Counter(atom.attribute for atom in self.comparison.invented),
        }
        attributes = sorted(set().union(*counts.values()))
        return {name: {verdict: found[name] for verdict, found in counts.items()} for name in attributes}


class FactsJudge:
    """The judge of facts; needs no network, and is sure."""

    name = "facts of the pocket world"

    @property
    def fingerprint(self) -> str:
        """The code that reads and compares: another reader would count otherwise."""
        return _reader_hash()

    def judge(self, cases: Sequence[Case]) -> Iterator[list[Score]]:
        """Yields the scores of each case, or one without a value and with the reason."""
        for start in range(0, len(cases), CHUNK):
            yield [score for case in cases[start : start + CHUNK] for score in _scores(case)]


def count_facts(prompt: str, text: str) -> Facts:
    """Returns what a description keeps of a prompt.

    Args:
        prompt: The first prompt; every word of it must be known in the pocket world.
        text: The description, any text.

    Raises:
        WorldError: the prompt cannot be counted; says why.
    """
    truth = _truth(prompt)
    if isinstance(truth, str):
        raise WorldError(truth)
    reading = world.read(text)
    return Facts(compare(truth, reading.scene), reading.unknown)


def _scores(case: Case) -> list[Score]:
    truth = NO_WORDS if case.prompt is None else _truth(case.prompt)
    if isinstance(truth, str):
        return [unscored(case, NAME, truth)]
    reading = world.read(case.text)
    found = Facts(compare(truth, reading.scene), reading.unknown)
    detail = {"by_attribute": found.by_attribute, "unknown": list(found.unknown)}
    return [
        Score(case.subject, case.reference, name, value, _detail(name, value, detail))
        for name, value in found.values.items()
    ]


def _detail(name: str, value: float | None, detail: object) -> object:
    if name == NAME:
        return detail
    return {"why": "The description states no facts."} if value is None else None


@cache
def _truth(prompt: str) -> Scene | str:
    """Returns the scene that a prompt tells, or the reason why its facts cannot be counted."""
    reading = world.read(prompt)
    if reading.unknown:
        return f"The pocket world does not know these words of the prompt: {', '.join(reading.unknown)[:200]}."
    if not world.atoms(reading.scene):
        return "The prompt states no facts of the pocket world."
    return reading.scene


@cache
def _reader_hash() -> str:
    hasher = hashlib.sha256()
    for name in _SOURCES:
        hasher.update(files("telephone.world").joinpath(f"{name}.py").read_bytes())
    return hasher.hexdigest()
