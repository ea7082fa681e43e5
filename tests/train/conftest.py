import json
from functools import cache, partial

import numpy as np
import pytest
import torch

from telephone.train import blip, blip_2, blip_vqa, dalle_2_prior, stable_diffusion
from telephone.train.common import data, evaluation
from telephone.train.common.recipe import Recipe

ONE_STEP = 1e-9
"""A scale at which every stage takes one step."""
PAINT = data.paint
LEARN_WORDS = {module.__name__: module.learn_words for module in (data, blip, blip_2, blip_vqa)}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _small_evaluations(monkeypatch):
    monkeypatch.setattr(evaluation, "CAPTIONED", 2)
    monkeypatch.setattr(evaluation, "SHEET_ROW", 1)
    monkeypatch.setattr(stable_diffusion, "SCALED", 32)
    monkeypatch.setattr(dalle_2_prior, "COMPARED", 4)


@pytest.fixture(autouse=True)
def _small_vocabularies(monkeypatch):
    """Vocabularies of 300 scenes: most words, in a twentieth of the time."""
    for module in (data, blip, blip_2, blip_vqa):
        monkeypatch.setattr(module, "learn_words", partial(vocabulary, module.__name__))


@cache
def vocabulary(module, scenes=300):
    return LEARN_WORDS[module](scenes)


@pytest.fixture(autouse=True)
def _pictures_painted_once(monkeypatch):
    monkeypatch.setattr(data, "paint", paint)


@cache
def paint(*given, **options):
    return PAINT(*given, **options)


@pytest.fixture
def make_recipe(tmp_path):
    """Options of a short training: by default one step a stage, 80 images."""

    def make(name, scale=ONE_STEP, **options):
        return Recipe(tmp_path / name, tmp_path / f"{name}.safetensors", scale, threads=1, **{"pictures": 80} | options)

    return make


@pytest.fixture
def losses():
    """Reads the losses of a stage, of every stage by default; they must exist and be finite."""

    def read(recipe, stage="*", key="loss"):
        rows = [
            json.loads(line) for log in recipe.folder.glob(f"{stage}.jsonl") for line in log.read_text().splitlines()
        ]
        values = [row[key] for row in rows]
        assert values
        assert np.isfinite(values).all()
        return values

    return read
