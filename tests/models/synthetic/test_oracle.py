from telephone import models, world
from telephone.analysis.inference.oracle_swaps import is_oracle
from telephone.models import list_models, perfect_partner


def test_the_renderer_draws_what_a_caption_says():
    scene = world.sample("medium", 3)
    text = world.caption(scene)
    renderer = models.text2image("oracle/renderer?size=96")
    image = renderer.generate_image(text, seed=5)
    assert image.size == (96, 96)
    assert image.tobytes() == world.render(world.parse(text), size=96, seed=5).tobytes()


def test_a_text_without_any_fact_is_still_a_picture():
    images = models.text2image("oracle/renderer").generate_images(["Colourless ideas sleep.", "..."], [1, 1])
    assert [image.size for image in images] == [(64, 64), (64, 64)]
    assert images[0].tobytes() == images[1].tobytes()


def test_every_lossless_partner_is_known_to_the_analysis():
    """The analysis reads runs without the models, so it recognises lossless models by their names."""
    partners = {card.perfect_partner for card in list_models()} - {""}
    partners |= {perfect_partner("pocket/any", "text2image"), perfect_partner("pocket/any", "image2text")}
    assert partners == {"oracle/reader", "oracle/renderer", "fake/teller", "fake/sketcher"}
    assert all(is_oracle(ref) for ref in partners)
    assert not is_oracle("pocket/blip")
