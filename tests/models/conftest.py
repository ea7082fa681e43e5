"""Tiny models of the local libraries, each written once a session and only if a test asks for it."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Returns a function from the kind of a tiny model to its folder."""
    folder = tmp_path_factory.mktemp("tiny")

    def get(kind: str) -> Path:
        import tiny_models

        if not (folder / kind).exists():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # warnings of the libraries while a model is saved are not under test
                tiny_models.build(folder, [kind])
        return folder / kind

    return get
