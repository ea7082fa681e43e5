from dataclasses import replace
from pathlib import Path

import pytest
from store_runs import GAMES, PAINTER, SPEC

from telephone.core.errors import StoreError, UsageError
from telephone.store import ModelSpec, Run, RunSpec

EDITOR = ModelSpec("c/editor", "text2image", "painter", "print-e")


def test_models_are_added_to_a_run_without_games_and_stay(tmp_path: Path):
    with Run.create(tmp_path / "run", RunSpec((), (), ()), []) as run:
        run.add_models([PAINTER])
        run.add_models([PAINTER, EDITOR, replace(PAINTER, fingerprint="print-2")])
        run.add_models([EDITOR])
        rows = run.spec.models
    assert [(row.ref, row.fingerprint) for row in rows] == [
        ("a/painter", "print-p"), ("c/editor", "print-e"), ("a/painter", "print-2"),
    ]  # fmt: skip
    assert [row.name for row in rows] == ["painter", "painter (2)", "painter (3)"]
    with Run.open(tmp_path / "run") as run:
        assert run.spec.models == rows
        assert run.verify() == []


def test_two_processes_add_models_to_one_run(tmp_path: Path):
    Run.create(tmp_path / "run", RunSpec((), (), ()), []).close()
    with Run.open(tmp_path / "run") as one, Run.open(tmp_path / "run") as other:
        assert one.spec == other.spec
        one.add_models([PAINTER])
        other.add_models([EDITOR])
        assert [row.ref for row in other.spec.models] == ["a/painter", "c/editor"]


def test_a_battle_keeps_its_models(tmp_path: Path):
    with Run.create(tmp_path / "run", SPEC, GAMES) as run:
        run.add_models([EDITOR])
        with pytest.raises(UsageError, match="choose another folder"):
            run.add_models([replace(PAINTER, fingerprint="print-2")])
        with run.playing(), pytest.raises(StoreError):
            run.add_models([ModelSpec("d/other", "image2text", "other", "print-o")])
    with Run.create(tmp_path / "run", replace(SPEC, models=(*SPEC.models, EDITOR)), GAMES) as run:
        assert len(run.spec.models) == 3
        assert run.games() == GAMES
        assert run.verify() == []
