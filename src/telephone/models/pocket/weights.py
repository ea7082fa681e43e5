"""Where the pocket weights are, and the check that they are the ones that were shipped."""

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from telephone.core import settings
from telephone.core.errors import WeightsError
from telephone.core.images import content_hash

INDEX = "index.json"
"""Lists the sha256 of every shipped file."""


def find(name: str, recipe: str = "") -> tuple[Path, str]:
    """Returns the path of a weight file and its sha256, after checking it.

    Files in the folder that `TELEPHONE_WEIGHTS` names come first and may be any, because somebody trained them there.

    Args:
        name: the name of the file without its ending, such as `blip`.
        recipe: the recipe that makes it, if its name is another.

    Raises:
        WeightsError: the file is missing, or is not the one that was shipped.
    """
    own = settings.load().weights_dir
    if own is not None and (own / f"{name}.safetensors").exists():
        path = own / f"{name}.safetensors"
        return path, content_hash(path.read_bytes())
    folder = Path(str(files("telephone") / "weights"))
    path = folder / f"{name}.safetensors"
    again = f"reinstall the package, or make them again with `telephone learn {recipe or name}`"
    if not path.exists():
        raise WeightsError(f"The weights {name} are not at {path}: {again}.")
    found, expected = content_hash(path.read_bytes()), _shipped(folder).get(path.name)
    if found != expected:
        raise WeightsError(
            f"The weights at {path} are not the shipped ones (sha256 {found[:12]}…, expected "
            f"{(expected or 'none')[:12]}…): {again}."
        )
    return path, found


def lacking(find_all: Callable[[], object]) -> str:
    """Returns why weight files cannot be used, in one sentence; empty if they can. Nothing is loaded.

    Args:
        find_all: finds the files of a player, and raises `WeightsError` where one is missing or another.
    """
    try:
        find_all()
    except WeightsError as error:
        return str(error)
    return ""


def _shipped(folder: Path) -> dict[str, str]:
    index = folder / INDEX
    if not index.exists():
        return {}
    hashes: dict[str, str] = json.loads(index.read_text())
    return hashes


def enlist(path: Path) -> None:
    """Writes the sha256 of a new weight file into the index beside it."""
    index = path.parent / INDEX
    hashes = _shipped(path.parent) | {path.name: content_hash(path.read_bytes())}
    part = index.with_suffix(".part")
    part.write_text(json.dumps(hashes, indent=1, sort_keys=True) + "\n")
    part.replace(index)
