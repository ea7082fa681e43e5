"""Why a picture was found: which part of the query, which words, which colour, which conditions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from telephone.search.colours import parse_colour, share_of_colour
from telephone.search.encoder_answer import EncoderAnswer
from telephone.search.filters import Condition
from telephone.search.keywords import split_words
from telephone.search.library import IndexedPicture
from telephone.search.schema import FAMILIES, PALETTE


@dataclass(frozen=True)
class PartReason:
    """How much of one part of the query an encoder sees in a picture."""

    encoder: str
    part: str
    weight: float
    cosine: float
    above: float
    """Standard deviations above the mean of the library."""
    read_as: str = ""
    """The words that the encoder was given, if they are not those of the query."""


@dataclass(frozen=True)
class Explanation:
    """Why a picture was found."""

    parts: tuple[PartReason, ...] = ()
    words: tuple[str, ...] = ()
    """Words of the query that its caption, tags or name have."""
    colours: tuple[tuple[str, float], ...] = ()
    """Colours that were asked for, with their shares of the picture, 0 to 1."""
    conditions: tuple[str, ...] = ()
    """Conditions of the filter, all of which it passes."""

    def sentences(self) -> Iterator[str]:
        """Yields one sentence a reason."""
        for part in self.parts:
            read = f" (read as {part.read_as!r})" if part.read_as else ""
            verb = "unlike" if part.weight < 0 else "like"
            yield f"{part.encoder}: {verb} {part.part!r}{read}: {part.above:+.1f} sd, cosine {part.cosine:.3f}."
        if self.words:
            yield f"Caption, tags or name have {', '.join(self.words)}."
        for colour, share in self.colours:
            yield f"{share:.0%} of it is {colour}."
        if self.conditions:
            yield f"Passes {' and '.join(self.conditions)}."


def explain(
    row: IndexedPicture,
    properties: dict[str, Any],
    answers: Sequence[EncoderAnswer],
    words: Sequence[str],
    conditions: Sequence[Condition],
) -> Explanation:
    """Returns why a picture is in a result.

    Args:
        row: the picture.
        properties: of the picture.
        answers: of the encoders.
        words: of the query, if the keyword search found the picture.
        conditions: of the filter.
    """
    own = set(split_words(" ".join([properties.get("caption") or "", *(properties.get("tags") or ()), row.path.stem])))
    colours = [each.argument for each in conditions if each.field == "colour"]
    return Explanation(
        tuple(reason for answer in answers for reason in _parts(row.id, answer)),
        tuple(dict.fromkeys(word for word in words if word in own or any(len(word) == 1 and word in o for o in own))),
        tuple((colour, _share(colour, properties)) for colour in colours),
        tuple(str(each) for each in conditions if each.field != "colour"),
    )


def _parts(key: int, answer: EncoderAnswer) -> Iterator[PartReason]:
    vector = answer.view.vectors_of([key]).get(key)
    if vector is None:
        return
    for read, background in zip(answer.parts, answer.backgrounds, strict=True):
        cosine = float(vector @ read.vector)
        yield PartReason(
            answer.view.row.ref, read.part.label, read.part.weight, cosine, background.standardised(cosine),
            read.read_as,
        )  # fmt: skip


def _share(colour: str, properties: dict[str, Any]) -> float:
    """Returns the share of a picture that has a colour or is of a colour family."""
    wanted = parse_colour(colour)
    if isinstance(wanted, str):
        families = properties.get("families") or [0.0] * len(FAMILIES)
        return float(families[FAMILIES.index(wanted)])
    known, shares = list(properties.get("palette") or ()), list(properties.get("palette_shares") or ())
    palette = np.array([[*known, *[-1] * (PALETTE - len(known))]], dtype=np.int64)
    weights = np.array([[*shares, *[0.0] * (PALETTE - len(shares))]], dtype=np.float32)
    return float(share_of_colour(palette, weights, wanted)[0])
