"""What is written about the commands is what they do."""

import re
import runpy
from pathlib import Path

import pytest

from telephone.cli.command_group import SECTIONS

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
NAMES = {name for names in SECTIONS.values() for name in names}


def test_the_page_of_the_commands_is_not_stale():
    made = runpy.run_path(str(ROOT / "docs" / "make_cli.py"))["page"]()
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == made, "run: python docs/make_cli.py"


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_commands_and_options_that_exist(page):
    """Every `telephone …` in a page is a command with options that it has."""
    told = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name, rest in re.findall(
        r"^ *(?:\$ )?telephone ([a-z]+)(.*)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE
    ):
        assert name in NAMES, f"{page}: telephone {name}"
        part = re.search(rf"^### {name}\n(.*?)(?=^#{{2,3}} |\Z)", told, re.MULTILINE | re.DOTALL)
        assert part is not None
        for option in re.findall(r"(?<=\s)--?[a-z][a-z0-9-]*", rest):
            assert option in part[1], f"{page}: telephone {name} {option}"


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        if Path(target).suffix != ".png":
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


@pytest.mark.parametrize("page", PAGES)
def test_code_in_pages_is_python_and_make_knows_its_words(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        compile(block, page, "exec")
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"(?:^ +|`)make ([a-z]+)", text, re.MULTILINE)) <= set(targets)
