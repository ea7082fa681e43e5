"""Files of installed packages that decide what a model gives, checked against the published ones."""

from collections.abc import Mapping
from pathlib import Path

from telephone.core.errors import WeightsError
from telephone.core.images import content_hash


def check_published(folder: Path, hashes: Mapping[str, str], install: str) -> None:
    """Checks the sha256 of files.

    Args:
        folder: where they are.
        hashes: the published sha256 by file name.
        install: the command that installs them.

    Raises:
        WeightsError: a file is missing or differs from the published one.
    """
    for name, expected in hashes.items():
        try:
            actual = content_hash((folder / name).read_bytes())
        except OSError as error:
            raise WeightsError(f"{folder / name} cannot be read ({error.strerror}): run `{install}` again.") from error
        if actual != expected:
            raise WeightsError(
                f"{folder / name} is not the published file (sha256 {actual[:12]}..., not {expected[:12]}...): "
                f"run `{install} --force-reinstall`."
            )
