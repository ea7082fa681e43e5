"""What the doctor says of this machine, and of one where things are missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from telephone.doctor import Finding, examine, packages, playable
from telephone.doctor.files import check_hub_cache, check_pocket_weights
from telephone.doctor.machine import check_machine, size, torch_cuda
from telephone.doctor.rosters import check_rosters, pocket_refs
from telephone.doctor.secrets import check_keys

SECRET = "sk-proj-Th1sIsAKeyThatNobodyMaySee0123"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("OPENAI", "REPLICATE", "HF_", "HUGGING_FACE", "TELEPHONE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TELEPHONE_KEYS", str(tmp_path / "keys.toml"))
    monkeypatch.setenv("TELEPHONE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("TELEPHONE_CACHE", str(tmp_path / "cache"))


def named(findings: list[Finding], name: str) -> Finding:
    (found,) = [finding for finding in findings if finding.name == name]
    return found


def test_every_package_of_every_extra_is_looked_at():
    found = packages.check_packages()
    assert {"numpy", "torch", "openai [api]", "diffusers [local]", "fastapi [serve]"} <= {each.name for each in found}
    assert named(found, "numpy").state == "ok"
    assert named(found, "numpy").needed
    assert not named(found, "openai [api]").needed


@pytest.mark.parametrize(
    ("text", "detail", "fix"),
    [
        ("no-such-package-at-all>=3", "not installed", 'pip install "no-such-package-at-all>=3"'),
        ('no-such-package-at-all>=3; extra == "api"', "not installed", 'pip install "ai-telephone[api]"'),
        ("numpy>=999", "but >=999 is needed", 'pip install "numpy>=999"'),
    ],
)
def test_a_package_that_lacks(text, detail, fix):
    found = packages._package(text)
    assert (found.state, detail in found.detail, found.fix) == ("lacks", True, fix)
    assert found.needed == ("extra" not in text)


def test_the_folders_can_be_written_or_the_doctor_says_so(monkeypatch, tmp_path):
    assert named(check_machine(), "runs").state == "ok"
    assert not (tmp_path / "runs").exists(), "looking makes nothing"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TELEPHONE_RUNS", "/proc/runs")
    found = named(check_machine(), "runs")
    assert (found.state, found.needed, "TELEPHONE_RUNS" in found.fix) == ("lacks", True, True)


def test_what_torch_is_built_for_is_known_without_it():
    code = "import sys; from telephone.doctor import examine; examine(); print(','.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "diffusers", "openai", "fastapi"} & set(done.stdout.strip().split(","))
    import torch

    assert torch_cuda() == (torch.version.cuda or "")


@pytest.mark.parametrize(("number", "told"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (25e9, "25 GB")])
def test_sizes(number, told):
    assert size(number) == told


def test_keys_are_told_by_name_alone(monkeypatch, tmp_path):
    assert named(check_keys(), "openai").state == "lacks"
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("TELEPHONE_KEY_GPU_BOX", SECRET)
    monkeypatch.setenv("TELEPHONE_TOKEN", SECRET)
    (tmp_path / "keys.toml").write_text(f'replicate = "{SECRET}x"\n')
    (tmp_path / "keys.toml").chmod(0o600)
    found = examine()
    assert named(found, "openai").detail == "from OPENAI_API_KEY"
    assert named(found, "replicate").state == "ok"
    assert {"TELEPHONE_KEY_GPU_BOX", "TELEPHONE_TOKEN"} <= {each.name for each in found}
    told = json.dumps([vars(each) for each in found])
    for at in range(0, len(SECRET) - 8, 4):
        assert SECRET[at : at + 8] not in told
    assert str(len(SECRET)) not in {each.detail for each in found}


def test_a_key_file_that_others_can_read(tmp_path):
    path = tmp_path / "keys.toml"
    path.write_text(f'openai = "{SECRET}"\n')
    path.chmod(0o644)
    found = named(check_keys(), "key file")
    assert (found.state, found.fix) == ("lacks", f"chmod 600 {path}")


def test_weights_that_are_not_the_shipped_ones(monkeypatch):
    from telephone.models.pocket import PocketBlip, weights

    assert "pocket/blip" in pocket_refs()
    monkeypatch.setattr(weights, "read_index", lambda folder: {})
    monkeypatch.setattr(
        "telephone.doctor.files.load_model", lambda ref: PocketBlip()
    )  # the process may know another one already
    found = named(check_pocket_weights(frozenset({"pocket/blip"})), "pocket/blip")
    assert (found.state, found.needed, "telephone learn blip" in found.detail) == ("lacks", True, True)
    assert not playable([found])


def test_the_hub_cache_is_listed(monkeypatch, tmp_path):
    blob = tmp_path / "models--org--tiny" / "blobs" / "abc"
    shot = tmp_path / "models--org--tiny" / "snapshots" / ("0" * 40)
    blob.parent.mkdir(parents=True)
    shot.mkdir(parents=True)
    blob.write_bytes(b"x" * 1500)
    (shot / "config.json").symlink_to(blob)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.utils._cache_manager.HF_HUB_CACHE", str(tmp_path), raising=False)
    assert [(each.name, each.detail) for each in check_hub_cache()] == [("org/tiny", "model, 1.5 kB")]


def test_every_entry_of_every_roster_has_a_line():
    found = check_rosters()
    from telephone.models.rosters import list_rosters

    assert len(found) == sum(len(each.members) for each in list_rosters())
    gone = [each for each in found if each.name.startswith("openai/dall-e-2")]
    assert [each.state for each in gone] == ["gone"]
    assert "2026-05-12" in gone[0].detail
    lacks = [each for each in found if each.name.startswith("openai/gpt-")]
    assert {each.state for each in lacks} == {"lacks"}
    assert all("OPENAI_API_KEY" in each.detail for each in lacks)
    assert all(each.detail or each.fix for each in found if each.state != "ok"), "each lack says what fixes it"


def test_playable_looks_at_what_is_needed_alone():
    assert playable([Finding("s", "a", "ok", needed=True), Finding("s", "b", "lacks")])
    assert not playable([Finding("s", "a", "lacks", needed=True)])
