"""`telephone doctor` as a person or a program reads it."""

import json


def test_doctor_prints_every_section_and_a_verdict(cli):
    done = cli("doctor")
    for section in ("Packages", "Machine", "Keys", "Pocket models", "Roster article-2023"):
        assert f"\n{section}\n" in f"\n{done.stdout}"
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("The pocket battle can" if done.exit_code == 0 else "The pocket battle cannot")


def test_doctor_as_json(cli):
    done = cli("doctor", "--json")
    found = json.loads(done.stdout)
    assert found["playable"] == (done.exit_code == 0)
    assert {"section", "name", "state", "detail", "mend", "needed"} == set(found["findings"][0])


def test_doctor_fails_where_a_battle_cannot_be_kept(cli, monkeypatch):
    monkeypatch.setenv("TELEPHONE_RUNS", "/proc/runs")
    done = cli("doctor")
    assert done.exit_code == 1
    assert "missing: runs" in done.stdout
