import json
import math
from pathlib import Path

import pandas as pd
import pytest
from store_runs import APPLE, DISTANCE, GAMES, PHOTO, SPEC, chain, changed, write

from telephone.core.errors import StoreError, UsageError
from telephone.core.records import Artefact, Outcome
from telephone.store import Run, Score, ScoreColumn, ScorerKind, ScorerRow, export
from telephone.store.frame import COLUMNS


def sha(kind: str, data: bytes) -> str:
    return Artefact(kind, data).sha256


@pytest.fixture
def run(tmp_path: Path):
    with Run.create(tmp_path / "run", SPEC, GAMES) as made:
        hops = chain(GAMES[0], [b"picture 1", b"words 1", b"picture 2", b"words 2", b"picture 3", None])
        hops[0] = changed(hops[0], seconds=0.5, cost=0.25, tokens_cut=2)
        hops[1] = changed(hops[1], seconds=0.125, cost=0.5, attempts=2)
        hops[5] = changed(hops[5], outcome=Outcome.REFUSED, reason="Not this one.")
        write(made, hops)
        write(made, chain(GAMES[1], [b"seen 1", b"picture 4", b"seen 2"]))
        yield made


def test_one_row_a_turn_in_order(run: Run):
    frame = run.frame()
    assert tuple(frame.columns) == COLUMNS
    assert list(frame.conversation_name) == ["aaaaaa"] * 3 + ["bbbbbb"] * 2
    assert list(frame.step_number) == [0, 1, 2, 0, 1]
    assert list(frame.outcome) == ["ok", "ok", "refused", "ok", "pending"]
    assert frame.reason[2] == "Not this one."
    assert set(frame.line) == {"painter_reader"}
    assert set(frame.t2i_model) == {"painter"}


def test_a_text_first_game_goes_from_text_to_text(run: Run):
    rows = run.frame().iloc[:3]
    assert list(rows.text_before) == [APPLE.text, "words 1", "words 2"]
    assert list(rows.text_after) == ["words 1", "words 2", None]
    assert [Path(path).read_bytes() for path in rows.filepath] == [b"picture 1", b"picture 2", b"picture 3"]
    assert all(Path(path).is_absolute() for path in rows.filepath)
    assert rows.image_sha256[0] == sha("image", b"picture 1")
    assert rows.text_sha256[0] == sha("text", b"words 1")
    assert set(rows.prompt_sha256) == {sha("text", APPLE.text.encode())}
    assert set(rows["first"]) == {"text"}


def test_an_image_first_game_goes_from_image_to_image(run: Run):
    rows = run.frame().iloc[3:]
    assert list(rows.text_before) == [None, "seen 1"]
    assert list(rows.text_after) == ["seen 1", "seen 2"]
    assert rows.filepath.iloc[0].endswith(f"{sha('image', b'picture 4')}.png")
    assert rows.filepath.iloc[1] is None
    assert set(rows.prompt_sha256) == {sha("image", PHOTO.image)}
    assert set(rows.prompt) == {"a photo"}
    assert set(rows.level) == {"hard"}


def test_time_and_cost_are_sums_and_the_unknown_is_not_zero(run: Run):
    row, unknown = run.frame().iloc[0], run.frame().iloc[1]
    assert (row.seconds_image, row.seconds_text, row.attempts, row.cost, row.tokens_cut) == (0.5, 0.125, 3, 0.75, 2)
    assert math.isnan(unknown.cost)
    assert math.isnan(run.frame().seconds_image[4])


def test_the_distance_is_nan_until_it_is_scored(run: Run):
    assert run.frame().text_after_dist.isna().all()
    prompt = sha("text", APPLE.text.encode())
    run.put_scores(DISTANCE, [Score(sha("text", b"words 1"), prompt, "distance", 0.5)])
    run.put_scores(DISTANCE, [Score(sha("text", b"words 2"), prompt, "distance", None, "no words")])
    distances = list(run.frame().text_after_dist)
    assert distances[0] == 0.5
    assert all(math.isnan(each) for each in distances[1:])


def test_each_other_score_has_a_column(run: Run):
    prompt, text, image = sha("text", APPLE.text.encode()), sha("text", b"words 1"), sha("image", b"picture 1")
    facts, newer = (ScorerRow(ScorerKind.TEXT_FACTS, "facts", fingerprint) for fingerprint in "ab")
    run.put_scores(facts, [Score(text, prompt, "kept", 0.75), Score(image, prompt, "kept", 0.25)])
    run.put_scores(newer, [Score(text, prompt, "kept", 1.0), Score(text, prompt, "level", 2.0)])
    run.put_scores(newer, [Score(text, sha("text", b"words 2"), "step", 9.0)])
    run.put_scores(ScorerRow(ScorerKind.FLOOR, "floor"), [Score(text, prompt, "text-text", 0.5)])
    frame = run.frame()
    assert list(frame.columns[len(COLUMNS) :]) == ["kept", "image_kept", "kept@facts #b", "score_level"]
    assert frame.loc[0, ["kept", "image_kept", "kept@facts #b", "score_level"]].tolist() == [0.75, 0.25, 1.0, 2.0]
    assert frame.level[0] == "easy"
    assert run.score_columns() == {
        "kept": ScoreColumn(facts, "kept", True, False),
        "image_kept": ScoreColumn(facts, "kept", True, True),
        "kept@facts #b": ScoreColumn(newer, "kept", False, False),
        "score_level": ScoreColumn(newer, "level", True, False),
    }


def test_a_run_without_hops_has_the_columns(tmp_path: Path):
    with Run.create(tmp_path, SPEC, GAMES) as empty:
        frame = empty.frame()
    assert len(frame) == 0
    assert tuple(frame.columns) == COLUMNS
    assert frame.text_after_dist.dtype == "float64"


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_an_export_can_be_read_back(run: Run, tmp_path: Path, ending: str):
    path = export(run.frame(), tmp_path / "new folder" / f"table.{ending}")
    if ending == "jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        table = pd.DataFrame(rows)
    else:
        table = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    assert list(table.columns) == list(COLUMNS)
    assert list(table.text_after[:2]) == ["words 1", "words 2"]
    assert pd.isna(table.text_after[2])
    assert table.text_after_dist.isna().all()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_an_export_that_cannot_be_is_told(run: Run, tmp_path: Path):
    with pytest.raises(UsageError, match=r"table.xlsx has an unknown format: use a name that ends in .*.csv, .jsonl"):
        export(run.frame(), tmp_path / "table.xlsx")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="could not be written"):
        export(run.frame(), tmp_path / "file" / "table.csv")


def test_an_empty_run_can_be_exported(tmp_path: Path):
    with Run.create(tmp_path / "run", SPEC, GAMES) as empty:
        for ending in ("csv", "jsonl", "parquet"):
            assert export(empty.frame(), tmp_path / f"table.{ending}").exists()


def test_turns_are_the_frame_before_it_is_judged(run):
    turns = run.turns()
    before = turns.copy()
    pd.testing.assert_frame_equal(run.frame(turns), run.frame())
    pd.testing.assert_frame_equal(turns, before)
    assert list(turns.columns) == list(run.frame().columns)[: len(turns.columns)]
