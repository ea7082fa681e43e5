"""`telephone judge`: several embedders, facts of pictures, questions, and one JSON document."""

import json
from pathlib import Path

PLAYERS = ("--t2i", "fake/sketcher?drop=0.1", "--i2t", "fake/teller?drop=0.2", "--embedder", "fake/embedder")


def test_a_run_is_judged_and_asked(cli, tmp_path: Path) -> None:
    run = tmp_path / "run"
    played = cli("play", *PLAYERS, "--level", "easy,medium", "--turns", "2", "--out", str(run), "--no-report")
    assert played.exit_code == 0, played.output
    done = cli("judge", str(run), "--embedder", "fake/embedder", "--ask", "50", "--again", "3", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    names = [each["judge"] for each in told["judges"]]
    assert names[0] == "distance by fake/embedder"
    assert names[-1] == "facts of pictures by oracle/reader"
    assert told["asked"]["fake/teller?drop=0.2"] > 0
    asked = {row["attribute"]: row for row in told["unsaid"]}
    # The teller answers what the picture holds: nothing of what it left out was unseen.
    assert all(row["not_seen"] == 0 for row in asked.values())
    assert told["bits"]
    again = cli("judge", str(run), "--embedder", "fake/embedder")
    assert again.exit_code == 0
    assert "seen, left out" in again.stdout
