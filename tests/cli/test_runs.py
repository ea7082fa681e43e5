"""The commands that read a run: show, verify, export, report, resume; and runs that cannot be read."""

import json
import os
import sqlite3
import threading
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image


@pytest.fixture
def run(cli):
    """The folder of a short run."""
    words = ("--t2i", "fake/painter", "--i2t", "fake/captioner?loss=0.1", "--embedder", "fake/embedder")
    done = cli("play", *words, "--level", "easy,hard", "--turns", "2", "--no-report", "--out", "run")
    assert done.exit_code == 0, done.output
    return "run"


def names(cli, run):
    return [game["name"] for game in json.loads(cli("show", run, "--json").stdout)["games"]]


def test_show_lists_the_games(cli, run):
    told = cli("show", run).stdout
    assert "6 games of 6 started." in told
    for name in names(cli, run):
        assert name in told


def test_show_as_json(cli, run):
    found = json.loads(cli("show", run, "--json", "--level", "hard").stdout)
    assert (found["planned"], found["turns"], len(found["games"])) == (6, 2, 3)
    game = found["games"][0]
    assert (game["level"], game["outcome"], 0 <= game["distance"] <= 2) == ("hard", "ok", True)


def test_show_one_game_by_name_by_part_of_it_and_by_key(cli, run):
    name = names(cli, run)[0]
    told = cli("show", run, name).stdout
    assert json.loads(cli("show", run, name, "--json").stdout)["prompt"] in " ".join(told.split())
    assert "fake/painter draws, fake/captioner?loss=0.1 describes" in told
    found = json.loads(cli("show", run, name, "--json").stdout)
    assert [turn["turn"] for turn in found["turns"]] == [1, 2]
    assert found["turns"][0]["before"] == found["prompt"] and found["prompt"] in " ".join(told.split())
    for part in (name[:5], found["key"], found["key"][:20]):
        assert json.loads(cli("show", run, part, "--json").stdout)["name"] == name


def test_show_a_game_that_is_not_there(cli, run):
    done = cli("show", run, "zzzzzz")
    assert (done.exit_code, "There is no game 'zzzzzz' in run." in done.stderr) == (2, True)
    name = names(cli, run)[0]
    near = cli("show", run, f"{name[:-1]}x")
    assert f"Did you mean {name}" in near.stderr


def test_strip_and_film(cli, run, tmp_path):
    name = names(cli, run)[0]
    told = cli("show", run, name, "--strip", "s.png", "--animate", "s.gif").stdout
    assert told.splitlines()[-2:] == ["s.png", "s.gif"]
    with Image.open(tmp_path / "s.png") as strip, Image.open(tmp_path / "s.gif") as film:
        assert strip.width > 500
        assert film.n_frames > 3
    assert "name it" in cli("show", run, "--strip", "s.png").stderr
    assert "end in .png" in cli("show", run, name, "--strip", "s.jpg").stderr
    assert "webp" in cli("show", run, name, "--animate", "s.avi").stderr


def test_films_of_each_game_and_of_all_pairs(cli, run, tmp_path):
    done = cli("film", run, "--as", "gif", "--level", "hard", "--json")
    files = [tmp_path / name for name in json.loads(done.stdout)["files"]]
    assert len(files) == 6 and len(list((tmp_path / run / "films").iterdir())) == 3
    for path in files:
        with Image.open(path) as film:
            assert film.n_frames == 5
    assert sum(path.stem == "all-pairs" for path in files) == 3
    words = json.loads(cli("show", run, "--json").stdout)["games"][0]["prompt"].upper()
    told = cli("film", run, "--grids", "--prompt", words, "--out", "films", "--as", "webp")
    assert told.stdout.splitlines()[-1] == "1 film in films"
    assert "no such game" in cli("film", run, "--prompt", "zebra").stderr
    assert "no format of films" in cli("film", run, "--as", "avi").stderr


@pytest.fixture
def other(cli, run):
    """A second run: one of its describers is that of the first, its prompts are easy, medium and hard."""
    words = ("--t2i", "fake/painter", "--i2t", "fake/captioner?loss=0.1,fake/captioner?loss=0.4")
    judge = ("--embedder", "fake/embedder", "--no-report", "--turns", "2")
    done = cli("play", *words, *judge, "--level", "easy,medium,hard", "--out", "other")
    assert done.exit_code == 0, done.output
    return "other"


