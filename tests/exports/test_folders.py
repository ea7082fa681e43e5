import json
import os
import stat
from pathlib import Path

import pandas as pd
import pytest
from exports_runs import PAINTERS, played
from hypothesis import given
from hypothesis import strategies as st

from telephone.core.errors import StoreDamaged, UsageError
from telephone.core.images import decode
from telephone.exports import to_drift, to_imagefolder, turns_with_images
from telephone.exports.folder import file_name, whole_folder
from telephone.store import Score, ScorerKind, ScorerRow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with played(tmp_path_factory.mktemp("exports") / "battle", repeats=2) as run:
        yield run


def captions(path: Path) -> dict[str, str]:
    table = pd.read_csv(path, keep_default_na=False)
    assert list(table.columns) == ["filename", "caption"]
    assert list(table["filename"]) == sorted(table["filename"])
    return dict(zip(table["filename"], table["caption"], strict=True))


def pictures(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in sorted(path.iterdir())}


def generation(folder: Path, number: int) -> dict[str, str] | dict[str, bytes]:
    as_table, as_folder = folder / f"gen-{number}.csv", folder / f"gen-{number}"
    assert as_table.exists() != as_folder.exists()
    return captions(as_table) if as_table.exists() else pictures(as_folder)


def test_drift_folders_hold_every_finished_game_generation_by_generation(run, tmp_path):
    made = to_drift(run, tmp_path / "out")
    frame = run.frame()
    finished = frame.groupby("game").filter(lambda rows: len(rows) == 3 and (rows["outcome"] == "ok").all())
    assert (made.games, made.generations) == (finished["game"].nunique(), 6)
    assert made.left_out == frame["game"].nunique() - made.games > 0, "the painter that fails must have lost some"
    seen = 0
    for line in (tmp_path / "out").iterdir():
        for chain in line.iterdir():
            generations = [generation(chain, number) for number in range(7)]
            assert len({tuple(each) for each in generations}) == 1, "all generations hold the same names"
            assert type(next(iter(generations[0].values()))) is (str if chain.name == "text-first" else bytes)
            seen += len(generations[0])
    assert seen == made.games


def test_drift_chains_are_the_games(run, tmp_path):
    to_drift(run, tmp_path / "out")
    frame = run.frame()
    (line,) = [each for each in (tmp_path / "out").iterdir() if "loss-0-2" in each.name]
    rows = frame[(frame["t2i_model"] == PAINTERS[0]) & (frame["repeat"] == 1)].sort_values("step_number")
    for prompt_id, turns in rows.groupby("prompt_id"):
        first = turns["first"].iloc[0]
        chain = [generation(line / f"{first}-first", number)[f"{prompt_id}_1.png"] for number in range(7)]
        texts, images = (chain[0::2], chain[1::2]) if first == "text" else (chain[1::2], chain[0::2])
        assert texts[-3:] == list(turns["text_after"])
        assert images[-3:] == [Path(path).read_bytes() for path in turns["filepath"]]
        start = run.spec.prompts[[p.id for p in run.spec.prompts].index(prompt_id)]
        assert chain[0] == (start.text if first == "text" else start.image)


