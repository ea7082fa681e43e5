"""Which weights are on this machine: the pocket weights with their hashes, the judge's, and the hub cache."""

import importlib.util

from telephone.core.errors import TelephoneError
from telephone.doctor.finding import Finding
from telephone.doctor.machine import size
from telephone.models import load_model
from telephone.models.pocket import NETS, weights

POCKET = "Pocket models"
HUB = "Hub cache"
JUDGE = "use/multilingual"


def check_pocket_weights(needed: frozenset[str]) -> list[Finding]:
    """Returns a finding for each pocket net and for the judge; every weight file is hashed.

    Args:
        needed: the addresses without which the pocket battle cannot be played.
    """
    found = [
        _shipped(f"pocket/{net.name}" if net.kind else net.name, net.lacks(), f"pocket/{net.name}" in needed)
        for net in NETS
    ]
    return [*found, _judge()]


def missing_for(ref: str) -> str:
    """Returns why a model cannot be called now, in one sentence; empty if it can. No weights are loaded."""
    try:
        return load_model(ref).lacks()
    except TelephoneError as error:
        return str(error)


def _shipped(name: str, lack: str, needed: bool) -> Finding:
    if lack:
        return Finding(POCKET, name, "lacks", lack, weights.INSTALL, needed)
    return Finding(POCKET, name, "ok", "weights are installed, hashes match", needed=needed)


def _judge() -> Finding:
    from telephone.models.local import use

    try:
        use.check(use.package_folder())
    except TelephoneError as error:
        return Finding(POCKET, JUDGE, "lacks", str(error), use.INSTALL, needed=True)
    return Finding(POCKET, JUDGE, "ok", "weights are installed, hashes match", needed=True)


def check_hub_cache() -> list[Finding]:
    """Returns a finding for each repository in the cache of huggingface_hub, the largest first."""
    if importlib.util.find_spec("huggingface_hub") is None:
        return [Finding(HUB, "huggingface_hub", "lacks", "not installed", 'pip install "ai-telephone[api]"')]
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        found = scan_cache_dir()
    except (CacheNotFound, OSError, ValueError, RuntimeError):  # RuntimeError: the user has no home folder
        return [Finding(HUB, "cache", "note", "empty")]
    repos = sorted(found.repos, key=lambda repo: (-repo.size_on_disk, repo.repo_id))
    listed = [Finding(HUB, repo.repo_id, "ok", f"{repo.repo_type}, {size(repo.size_on_disk)}") for repo in repos]
    return listed or [Finding(HUB, "cache", "note", "empty")]
