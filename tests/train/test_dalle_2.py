"""The recipe of `pocket/dalle-2` from end to end, on toy weights of the recipes that it starts from."""

import numpy as np
import pytest
import torch

from telephone.nets.checkpoint import read_metadata, read_weights, save_weights
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig
from telephone.nets.dalle_2 import UnClip, UnClipConfig
from telephone.nets.stable_diffusion import LatentDiffusion, LatentDiffusionConfig, TextEncoderConfig, UNetConfig
from telephone.train import dalle_2
from telephone.train.dalle_2_data import NEW, build, prepare

WORDS = ("a", "the", "red", "cat", "left", "of")


@pytest.fixture
def recipe(tmp_path, make_recipe):
    torch.manual_seed(1)
    vision = VisionConfig(stem=(), patch=32, width=16, layers=1, heads=2)
    clip = Clip(ClipConfig(vision, ClipTextConfig(WORDS, width=16, layers=1, heads=2), embedding=100))
    save_weights(tmp_path / "clip.safetensors", clip, clip.config, {})
    text = TextEncoderConfig(WORDS, width=16, layers=1, heads=2)
    unet = UNetConfig(widths=(16, 24), heads=2, expand=(2, 2), context_width=16, time_width=16)
    drawer = LatentDiffusion(LatentDiffusionConfig(text=text, unet=unet))
    path = tmp_path / "stable-diffusion.safetensors"
    save_weights(path, drawer, drawer.config, {}, ("text_encoder.", "unet."))
    return make_recipe("dalle-2", pictures=64)


@pytest.mark.slow
def test_the_recipe_writes_two_files_and_resumes(recipe, losses, capsys):
    path = dalle_2.main(recipe)
    files = [path, path.with_name("dalle-2-prior.safetensors")]
    config, about = read_metadata(files[0])
    assert about["model"] == "pocket/dalle-2"
    assert len(about["clip"]) == 64
    net = UnClip(UnClipConfig.from_dict(config))
    read_weights(files, net)
    assert not torch.equal(net.space.std, torch.ones(100))
    for name in ("upsampler", "decoder", "prior", "ar-prior"):
        losses(recipe, name)
        assert list((recipe.folder / "samples").glob(f"{name}-last.*"))
    assert (recipe.folder / "samples" / "last.png").exists()
    before = files[0].read_bytes()
    capsys.readouterr()
    dalle_2.main(recipe)
    assert capsys.readouterr().out.count("resumes at step 1 of 1") == 4
    assert files[0].read_bytes() == before


def test_the_decoder_starts_from_latent_diffusion(recipe):
    recipe.start()
    net = build(recipe)
    drawer = LatentDiffusion(
        LatentDiffusionConfig.from_dict(read_metadata(recipe.folder / "stable-diffusion.start")[0])
    )
    read_weights_of(recipe, drawer)
    assert torch.equal(net.text_encoder.token.weight, drawer.text_encoder.token.weight)
    learned = drawer.unet.state_dict()
    taken = {name for name, value in net.decoder.state_dict().items() if name in learned and not name.startswith(NEW)}
    assert all(torch.equal(net.decoder.state_dict()[name], learned[name]) for name in taken)
    assert set(learned) - taken == {"conv_in.1.weight", "conv_in.1.bias", "out.2.weight", "out.2.bias"}
    assert net.config.unet.patch == 4


def read_weights_of(recipe, drawer):
    """Reads all but the autoencoder, which the recipe does not use."""
    rest = recipe.folder / "autoencoder.safetensors"
    save_weights(rest, drawer, drawer.config, {}, ("autoencoder.",))
    read_weights([recipe.folder / "stable-diffusion.start", rest], drawer)


def test_what_it_starts_from_is_kept_whatever_is_learned_meanwhile(recipe):
    recipe.start()
    first = build(recipe)
    recipe.weights.with_name("stable-diffusion.safetensors").write_bytes(b"something else")
    again = build(recipe)
    assert torch.equal(first.text_encoder.token.weight, again.text_encoder.token.weight)


def test_training_pictures_are_the_mean_of_four_pixels(recipe):
    recipe.start()
    images = prepare(recipe, dalle_2.TrainingSet(recipe).clip)
    large = dalle_2.data.paint("draw 0", 64, masks=True, still=True)
    mean = large.pixels.astype(float).reshape(64, 32, 2, 32, 2, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2)
    assert np.abs(images.pixels.numpy() - mean).max() <= 0.5
    assert images.embeddings.shape == (64, 100)
    assert torch.allclose(images.embeddings.norm(dim=1), torch.ones(64), atol=1e-2)
    assert 1 == images.weight.min() < images.weight.max()