def test_drift_of_a_run_without_a_finished_game(tmp_path):
    with (
        played(tmp_path / "run", painters=("fake/painter?fail=1",), judged=False) as run,
        pytest.raises(UsageError, match="No game of this run is complete"),
    ):
        to_drift(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_image_folder_has_a_row_for_each_picture(run, tmp_path):
    made = to_imagefolder(run, tmp_path / "out")
    frame = run.frame()
    rows = [json.loads(line) for line in (tmp_path / "out" / "metadata.jsonl").read_text("utf-8").splitlines()]
    drawn = frame[frame["filepath"].notna()].reset_index(drop=True)
    assert len(rows) == len(drawn) == len(made.table)
    assert made.left_out == len(frame) - len(drawn) > 0
    assert {row["file_name"] for row in rows} == {
        f"images/{path.name}" for path in (tmp_path / "out" / "images").iterdir()
    }
    for row, (_, turn) in zip(rows, drawn.iterrows(), strict=True):
        assert (tmp_path / "out" / row["file_name"]).read_bytes() == Path(turn["filepath"]).read_bytes()
        assert (row["text_after"], row["step_number"]) == (turn["text_after"], turn["step_number"])
    unscored = [row for row in rows if row["text_after_dist"] is None]
    assert len(unscored) == drawn["text_after_dist"].isna().sum()
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert f"{len(rows)} turns" in card and f"{made.left_out} turns have no image" in card


def test_the_real_library_reads_the_image_folder(run, tmp_path):
    datasets = pytest.importorskip("datasets", reason="`pip install datasets` to try this")
    made = to_imagefolder(run, tmp_path / "out")
    table = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert len(table) == len(made.table)
    assert sorted(table["text_after_dist"], key=str) == sorted(
        (None if value != value else value for value in made.table["text_after_dist"]), key=str
    )
    assert {row["image"].size for row in table} == {(64, 64)}


def test_scores_of_a_second_judge_keep_one_plain_name(tmp_path):
    with played(tmp_path / "run", turns=1, painters=PAINTERS[:1]) as run:
        row = run.frame().iloc[0]
        for print_ in "ab":
            run.put_scores(
                ScorerRow(ScorerKind.DISTANCE, "distance by deep/CLIP-L 14", print_, "deep/CLIP-L 14"),
                [Score(row["text_sha256"], row["prompt_sha256"], "distance", 0.25 if print_ == "a" else 0.5)],
            )
        table = turns_with_images(run).table
    assert not [name for name in table.columns if "@" in name]
    assert table["text_after_dist_clip_l_14"].iloc[0] == 0.25
    assert table.columns.is_unique


def test_a_damaged_picture_leaves_no_folder_behind(tmp_path):
    with played(tmp_path / "run", turns=1, judged=False) as run:
        for picture in (tmp_path / "run" / "images").rglob("*.png"):
            picture.write_bytes(b"something else")
        for export in (to_drift, to_imagefolder):
            with pytest.raises(StoreDamaged):
                export(run, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("precious")
    for name in ("mine", "full"):
        with pytest.raises(UsageError, match="exists already"), whole_folder(tmp_path / name) as made:
            (made / "new").write_text("new")
    assert (tmp_path / "mine").read_text() == (tmp_path / "full" / "file").read_text() == "precious"
    (tmp_path / "empty").mkdir()
    with whole_folder(tmp_path / "empty") as made:
        (made / "new").write_text("new")
    assert (tmp_path / "empty" / "new").read_text() == "new"


@given(st.lists(st.text(max_size=120), max_size=8))
def test_file_names_are_plain_and_differ(texts):
    taken = set()
    names = [file_name(text, taken) for text in texts]
    assert len({name.lower() for name in names}) == len(texts)
    assert all(
        name.replace("-", "").replace("_", "").isascii() and "/" not in name and "." not in name for name in names
    )
    assert all(names)


def test_pictures_in_the_exports_can_be_opened(run, tmp_path):
    to_imagefolder(run, tmp_path / "out")
    sizes = {decode(path.read_bytes()).size for path in (tmp_path / "out" / "images").iterdir()}
    assert sizes == {(64, 64)}


def test_what_killed_exports_have_left_is_removed_and_running_ones_stay(tmp_path):
    killed, other = tmp_path / ".out.0123456789abcdef.tmp", tmp_path / ".other.0123456789abcdef.tmp"
    killed.mkdir()
    (killed / "a.png").write_bytes(b"x")
    other.mkdir()
    with whole_folder(tmp_path / "out") as first:
        (first / "first").touch()
        with whole_folder(tmp_path / "out") as second:
            (second / "second").touch()
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["second"]
        assert (first / "first").exists()
        (tmp_path / "out" / "second").unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.0123456789abcdef.tmp", "out"]


def test_a_folder_follows_links_and_the_umask(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    before = os.umask(0o077)
    try:
        with whole_folder(tmp_path / "link") as made:
            (made / "a").touch()
    finally:
        os.umask(before)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a").exists()
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o700


def test_captions_that_a_table_reader_takes_for_missing_are_kept(tmp_path):
    from telephone.exports.drift import _write_captions

    _write_captions(tmp_path / "gen-2.csv", {"a": "None", "b": "N/A", "c": "A red boat."})
    assert list(pd.read_csv(tmp_path / "gen-2.csv", encoding="latin1")["caption"]) == ["None.", "N/A.", "A red boat."]
