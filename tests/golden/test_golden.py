"""The same battles give the same tables and summaries, byte for byte, whatever happens to the code."""

from pathlib import Path

import pytest
from golden_battles import BATTLES, HERE, play


@pytest.mark.slow
@pytest.mark.parametrize("name", BATTLES)
def test_a_battle_gives_the_table_and_the_summary_that_are_kept(name: str, tmp_path: Path) -> None:
    table, summary = play(name, tmp_path)
    assert table == (HERE / f"{name}.csv").read_text(encoding="utf-8")
    assert summary == (HERE / f"{name}.json").read_text(encoding="utf-8")
