import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from telephone import models
from telephone.core.errors import ModelError, ModelRefused
from telephone.core.images import decode, encode_png
from telephone.models import barcode
from telephone.models.synthetic.fake import lose

SENTENCE = "A red apple on a table, with sunlight from a window and a cat that sleeps below."


@given(st.binary(max_size=3000))
def test_bytes_come_back_from_the_picture(data):
    assert barcode.read(decode(encode_png(barcode.draw(data, 32)))) == data


@given(st.integers(0, 2**32 - 1))
def test_another_picture_holds_no_bytes(seed):
    noise = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    assert barcode.read(Image.fromarray(noise)) is None


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])).filter(str.strip))
def test_without_loss_a_text_comes_back_as_it_was(text):
    image = models.text2image("fake/painter").generate_image(text, seed=1)
    assert models.image2text("fake/captioner").generate_text(image, seed=2) == text


def test_loss_depends_on_the_seed_alone():
    painter, captioner = models.text2image("fake/painter?loss=0.3"), models.image2text("fake/captioner")
    texts = [captioner.generate_text(painter.generate_image(SENTENCE, seed=seed)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert set(texts[0].split()) < set(SENTENCE.split())


def test_one_word_always_stays():
    assert lose(SENTENCE, 1.0, 5) == "A"


def test_failures_and_refusals_come_at_the_rate_that_was_asked_for():
    painter = models.text2image("fake/painter?fail=0.3&refuse=0.2")
    made = painter.generate_images([f"text {n}" for n in range(1000)], list(range(1000)))
    refused = sum(isinstance(each, ModelRefused) for each in made)
    failed = sum(isinstance(each, ModelError) for each in made) - refused
    assert 250 < failed < 350
    assert 150 < refused < 250
    with pytest.raises(ModelRefused, match="set to refuse"):
        models.text2image("fake/painter?refuse=1").generate_image("a")


def test_each_call_leaves_a_line_in_the_log(tmp_path: Path):
    log = tmp_path / "calls"
    painter = models.text2image(f"fake/painter?log={log}")
    painter.generate_images(["a", "b"], [1, 2])
    lines = log.read_text().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{painter.traits().fingerprint} ca978112")
    assert lines[0].endswith(" 1")


def test_delay_takes_time_and_is_not_in_the_fingerprint():
    slow, fast = models.text2image("fake/painter?delay=0.02"), models.text2image("fake/painter")
    clock = time.perf_counter()
    slow.generate_images(["a", "b"])
    assert time.perf_counter() - clock >= 0.04
    assert slow.traits().fingerprint == fast.traits().fingerprint
    assert models.text2image("fake/painter?loss=0.1").traits().fingerprint != fast.traits().fingerprint
    assert models.text2image("fake/painter?concurrency=4").traits().concurrency == 4


def test_a_stranger_s_picture_gets_words_that_depend_on_its_pixels():
    captioner = models.image2text("fake/captioner")
    texts = [captioner.generate_text(Image.new("RGB", (9, 9), colour)) for colour in ("red", "red", "blue")]
    assert texts[0] == texts[1] != texts[2]


def test_the_embedder_puts_texts_that_share_words_near_each_other():
    embedder = models.embedder("fake/embedder")
    vectors = embedder.embed_texts([SENTENCE, SENTENCE + " Really.", "stock market report", "", "..."])
    assert vectors.shape == (5, 256)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    assert vectors[0] @ vectors[1] > 0.9 > 0.4 > vectors[0] @ vectors[2]
    assert embedder.embed_texts([]).shape == (0, 256)
    image = models.text2image("fake/painter").generate_image(SENTENCE)
    np.testing.assert_array_equal(embedder.embed_images([image])[0], vectors[0])
