"""`pocket/clipdraw`: the same bytes in any batch, film, SVG, options and what it refuses."""

import numpy as np
import pytest

from telephone.core.errors import ModelError, UsageError
from telephone.models import text2image
from telephone.models.base import FilmModel
from telephone.models.pocket.vqgan_clip import frames_of

QUICK = "pocket/clipdraw?steps=2&views=1&shapes=3"
TEXT = "a red apple"


@pytest.fixture(scope="module")
def drawn():
    return text2image(QUICK).generate_images([TEXT, "a blue boat", TEXT], [7, 7, 8])


def test_a_drawing_has_the_same_bytes_in_any_batch(drawn):
    (alone,) = text2image(QUICK).generate_images([TEXT], [7])
    assert alone.size == (64, 64)
    assert alone.tobytes() == drawn[0].tobytes()
    assert len({image.tobytes() for image in drawn}) == 3


def test_film_frames_and_svg_are_of_the_same_drawing(drawn):
    model = text2image(QUICK)
    assert isinstance(model, FilmModel)
    film = model.film(TEXT, 7)
    assert len(film) == 3
    assert film[-1].tobytes() == drawn[0].tobytes()
    (row,) = text2image(f"{QUICK}&frames=2").generate_images([TEXT], [7])
    assert [frame.tobytes() for frame in frames_of(row)] == [frame.tobytes() for frame in film]
    assert model.svg(TEXT, 7).count("<path") == 3


def test_options_change_the_drawing_and_the_fingerprint(drawn):
    prints = {text2image(QUICK).traits().fingerprint}
    for option in ("form=strokes", "goal=text", "views=2", "steps=3", "shapes=4"):
        name = option.split("=")[0]
        rest = [part for part in QUICK.split("?")[1].split("&") if not part.startswith(f"{name}=")]
        model = text2image(f"pocket/clipdraw?{'&'.join([*rest, option])}")
        prints.add(model.traits().fingerprint)
        if name in ("form", "goal"):
            (image,) = model.generate_images([TEXT], [7])
            assert np.asarray(image).std() > 0
            assert image.tobytes() != drawn[0].tobytes()
    assert len(prints) == 6


def test_weighted_and_negative_prompts():
    both, plain = (text2image(QUICK).generate_images([text], [1])[0] for text in (f"{TEXT} | a dog:-0.3", TEXT))
    assert both.tobytes() != plain.tobytes()
    with pytest.raises(ModelError, match="is empty"):
        text2image(QUICK).film("a cat | ", 0)


def test_frames_that_cannot_be():
    with pytest.raises(UsageError, match="need at least as many steps"):
        text2image("pocket/clipdraw?steps=2&frames=3")
    with pytest.raises(UsageError, match="best_of"):
        text2image("pocket/clipdraw?steps=2&frames=1&best_of=2")
