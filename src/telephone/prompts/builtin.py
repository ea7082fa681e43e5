"""Built-in prompt sets, and loading of prompts by set name or path."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from telephone.core.errors import PromptError
from telephone.core.records import LEVELS, Prompt
from telephone.prompts.files import load
from telephone.prompts.rows import READERS

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class PromptSet:
    """A built-in prompt set."""

    name: str
    size: int
    """Number of prompts."""
    summary: str
    """One-line description."""

    @property
    def path(self) -> Path:
        """The data file."""
        return DATA / f"{self.name}.jsonl"


SETS: tuple[PromptSet, ...] = (
    PromptSet("pocket", 10, "ten scenes that spread the pocket models: 3 easy, 3 medium, 3 hard, 1 impossible"),
    PromptSet("pocket-100", 100, "a hundred such scenes, 25 a level, each with a pair that is in no training"),
    PromptSet("pocket-images", 10, "images of the ten scenes of pocket, for games that start with an image"),
    PromptSet("article", 10, "the ten prompts of the original experiment: 3 easy, 3 medium, 3 hard, 1 impossible"),
)


def get(name: str | Path) -> list[Prompt]:
    """Returns the prompts of a set or of a file.

    Args:
        name: The name of a set such as `pocket`; or one with a level, `pocket:easy`; or the path of a file.

    Raises:
        PromptError: there is no such set or file (the message suggests similar names), or the file is invalid.
    """
    stem, colon, level = str(name).partition(":")
    found = {each.name: each for each in SETS}.get(stem.strip().lower())
    if found is not None and not colon:
        return _built_in(found)
    if found is not None:
        return _of_level(found, level.strip().lower())
    if _looks_like_file(name):
        return load(name)
    raise _unknown_set(str(name))


def get_joined(names: Iterable[str | Path]) -> list[Prompt]:
    """Returns the prompts of several sets or files, in their order; a prompt that two of them contain comes once.

    Args:
        names: each as for `get`.

    Raises:
        PromptError: as `get` does, or two prompts of different content have one id.
    """
    found: dict[str, Prompt] = {}
    for name in names:
        for prompt in get(name):
            first = found.setdefault(prompt.id, prompt)
            if (first.text, first.image) != (prompt.text, prompt.image):
                raise PromptError(
                    f"{prompt.source}: the id {prompt.id!r} is that of another prompt in {first.source}; rename one."
                )
    return list(found.values())


def get_prompts(name: str | Path = "pocket") -> list[Prompt]:
    """Returns the prompts of a set or a file, the ten of `pocket` by default; raises as `get` does."""
    return get(name)


def _built_in(found: PromptSet) -> list[Prompt]:
    return [replace(prompt, source=found.name) for prompt in load(found.path)]


def _of_level(found: PromptSet, level: str) -> list[Prompt]:
    if level not in LEVELS:
        raise PromptError(f"{level!r} is not a level: write {found.name}:LEVEL with one of {', '.join(LEVELS)}.")
    return [prompt for prompt in _built_in(found) if prompt.level == level]


def _looks_like_file(name: str | Path) -> bool:
    if isinstance(name, Path) or "/" in name or "\\" in name:
        return True
    return Path(name).suffix.lower() in READERS or (name != "" and "\0" not in name and Path(name).exists())


def _unknown_set(name: str) -> PromptError:
    names = [each.name for each in SETS]
    near = difflib.get_close_matches(name.partition(":")[0].lower(), names, n=2, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return PromptError(
        f"There is no prompt set {name!r}.{hint} Use one of {', '.join(names)}, or the path of a file "
        f"({', '.join(READERS)})."
    )
