"""Tiny models of the local libraries, each written once a session and only if a test asks for it."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Returns where the tiny model of a kind is."""
    folder = tmp_path_factory.mktemp("tiny")

    def get(kind: str) -> Path:
        import tiny

        if not (folder / kind).exists():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what the libraries say while a model is written is not under test
                tiny.build(folder, [kind])
        return folder / kind

    return get
