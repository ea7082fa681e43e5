"""The recipes of BLIP and Stable Diffusion from end to end: a file comes out that the model loads."""

import pytest

from telephone import world
from telephone.models import image2text, text2image
from telephone.nets.checkpoint import read_metadata
from telephone.train import blip, stable_diffusion


@pytest.mark.slow
@pytest.mark.parametrize("name", ["blip", "stable-diffusion"])
def test_a_recipe_makes_a_file_that_plays(name, make_recipe, losses, tmp_path, monkeypatch):
    module = {"blip": blip, "stable-diffusion": stable_diffusion}[name]
    recipe = make_recipe(name)
    path = module.main(recipe)
    _, about = read_metadata(path)
    assert about["model"] == f"pocket/{name}"
    assert about["steps"] == dict.fromkeys(module.STAGES, 1)
    losses(recipe)
    assert module.main(recipe).read_bytes() == path.read_bytes()
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    if name == "blip":
        texts = image2text("pocket/blip").generate_texts([world.render(world.Scene())] * 2, [0, 0])
        assert texts[0] == texts[1]
    else:
        assert text2image("pocket/stable-diffusion?steps=2").generate_images(["a red apple"], [0])[0].size == (64, 64)
