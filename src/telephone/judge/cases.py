"""What there is to score in a run: each distinct pair of a text or image and the prompt of its game."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from telephone.store import Score

if TYPE_CHECKING:
    import pandas as pd

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
NO_WORDS = "The prompt is an image whose label is a file name: there are no words to compare with."


@dataclass(frozen=True)
class Case:
    """A text or image and the words of its prompt; however many games share them, they are scored once."""

    subject: str
    """Content hash of the text or image."""
    reference: str
    """Content hash of the prompt: of its text, or of its image in an image-first game."""
    text: str
    """The text; empty for an image."""
    prompt: str | None
    """The prompt's words; for an image prompt its label, None if that says nothing."""

    @property
    def key(self) -> tuple[str, str]:
        """Subject and reference."""
        return self.subject, self.reference


def text_cases(turns: pd.DataFrame) -> list[Case]:
    """Returns the distinct texts with their prompts, in the order of rows.

    Args:
        turns: One row a turn, as `Run.turns()` returns it.
    """
    columns = ["text_sha256", "prompt_sha256", "text_after", "prompt", "first"]
    made = turns.loc[turns["text_sha256"].notna(), columns].drop_duplicates(["text_sha256", "prompt_sha256"])
    return [
        Case(str(subject), str(reference), str(text), prompt_words(str(prompt), str(first)))
        for subject, reference, text, prompt, first in made.itertuples(index=False)
    ]


def image_cases(turns: pd.DataFrame) -> list[Case]:
    """Returns the distinct images with their prompts, in the order of rows.

    Args:
        turns: One row a turn, as `Run.turns()` returns it.
    """
    columns = ["image_sha256", "prompt_sha256", "prompt", "first"]
    made = turns.loc[turns["image_sha256"].notna(), columns].drop_duplicates(["image_sha256", "prompt_sha256"])
    return [
        Case(str(subject), str(reference), "", prompt_words(str(prompt), str(first)))
        for subject, reference, prompt, first in made.itertuples(index=False)
    ]


def prompt_words(prompt: str, first: str) -> str | None:
    """Returns the words of a prompt; None for an image whose label is empty or a file name."""
    is_file = first == "image" and PurePath(prompt).suffix.lower() in IMAGE_SUFFIXES
    return None if is_file or not prompt.strip() else prompt


def unscored(case: Case, kind: str, reason: str) -> Score:
    """Returns a score without a value, which is not 0, and the reason why there is none."""
    return Score(case.subject, case.reference, kind, None, reason)


def battle_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of the battle: the pairs that are controls contain no models to question."""
    return frame[frame["control"] == ""]
