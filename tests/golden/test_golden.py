"""The same battles give the same tables and summaries, byte for byte, however the code is arranged."""

from pathlib import Path

import pytest
import torch
from golden_battles import BATTLES, HERE, play

INSTRUCTION_SET = "AVX512"
"""Instruction set of the machine that wrote the files: networks round differently with another one."""


@pytest.mark.slow
@pytest.mark.parametrize("name", BATTLES)
def test_a_battle_gives_the_table_and_the_summary_that_are_kept(name: str, tmp_path: Path) -> None:
    found = torch.backends.cpu.get_cpu_capability()
    if name == "pocket" and found != INSTRUCTION_SET:
        pytest.skip(f"The files were written with {INSTRUCTION_SET}, and this machine computes with {found}.")
    table, summary = play(name, tmp_path)
    assert table == (HERE / f"{name}.csv").read_text(encoding="utf-8")
    assert summary == (HERE / f"{name}.json").read_text(encoding="utf-8")
