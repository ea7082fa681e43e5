"""What an operation works on: a picture of one's own, or held-out scenes with their true pictures."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from telephone import world
from telephone.core.errors import ModelError, UsageError
from telephone.core.images import decode
from telephone.core.records import LEVELS, Level
from telephone.lineage.context import LineageContext
from telephone.world import Scene


@dataclass(frozen=True)
class Pictures:
    """Pictures with the scenes that they show."""

    images: list[Image.Image]
    truths: list[Scene]
    """The true scenes; of pictures of one's own what the reader sees in them."""
    own: bool
    """Whether the picture is the user's, so that its truth is only a reading."""


def chosen_pictures(context: LineageContext, picture: Path | None, level: str, n: int, key: str = "") -> Pictures:
    """Returns the user's picture, or the true pictures of held-out scenes.

    Args:
        context: renders and reads.
        picture: a picture file of any size and mode; None for held-out scenes.
        level: of the held-out scenes.
        n: how many of them, 1 or more.
        key: another key gives other scenes.

    Raises:
        UsageError: the file cannot be read or is no picture, there is no such level, or n is below 1.
    """
    if picture is not None:
        image = read_picture(picture)
        return Pictures([image], context.read([image]), own=True)
    scenes = context.scenes(check_level(level), n, key)
    return Pictures(context.pictures(scenes), scenes, own=False)


def read_picture(path: Path) -> Image.Image:
    """Returns the picture of a file, RGB and upright.

    Raises:
        UsageError: the file cannot be read or is no picture.
    """
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): give the path of a picture.") from error
    except ModelError as error:
        raise UsageError(f"{path} is no picture that can be used. {error}") from error


def check_level(level: str) -> Level:
    """Returns the level.

    Raises:
        UsageError: there is none of this name.
    """
    for known in LEVELS:
        if known == level:
            return known
    raise UsageError(f"There is no level {level!r}: use one of {', '.join(LEVELS)}.")


def check_numbers(values: tuple[str, ...] | tuple[float, ...], low: float, high: float, what: str) -> list[float]:
    """Returns values of an option in their order, equal ones once.

    Raises:
        UsageError: there is none, one is no number, or one is out of range.
    """
    found: list[float] = []
    for value in values:
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise UsageError(f"The {what} {value} is out of range: give numbers from {low:g} to {high:g}.")
        found.append(number)
    if not found:
        raise UsageError(f"Give at least one {what}, from {low:g} to {high:g}.")
    return list(dict.fromkeys(found))


def recall_of(context: LineageContext, truths: list[Scene], images: list[Image.Image]) -> list[float]:
    """Returns the share of each scene's facts that the reader sees in its picture; NaN for a scene without facts."""
    return recalls(truths, context.read(images))


def recalls(truths: list[Scene], seen: list[Scene]) -> list[float]:
    """Returns the share of each scene's facts that another scene states; NaN for a scene without facts."""
    shares = [world.compare(truth, own).recall for truth, own in zip(truths, seen, strict=True)]
    return [float("nan") if share is None else share for share in shares]


def fact_counts(truths: list[Scene]) -> list[float]:
    """Returns the number of facts of each scene, the weight of its share."""
    return [float(len(world.atoms(truth))) for truth in truths]


def kept_by_attribute(context: LineageContext, truths: list[Scene], images: list[Image.Image]) -> dict[str, list[bool]]:
    """Returns whether each fact of the scenes is seen in their pictures, by the attribute of the fact, sorted."""
    found: dict[str, list[bool]] = {}
    for truth, seen in zip(truths, context.read(images), strict=True):
        compared = world.compare(truth, seen)
        for atom in compared.kept:
            found.setdefault(atom.attribute, []).append(True)
        for atom in (*(atom for atom, _ in compared.wrong), *compared.missing):
            found.setdefault(atom.attribute, []).append(False)
    return dict(sorted(found.items()))
