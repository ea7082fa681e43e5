"""Metadata of the distribution: the README as an index of packages shows it, where relative links lead nowhere."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_IMAGE = re.compile(r"!\[(?P<text>[^\]]*)\]\((?P<target>(?!https?:)[^)\s]+)\)")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>(?!https?:|#)[^)\s]+)\)")


class ReadmeHook(MetadataHookInterface):
    """Sets the field `readme`, which pyproject.toml declares as dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Adds the README; its relative links become absolute if `project.urls` has a `Repository`."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = metadata.get("urls", {}).get("Repository", "")
        metadata["readme"] = {"content-type": "text/markdown", "text": readme_for_index(text, repository)}


def readme_for_index(text: str, repository: str = "") -> str:
    """Returns a README without relative links and images.

    Args:
        text: Markdown.
        repository: the address of the repository, whose files are found below `/blob/main/` and `/raw/main/`. Without
            one an image is left out, and a link becomes its text.
    """
    if not repository:
        return _LINK.sub(r"\g<text>", _IMAGE.sub("", text))
    base = repository.rstrip("/")
    text = _IMAGE.sub(rf"![\g<text>]({base}/raw/main/\g<target>)", text)
    return _LINK.sub(rf"[\g<text>]({base}/blob/main/\g<target>)", text)