def test_compare_two_runs(cli, run, other):
    told = cli("compare", run, other)
    assert "other against run" in told.stdout and "not distinguishable" in told.stdout
    assert "Pairs that all runs played: fake/painter + fake/captioner?loss=0.1" in told.stdout
    found = json.loads(cli("compare", run, other, "--json", "--when", "mean").stdout)
    assert (found["prompts"], found["left_out"], found["when"]) == (6, 3, "mean")
    assert [row["level"] for row in found["rows"]] == ["easy", "hard", "all"]
    assert [row["difference"] for row in found["rows"]] == pytest.approx([0, 0, 0])
    assert "two or more runs" in cli("compare", run).stderr
    assert "share no judge of distances" in cli("compare", run, other, "--judge", "minilm").stderr


def test_leaderboard_over_runs(cli, run, other):
    told = cli("leaderboard", ".").stdout
    assert "24 games of 2 runs." in told and "fake/captioner?loss=0.4" in told
    found = json.loads(cli("leaderboard", ".", "--json").stdout)
    describers = [row for row in found["boards"][1]["rows"] if row["level"] == "all"]
    assert [row["model"] for row in describers] == ["fake/captioner?loss=0.1", "fake/captioner?loss=0.4"]
    assert [row["games"] for row in describers] == [15, 9] and describers[0]["mean"] > describers[1]["mean"]
    assert found["runs"] == ["other", "run"]
    empty = cli("leaderboard", f"{run}/images")
    assert (empty.exit_code, "There is no run under" in empty.stderr) == (2, True)


def test_verify_a_whole_run(cli, run):
    done = cli("verify", run)
    assert (done.exit_code, done.stdout.startswith("run is intact")) == (0, True)
    assert json.loads(cli("verify", run, "--json").stdout) == {"folder": "run", "ok": True, "problems": []}


