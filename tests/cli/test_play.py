"""A battle by the command line: played, stopped, prolonged, and every way to ask for one that cannot be."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from telephone.models import registry

FAKES = ("--t2i", "fake/painter", "--i2t", "fake/captioner?loss=0.1", "--embedder", "fake/embedder")
SHORT = (*FAKES, "--level", "easy", "--turns", "2", "--no-report")


def document(done):
    """Returns the JSON of a result whose stdout holds nothing else."""
    return json.loads(done.stdout)


@pytest.mark.slow
def test_play_from_nothing_to_the_report(cli, tmp_path):
    done = cli("play", *FAKES, "--i2t", "fake/captioner?loss=0.3", "--level", "easy,hard", "--turns", "2")
    assert done.exit_code == 0, done.output
    (folder,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"pocket-[0-9a-f]{6}", folder.name)
    assert "2 lines x 6 prompts = 12 games of 2 turns" in done.stderr
    assert "Image-to-text models  share of the prompt's facts that are kept, more is better" in done.stdout
    assert "n 6" in done.stdout
    assert "12 games: 12 done; 48 hops" in done.stdout
    assert f"Report: {Path('runs', folder.name, 'report.html')}" in done.stdout
    assert (folder / "report.html").read_text().startswith("<!")


def test_the_same_words_again_play_nothing(cli, tmp_path):
    first = cli("play", *SHORT)
    again = cli("play", *SHORT)
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "no game was left to play" not in first.stdout
    assert "It was finished before: no game was left to play." in again.stdout
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_more_turns_prolong_the_run(cli, tmp_path):
    cli("play", *SHORT)
    longer = document(cli("play", *FAKES, "--level", "easy", "--turns", "3", "--no-report", "--json"))
    assert (longer["games"], longer["hops"]) == (3, 6)
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_several_prompt_sets_are_joined(cli):
    found = document(cli("play", *SHORT[:6], "--prompts", "pocket", "--prompts", "article", "--dry-run", "--json"))
    assert len(found["prompts"]) == 20


@pytest.mark.parametrize(
    "words", [("play", "--seed", "1", "--seed", "2"), ("show", "a", "--strip", "b", "--strip", "c")]
)
def test_an_option_of_one_value_is_not_given_twice(cli, words):
    done = cli(*words)
    assert (done.exit_code, f"{words[-2]} is given 2 times: give it once." in done.stderr) == (2, True)


def test_another_seed_is_another_run(cli, tmp_path):
    cli("play", *SHORT)
    cli("play", *SHORT, "--seed", "1")
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_json_is_all_that_is_on_stdout(cli):
    found = document(cli("play", *SHORT, "--json"))
    assert (found["games"], found["done"], found["failed"], found["refused"]) == (3, 3, 0, 0)
    assert (found["folder"][:12], found["report"]) == ("runs/pocket-", None)
    assert found["counts"]["finished"] == 3
    measures = {"distance", "similarity", "recall", "precision", "f1", "complete"}
    assert {board["measure"] for board in found["boards"]} == measures


def test_runs_go_where_the_environment_says(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("TELEPHONE_RUNS", str(tmp_path / "elsewhere"))
    assert cli("play", *SHORT).exit_code == 0
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1


def test_dry_run_writes_nothing(cli, tmp_path):
    told = cli("play", *FAKES, "--dry-run").stdout
    assert "1 line x 10 prompts = 10 games of 10 turns" in told
    assert "At most 200 calls: equal ones are made once. It costs nothing." in told
    found = document(cli("play", *FAKES, "--repeats", "2", "--dry-run", "--json"))
    assert (found["games"], found["calls"], found["cost"], found["begun"]) == (20, 400, 0.0, False)
    assert list(tmp_path.iterdir()) == []


def test_games_that_fail_make_the_exit_code_1(cli):
    words = ("--t2i", "fake/painter?fail=0.3&refuse=0.3", *SHORT[2:], "--level", "easy,medium,hard")
    done = cli("play", *words)
    assert done.exit_code == 1
    assert re.search(r"\d failed, \d refused", done.stdout)
    folder = re.search(r"telephone resume (\S+) --retry-failed", done.stdout)[1]
    again = cli("resume", folder, "--embedder", "fake/embedder", "--no-report", "--retry-failed", "--json")
    assert (again.exit_code, document(again)["calls"] > 0) == (1, True)


def test_a_judge_that_is_not_installed_leaves_the_facts(cli, monkeypatch):
    monkeypatch.setattr("telephone.models.local.use.PACKAGE", "no_such_package_at_all")
    monkeypatch.setattr(registry._registry, "_models", {})  # another test may have loaded the judge
    done = cli("play", *SHORT[:4], *SHORT[6:])
    assert done.exit_code == 1
    assert "Note: The distances are left out." in done.stderr
    assert "pip install" in done.stderr
    assert "share of the prompt's facts that are kept" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--t2i", "fake/pianter"), 2, "There is no model 'fake/pianter'. Did you mean fake/painter"),
        (("--t2i", "fake/captioner"), 2, "fake/captioner is an image-to-text model, not a text-to-image model"),
        (("--i2t", "fake/painter"), 2, "fake/painter is a text-to-image model, not an image-to-text model"),
        (("--t2i", "fake/painter?colour=red"), 2, "fake/painter has no option 'colour'"),
        (("--t2i", ""), 2, "give at least one text-to-image"),
        (("--embedder", "fake/embeder"), 2, "There is no model 'fake/embeder'. Did you mean fake/embedder"),
        (("--prompts", "poket"), 2, "There is no prompt set 'poket'. Did you mean pocket"),
        (("--prompts", "none.csv"), 2, "There is no file none.csv"),
        (("--prompts", "latin.txt"), 2, "latin.txt, line 1, column 4: the byte 0xe9 is not UTF-8"),
        (("--prompts", "blank.txt"), 2, "blank.txt contains no prompt: write at least one."),
        (("--prompts", "empty.csv"), 2, "empty.csv, line 2, column text: the text is empty"),
        (("--level", "hrad"), 2, "'hrad' is no level"),
        (("--turns", "0"), 2, "--turns"),
        (("--repeats", "none"), 2, "--repeats"),
        (("--seed", "-1"), 2, "--seed"),
        (("--out", "taken/run"), 1, "check the folder"),
        (("--out", "full"), 2, "full holds files that are no run: choose a new or an empty folder."),
    ],
)
def test_what_cannot_be_played_is_told_before_anything_is_made(cli, tmp_path, words, code, told):
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    (tmp_path / "blank.txt").write_text("\n# nothing\n")
    (tmp_path / "empty.csv").write_text('text,level\n"",easy\n')
    (tmp_path / "taken").write_text("a file where a folder should be")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    before = sorted(tmp_path.rglob("*"))
    given = dict(zip(FAKES[::2], FAKES[1::2], strict=True)) | {words[0]: words[1]}
    done = cli("play", *(word for pair in given.items() for word in pair))
    assert done.exit_code == code, done.output
    assert told in " ".join(re.sub("[│╭╮╰╯─]", " ", done.stderr).split())
    assert "Traceback" not in done.output
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_with_another_run(cli):
    cli("play", *SHORT, "--out", "here")
    done = cli("play", *SHORT, "--seed", "1", "--out", "here")
    assert (done.exit_code, "here holds another run (seeds differ)" in done.stderr) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_then_resume(tmp_path, number, code):
    """In real processes: stopped in the middle, the rest played later, with the same results."""
    words = ["--t2i", "fake/painter?delay=0.02&batch=2", "--i2t", "fake/captioner?loss=0.1&delay=0.02&batch=2"]
    words += ["--embedder", "fake/embedder", "--no-report", "--out", "run", "--level", "easy,hard"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "telephone"]
    playing = subprocess.Popen(
        [*command, "play", *words], cwd=tmp_path, text=True, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    until = time.monotonic() + 60
    while time.monotonic() < until and len(list(tmp_path.glob("run/images/*/*.png"))) < 3:
        time.sleep(0.02)
    playing.send_signal(number)
    out, err = playing.communicate(timeout=60)
    assert playing.returncode == code, err
    assert "Stopped. Continue with: telephone resume run" in err
    assert (out, "Traceback" in err) == ("", False)

    goes_on = [*command, "resume", "run", "--embedder", "fake/embedder", "--no-report", "--json"]
    done = subprocess.run(goes_on, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["games"], found["done"]) == (6, 6)
    assert 0 < found["hops"] < 120
    check = subprocess.run([*command, "verify", "run"], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert (check.returncode, "run is intact" in check.stdout) == (0, True)
