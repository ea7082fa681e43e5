from telephone import models, world


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