def test_verify_finds_a_changed_and_a_missing_picture(cli, run, tmp_path):
    changed, missing, *_ = sorted((tmp_path / run / "images").rglob("*.png"))
    changed.write_bytes(changed.read_bytes() + b" ")
    missing.unlink()
    done = cli("verify", run, "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["ok"]) == (1, False)
    assert {changed.stem, missing.stem} <= {problem["where"].split("/")[-1][:64] for problem in found["problems"]}
    assert "run is damaged: 2 problems." in cli("verify", run).stdout


def test_verify_a_database_that_cannot_be_opened(cli, run, tmp_path):
    (tmp_path / run / "run.sqlite").write_bytes(b"this is no database, whatever its name says" * 100)
    done = cli("verify", run, "--json")
    assert (done.exit_code, json.loads(done.stdout)["ok"]) == (1, False)


def test_verify_tells_harmless_leftovers_apart(cli, run, tmp_path):
    (picture, *_) = sorted((tmp_path / run / "images").rglob("*.png"))
    (picture.parent / f".{picture.name}.tmp").write_bytes(b"half")
    done = cli("verify", run)
    assert (done.exit_code, "harmless" in done.stdout) == (0, True)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_export(cli, run, tmp_path, ending):
    assert cli("export", run, "--to", ending).stdout.startswith(f"run.{ending}: 12 rows, ")
    read = {
        "csv": pd.read_csv,
        "jsonl": lambda path: pd.read_json(path, lines=True),
        "parquet": pd.read_parquet,
    }[ending]
    table = read(tmp_path / f"run.{ending}")
    assert list(table["step_number"]) == [0, 1] * 6
    assert table["text_after_dist"].notna().all()


def test_export_takes_the_format_from_the_name(cli, run, tmp_path):
    assert cli("export", run, "-o", "sub/table.jsonl").exit_code == 0
    assert (tmp_path / "sub" / "table.jsonl").exists()
    assert cli("export", run, "-o", "table", "--to", "csv").stdout.startswith("table.csv")
    assert "give one of the two" in cli("export", run, "-o", "table.csv", "--to", "jsonl").stderr
    assert "'xlsx' is no format" in cli("export", run, "-o", "table.xlsx").stderr
    assert cli("export", run, "-o", "TABLE.CSV").stdout.startswith("TABLE.CSV: 12 rows")
    Path("d.csv").mkdir()
    for words in (
        ("export", run, "-o", "d.csv"),
        ("report", run, "-o", "d.csv"),
        ("draw", "fake/painter", "a", "-o", "d.csv"),
    ):
        assert "Error: d.csv is a folder: give the name of a file" in cli(*words).stderr


def test_export_into_a_named_pipe(cli, run, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    assert cli("export", run, "--to", "csv", "-o", "pipe").exit_code == 0
    reader.join(10)
    assert found[0].count(b"\n") == 13


def test_export_writes_folders_for_other_tools(cli, run, tmp_path):
    done = cli("export", run, "--to", "datasets")
    assert done.stdout == "run-datasets: 12 pictures with metadata.jsonl\n"
    assert len(list((tmp_path / "run-datasets" / "images").iterdir())) == 12
    done = cli("export", run, "--to", "drift", "-o", "sub/drift.v1")
    assert done.stdout.startswith("sub/drift.v1: ") and done.stdout.endswith("6 games, 4 generations\n")
    assert "reads 20 generations (10 turns), these games have 4." in done.stderr
    assert "exists already" in cli("export", run, "--to", "datasets").stderr


def test_export_says_what_does_not_fit(cli, run):
    assert "give --to fiftyone" in cli("export", run, "--name", "mine").stderr
    assert "'drift' is no format" in cli("export", run, "-o", "table.drift").stderr
    assert "leave --output out" in cli("export", run, "--to", "fiftyone", "-o", "sub").stderr


@pytest.mark.skipif(find_spec("fiftyone") is not None, reason="FiftyOne is installed here")
def test_export_without_fiftyone_tells_how_to_get_it(cli, run):
    done = cli("export", run, "--to", "fiftyone")
    assert (done.exit_code, "pip install 'ai-telephone[fiftyone]'" in done.stderr) == (2, True)


def test_report_again_and_elsewhere(cli, run, tmp_path):
    assert cli("report", run).stdout == "Report: run/report.html\n"
    assert cli("report", run, "--out", "sub/page.html").exit_code == 0
    assert (tmp_path / "sub" / "page.html").stat().st_size > 10_000


@pytest.mark.parametrize("command", ["show", "resume", "report", "export", "verify"])
class TestRunsThatCannotBeRead:
    def test_there_is_none(self, cli, command):
        done = cli(command, "nowhere")
        assert done.exit_code == 2
        assert "There is no run in nowhere: give the folder that holds run.sqlite." in done.stderr

    def test_damaged(self, cli, command, run, tmp_path):
        (tmp_path / run / "run.sqlite").write_bytes(b"not a database at all" * 300)
        done = cli(command, run)
        assert done.exit_code == 1
        assert "is damaged" in done.output
        assert "Traceback" not in done.output

    def test_of_another_version(self, cli, command, run, tmp_path):
        with sqlite3.connect(tmp_path / run / "run.sqlite") as db:
            db.execute("PRAGMA user_version = 999")
        db.close()
        done = cli(command, run)
        assert done.exit_code == 1
        assert "has format 999" in done.stderr
        assert "upgrade ai-telephone" in done.stderr


def test_resume_while_somebody_plays(cli, run, tmp_path):
    import fcntl

    with open(tmp_path / run / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = cli("resume", run, "--embedder", "fake/embedder")
    assert (done.exit_code, "The run in run is being played" in done.stderr) == (1, True)


def test_facts_of_a_game_as_a_diagram(cli, run, tmp_path):
    name = names(cli, run)[0]
    done = cli("show", run, name, "--facts", "f.png")
    assert done.exit_code == 0 and done.stdout.splitlines()[-1] == "f.png", done.output
    with Image.open(tmp_path / "f.png") as diagram:
        assert diagram.width > 1000
    assert "name it" in cli("show", run, "--facts", "f.png").stderr
    assert "end in .png" in cli("show", run, name, "--facts", "f.svg").stderr


def test_a_game_without_counted_facts_has_no_diagram(cli, tmp_path):
    (tmp_path / "mine.txt").write_text("A wise old wizard with a purple hat.\n", encoding="utf-8")
    words = ("--t2i", "fake/painter", "--i2t", "fake/captioner", "--embedder", "fake/embedder", "--prompts", "mine.txt")
    assert cli("play", *words, "--turns", "1", "--no-report", "--out", "mine").exit_code == 0
    done = cli("show", "mine", names(cli, "mine")[0], "--facts", "f.png")
    assert done.exit_code == 2 and "not counted" in done.stderr and not (tmp_path / "f.png").exists()


def test_turns_with_equal_texts_are_one_row_and_each_prompt_stands_once(cli, run):
    words = ("--t2i", "fake/painter", "--i2t", "fake/captioner", "--embedder", "fake/embedder", "--level", "easy")
    assert cli("play", *words, "--turns", "4", "--no-report", "--out", "still").exit_code == 0
    games = json.loads(cli("show", "still", "--json").stdout)["games"]
    told = " ".join(cli("show", "still").stdout.split())
    assert all(told.count(f"easy: {game['prompt']}") == 1 for game in games)
    found = cli("show", "still", games[0]["name"]).stdout
    assert "1-4" in found  # a captioner that loses nothing repeats the prompt
