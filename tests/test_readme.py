"""The README as an index of packages shows it."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def readme_for_index():
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.readme_for_index


def test_relative_links_become_absolute(readme_for_index):
    text = "![A game](docs/game.png) [docs](docs/a.md) [site](https://a.example) [part](#part)"
    assert readme_for_index(text, "https://git.example/telephone/") == (
        "![A game](https://git.example/telephone/raw/main/docs/game.png)"
        " [docs](https://git.example/telephone/blob/main/docs/a.md) [site](https://a.example) [part](#part)"
    )


def test_without_a_repository_no_link_is_broken(readme_for_index):
    found = readme_for_index(README)
    assert re.findall(r"\]\((?!https?:|#)[^)]*\)", README)
    assert not re.findall(r"\]\((?!https?:|#)[^)]*\)", found)
    assert found.count("\n## ") == README.count("\n## ")
    assert "docs/exports.md" in found  # the text of the link


def test_files_that_the_readme_names_exist():
    for target in re.findall(r"\]\((?!https?:|#)([^)#]*)", README):
        assert (ROOT / target).exists(), target
