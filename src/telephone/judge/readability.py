"""Whether a judge can read a text: a vector of unknown pieces is no meaning, and gives no distance."""

from collections.abc import Sequence

from telephone.models import Embedder, name_of

MOST_UNKNOWN = 0.5
"""A text is unreadable if more than this share of its pieces is unknown to the judge. docs/judges.md has the
distribution: texts of a language that a judge was trained on have less than a fifth, texts of others more than half."""
MULTILINGUAL = "use/multilingual"
"""The judge that reads most languages."""

Pieces = Sequence[str | None]


def unknown_share(pieces: Pieces | None) -> float:
    """Returns the share of unknown pieces in [0, 1]; 0 for a text without pieces or a judge that states none."""
    return sum(piece is None for piece in pieces) / len(pieces) if pieces else 0.0


def is_readable(pieces: Pieces | None) -> bool:
    """Returns whether a judge knows at least half of the pieces of a text."""
    return unknown_share(pieces) <= MOST_UNKNOWN


def why_unreadable(embedder: Embedder, prompt: str, text: str) -> str:
    """Returns why an embedder cannot compare two texts; empty if it can.

    Args:
        embedder: the judge.
        prompt: the prompt of the text.
        text: the text.
    """
    name = name_of(embedder)
    read = {which: embedder.pieces(each) for which, each in (("text", text), ("prompt", prompt))}
    for which, pieces in read.items():
        if not is_readable(pieces):
            share = f"{unknown_share(pieces):.0%} of its pieces are unknown to {name}"
            return f"The judge cannot read the {which}: {share}. {remedy(name)}"
    known = [[piece for piece in pieces or () if piece is not None] for pieces in read.values()]
    unknown = any(piece is None for pieces in read.values() for piece in pieces or ())
    if text != prompt and unknown and known[0] == known[1]:
        return (
            f"The judge cannot compare text and prompt: they differ in pieces unknown to {name} alone. {remedy(name)}"
        )
    return ""


def remedy(name: str) -> str:
    """Returns what to do about texts that a judge cannot read."""
    if name == MULTILINGUAL:
        return "Use an embedder of this language, such as `--embedder transformers/ORG/MODEL`."
    return f"Use `--embedder {MULTILINGUAL}`, which reads 16 languages."
