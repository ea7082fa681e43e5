"""Battles that cost money, by the command line: told before, agreed to, kept under a budget, never paid twice."""

import json
import re
import sys

import pytest
from misbehaving import Server  # noqa: E402 - the folder of the servers is no package

COMMON = ("--embedder", "fake/embedder", "--level", "easy", "--turns", "2", "--no-report")


@pytest.fixture
def server():
    with Server() as made:
        yield made


def pair(server, price=0.5, more=""):
    end = f"base_url={server.url}&price={price}{more}" if price is not None else f"base_url={server.url}{more}"
    return ("--t2i", f"openai/painter?kind=text2image&{end}", "--i2t", f"openai/reader?kind=image2text&{end}")


def document(done):
    return json.loads(done.stdout)


def test_a_dry_run_tells_calls_and_cost_by_player(cli, server, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")  # an address with its port may be too long for a table of 80 columns
    done = cli("play", *pair(server), *COMMON, "--dry-run")
    assert done.exit_code == 0, done.output
    assert "At most 12 calls: equal ones are made once. It costs up to about 6.00 US dollars." in done.stdout
    assert "How long it takes is not known" in done.stdout
    assert re.search(r"openai/painter\S* +6 +unknown +0.50 +3.00", done.stdout)
    found = document(cli("play", *pair(server), *COMMON, "--dry-run", "--json"))
    assert (found["calls"], found["cost"], found["unknown_cost_of"], found["seconds"]) == (12, 6.0, [], None)
    assert (server.requests, list(tmp_path.iterdir())) == ([], [])


def test_nobody_is_there_to_agree(cli, server, tmp_path):
    done = cli("play", *pair(server), *COMMON)
    assert (done.exit_code, done.stdout) == (2, "")
    assert (
        "more than 1.00 US dollars, and there is no terminal to ask on: add --yes, or look first with --dry-run"
        in done.stderr
    )
    assert (server.requests, list(tmp_path.iterdir())) == ([], [])


def test_below_the_limit_nobody_is_asked(cli, server, monkeypatch):
    assert cli("play", *pair(server, 0.01), *COMMON).exit_code == 0
    monkeypatch.setenv("TELEPHONE_ASK_ABOVE", "0.05")
    assert cli("play", *pair(server, 0.02), *COMMON).exit_code == 2
    monkeypatch.setenv("TELEPHONE_ASK_ABOVE", "much")
    done = cli("players")
    assert (done.exit_code, "TELEPHONE_ASK_ABOVE is 'much'" in done.stderr) == (2, True)


def test_an_unknown_price_is_asked_about_and_refused_under_a_budget(cli, server):
    done = cli("play", *pair(server, None), *COMMON)
    assert (done.exit_code, "an unknown sum" in done.stderr) == (2, True)
    done = cli("play", *pair(server, None), *COMMON, "--budget", "5", "--yes")
    assert (done.exit_code, "so a budget cannot be kept" in done.stderr) == (2, True)
    done = cli("play", *pair(server, None), *COMMON, "--budget", "5", "--yes", "--allow-unknown-cost", "--json")
    found = document(done)
    assert (found["done"], found["cost"], found["spent"]["calls_of_unknown_cost"]) == (3, None, found["calls"])
    assert server.paid.total() == found["calls"]


def test_a_budget_stops_and_a_bigger_one_goes_on(cli, server):
    first = cli("play", *pair(server), *COMMON, "--budget", "1.2", "--yes", "--out", "run")
    assert first.exit_code == 1, first.output
    assert "it may end the run before its games are over" in first.stderr
    assert "would pass the budget of 1.20 US dollars. Continue with: telephone resume run --budget MORE" in first.stdout
    assert "3 unfinished" in first.stdout
    assert server.paid.total() == 2
    ahead = document(cli("resume", "run", "--embedder", "fake/embedder", "--dry-run", "--json"))
    assert (ahead["games_left"], ahead["calls"], ahead["spent"]["known"]) == (3, 10, 1.0)
    words = ("--embedder", "fake/embedder", "--no-report", "--json", "--yes")
    rest = document(cli("resume", "run", *words, "--budget", "9"))
    assert (rest["done"], rest["unfinished"], rest["halts"]) == (3, 0, [])
    assert rest["spent"]["known"] == 0.5 * server.paid.total()


def test_one_more_line_pays_for_its_own_games_only(cli, server, tmp_path):
    words = (*COMMON, "--yes", "--json")
    first = document(cli("play", *pair(server), *words))
    paid = server.paid.total()
    # No folder is named: a run that cost money is found again, and grows.
    more = ("--i2t", f"openai/other?kind=image2text&base_url={server.url}&price=0.25")
    told = document(cli("play", *pair(server), *more, *COMMON, "--dry-run", "--json"))
    assert (told["folder"], told["games_left"], told["begun"]) == (first["folder"], 3, True)
    second = document(cli("play", *pair(server), *more, *words))
    assert (second["folder"], second["games"], second["done"]) == (first["folder"], 6, 6)
    new = [json.loads(each["body"])["model"] for each in server.requests[paid:]]
    assert "painter" not in new  # it drew all of these texts before
    assert second["spent"]["known"] == 0.5 * paid + 0.25 * len(new)
    assert len(list((tmp_path / "runs").iterdir())) == 1
    again = document(cli("play", *pair(server), *more, *words))
    assert (again["hops"], server.paid.total()) == (0, paid + len(new))


def test_a_service_that_is_down_leaves_a_run_that_goes_on(cli, server, monkeypatch):
    from telephone.battle import Limits, Retry

    quick = Limits(retry=Retry(base=0.001), pause=0.001, probes=2)
    monkeypatch.setattr("telephone.pipeline.PlayOptions.limits", lambda options: quick)
    server.rate, server.faults = 1.0, ("500",)
    words = (*pair(server, 0.01), *COMMON, "--out", "run")
    done = cli("play", *words)
    assert done.exit_code == 1, done.output
    assert "openai 127.0.0.1" in done.stderr
    assert "is paused for 0:00 and then tried again; its last call: " in done.stderr
    assert re.search(
        r"openai 127\S+ failed \d+ calls in a row, the last one with: .*500.* telephone resume run", done.stdout
    )
    assert "3 games: 0 done, 3 unfinished, " in done.stdout
    server.rate = 0.0
    rest = cli("resume", "run", "--embedder", "fake/embedder", "--no-report", "--json")
    assert (rest.exit_code, document(rest)["done"]) == (0, 3)


def test_a_missing_key_is_told_before_the_folder_is_made(cli, tmp_path, monkeypatch):
    for name in ("OPENAI_API_KEY", "REPLICATE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TELEPHONE_KEYS", str(tmp_path / "none.toml"))
    done = cli("play", "--roster", "api-2026", *COMMON, "--yes")
    assert (done.exit_code, "There is no key for" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []
    told = cli("play", "--roster", "api-2026", *COMMON, "--dry-run")
    assert "What openai/gpt-image-2 costs is not known; the others cost up to about" in told.stdout


def test_a_roster_plays_and_others_may_join(cli, tmp_path):
    gone = {"ref": "fake/gone", "kind": "image2text", "retired": "2020-02-02", "stand_in": "fake/captioner?loss=0.2"}
    seats = [{"ref": "fake/painter", "kind": "text2image"}, {"ref": "fake/captioner", "kind": "image2text"}, gone]
    (tmp_path / "mine.json").write_text(json.dumps({"players": seats}))
    done = cli("play", "--roster", "mine.json", *COMMON)
    assert (done.exit_code, "fake/gone" in done.stderr, "--stand-ins" in done.stderr) == (2, True, True)
    words = ("--roster", "mine.json", "--stand-ins", "--t2i", "fake/painter?loss=0.1", *COMMON, "--dry-run", "--json")
    lines = [tuple(line.values()) for line in document(cli("play", *words))["lines"]]
    assert len(lines) == 4
    assert ("fake/painter?loss=0.1", "fake/captioner?loss=0.2") in lines
    assert "There is no roster 'pockt'. Did you mean pocket" in cli("play", "--roster", "pockt", *COMMON).stderr


def test_rosters_are_listed_and_looked_at(cli):
    assert "article-2023" in cli("players").stdout
    told = cli("players", "--roster", "article-2023").stdout
    assert "can no longer be called since 2026-05-12; --stand-ins takes diffusers/kandinsky-community" in told
    assert "Image-to-text models" in told and "  replicate/rmokady/clip_prefix_caption\n" in told
    found = document(cli("players", "--roster", "article-2023", "--kind", "text2image", "--json"))
    assert [member["name"] for member in found["members"]] == ["stable-diffusion", "dalle-2", "vqgan-clip"]


@pytest.mark.slow
def test_a_person_is_asked(server, tmp_path):
    """On a terminal: no ends it before anything is paid, yes plays."""
    import os
    import pty
    import subprocess

    def play(answer: bytes) -> tuple[int, bytes]:
        ours, theirs = pty.openpty()
        words = [sys.executable, "-m", "telephone", "play", *pair(server), *COMMON, "--json", "--out", "run"]
        done = subprocess.Popen(words, stdin=theirs, stderr=theirs, stdout=subprocess.DEVNULL, cwd=tmp_path)
        os.close(theirs)
        seen = b""
        while b"Play? [y/N]" not in seen:
            seen += os.read(ours, 1024)
        os.write(ours, answer)
        try:
            while chunk := os.read(ours, 1024):
                seen += chunk
        except OSError:
            pass  # the other end is closed
        os.close(ours)
        return done.wait(timeout=120), seen

    code, seen = play(b"n\n")
    assert (code, b"Nothing was played." in seen, server.paid.total()) == (130, True, 0)
    assert b"It costs up to about 6.00 US dollars." in seen
    code, _ = play(b"y\n")
    assert (code, server.paid.total() > 0) == (0, True)
