"""What there is to judge in a run: each distinct pair of a description and the prompt that its game began with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

from telephone.store import Score

if TYPE_CHECKING:
    import pandas as pd

PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
NO_WORDS = "The prompt is a picture whose label is the name of a file: there are no words to compare with."


@dataclass(frozen=True)
class Case:
    """A description and the words of its first prompt; however many games share them, it is judged once."""

    subject: str
    """Content hash of the description."""
    reference: str
    """Content hash of the prompt: of its text, or of its picture in an image-first game."""
    text: str
    """The description."""
    prompt: str | None
    """The prompt's words; those of an image-first prompt are its label, None if it says nothing."""


class Judge(Protocol):
    """Puts numbers on cases."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def fingerprint(self) -> str:
        """Everything that decides its numbers, and nothing else."""
        ...

    def judge(self, cases: Sequence[Case]) -> Iterator[list[Score]]:
        """Yields the scores of all cases, some cases at a time."""
        ...


def cases(frame: pd.DataFrame) -> list[Case]:
    """Returns the distinct cases of a run, in the order of its rows; turns without a description have none.

    Args:
        frame: One row a turn, as `Run.turns()` gives it.
    """
    described = frame.loc[
        frame["text_sha256"].notna(), ["text_sha256", "prompt_sha256", "text_after", "prompt", "first"]
    ]
    distinct = described.drop_duplicates(["text_sha256", "prompt_sha256"])
    return [
        Case(str(subject), str(reference), str(text), words(str(prompt), str(first)))
        for subject, reference, text, prompt, first in distinct.itertuples(index=False)
    ]


def words(prompt: str, first: str) -> str | None:
    """Returns what a prompt says in words, or None for a picture whose label is empty or the name of a file."""
    named = first == "image" and PurePath(prompt).suffix.lower() in PICTURE_ENDINGS
    return None if named or not prompt.strip() else prompt


def unscored(case: Case, name: str, why: str) -> Score:
    """Returns a score without a value, which is not 0, and the reason why there is none."""
    return Score(case.subject, case.reference, name, None, why)


def without_controls(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of the battle itself: players are asked nothing about control lines, which are no models."""
    return frame[frame["control"] == ""]
