"""Whether a judge can read a text: the vector of unknown pieces has no meaning, and gives no distance."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from telephone.models import Embedder, name_of

MOST_UNKNOWN = 0.4
"""A text is unreadable if more than this share of its pieces is unknown to the judge. docs/judges.md has the measured
shares: at most a third in languages that a judge reads (a short text with an emoji), at least half in others."""
MULTILINGUAL = "use/multilingual"
"""The judge that reads most languages."""

Pieces = tuple[str | None, ...]


@dataclass(frozen=True)
class Unreadable:
    """Why a judge cannot compare two texts."""

    reason: str
    """What is unknown to the judge, in one sentence."""
    share: float
    """Share of unknown pieces in (0, 1], of the text or of its prompt, whichever is larger."""
    remedy: str
    """What to do, in one sentence."""


@dataclass
class Readability:
    """Which texts an embedder can read; each text is divided into pieces once."""

    embedder: Embedder
    _pieces: dict[str, Pieces | None] = field(default_factory=dict)

    def pieces(self, text: str) -> Pieces | None:
        """Returns the pieces of a text, None for each unknown one; None if the embedder does not state them."""
        if text not in self._pieces:
            self._pieces[text] = self.embedder.pieces(text)
        return self._pieces[text]

    def reads(self, text: str) -> bool:
        """Returns whether the embedder knows enough pieces of a text."""
        return is_readable(self.pieces(text))

    def why_unreadable(self, prompt: str, text: str) -> Unreadable | None:
        """Returns why the embedder cannot compare a text with its prompt; None if it can."""
        pieces = {"prompt": self.pieces(prompt), "text": self.pieces(text)}
        name, remedy = name_of(self.embedder), remedy_of(self.embedder)
        share = max(map(unknown_share, pieces.values()))
        for which, read in pieces.items():
            if not is_readable(read):
                reason = (
                    f"The judge cannot read the {which}: {unknown_share(read):.0%} of its pieces are unknown to {name}."
                )
                return Unreadable(reason, share, remedy)
        if text != prompt and share > 0 and _known(pieces["text"]) == _known(pieces["prompt"]):
            reason = f"The judge cannot compare the text with its prompt: they differ only in pieces unknown to {name}."
            return Unreadable(reason, share, remedy)
        return None


def unknown_share(pieces: Sequence[str | None] | None) -> float:
    """Returns the share of unknown pieces in [0, 1]; 0 for a text without pieces or a judge that states none."""
    return sum(piece is None for piece in pieces) / len(pieces) if pieces else 0.0


def is_readable(pieces: Sequence[str | None] | None) -> bool:
    """Returns whether a judge knows enough of these pieces: at most `MOST_UNKNOWN` of them are unknown."""
    return unknown_share(pieces) <= MOST_UNKNOWN


def remedy_of(embedder: Embedder) -> str:
    """Returns what to do about texts that an embedder cannot read."""
    if embedder.ref == MULTILINGUAL:
        return "Judge with an embedder of their language: --embedder transformers/ORG/MODEL."
    return f"Judge with --embedder {MULTILINGUAL}, which reads 16 languages."


def _known(pieces: Pieces | None) -> list[str]:
    return [piece for piece in pieces or () if piece is not None]
