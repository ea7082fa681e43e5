"""The recipe that trains the decoder of `pocket/dalle-2` again, on a toy net of the first recipe."""

import pytest
import torch

from telephone.nets import diffusion
from telephone.nets.checkpoint import read_metadata, read_tensors, read_weights, save_weights
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig
from telephone.nets.dalle_2 import UnClip, UnClipConfig
from telephone.nets.dalle_2_prior import PriorConfig
from telephone.nets.stable_diffusion import TextEncoderConfig, UNetConfig
from telephone.train import dalle_2_decoder
from telephone.train.dalle_2_data import TrainingSet, tokenized

WORDS = ("a", "the", "red", "cat", "left", "of")
REST = ("space.", "text_encoder.", "upsampler.", "prior.", "ar_prior.")


@pytest.fixture
def recipe(tmp_path, make_recipe):
    torch.manual_seed(1)
    vision = VisionConfig(stem=(), patch=32, width=16, layers=1, heads=2)
    clip = Clip(ClipConfig(vision, ClipTextConfig(WORDS, width=16, layers=1, heads=2), embedding=100))
    save_weights(tmp_path / "clip.safetensors", clip, clip.config, {})
    text = TextEncoderConfig(WORDS, width=16, layers=1, heads=2)
    unet = UNetConfig(3, 32, 4, widths=(16, 24), heads=2, expand=(2, 2), context_width=16, time_width=16)
    prior = PriorConfig(16, 100, clip.config.text.max_tokens, 16, 1, shortcut=True)
    net = UnClip(UnClipConfig(100, text, unet, prior=prior, ar_prior=prior))
    save_weights(tmp_path / "dalle-2.safetensors", net, net.config, {}, ("decoder.",))
    save_weights(tmp_path / "dalle-2-prior.safetensors", net, net.config, {}, REST)
    return make_recipe("dalle-2-decoder", pictures=128)


@pytest.mark.slow
def test_the_recipe_replaces_the_decoder_and_nothing_else(recipe, losses):
    recipe.start()
    before = dalle_2_decoder.build(recipe)
    path = dalle_2_decoder.main(recipe)
    assert path.name == "dalle-2.safetensors"
    config = UnClipConfig.from_dict(read_metadata(path)[0])
    assert config.conditioning == dalle_2_decoder.CONDITIONING
    net = UnClip(config)
    read_weights([path, path.with_name("dalle-2-prior.safetensors")], net)
    assert torch.equal(net.text_encoder.token.weight, before.text_encoder.token.weight)
    assert {name.split(".")[0] for name in read_tensors(path)} == {"decoder"}
    losses(recipe, "decoder")
    content = path.read_bytes()
    assert dalle_2_decoder.main(recipe).read_bytes() == content


def test_the_projection_starts_as_the_regression_to_text_vectors(recipe):
    recipe.start()
    net, training = dalle_2_decoder.build(recipe), TrainingSet(recipe)
    tokens = tokenized(training.images, net.config.text)
    dalle_2_decoder.start_projection(net, training.images, tokens)
    with torch.no_grad():
        image = net.space.normalise(training.images.embeddings)
        white = image @ net.decoder.whitener
        words = net.text_encoder(tokens[0])
        error = (net.decoder.project(image) - words).square().mean()
    assert off_diagonal(white) < 0.5 * off_diagonal(image)
    assert error < 0.9 * (words - words.mean(0)).square().mean()


def test_training_goes_on_from_a_decoder_of_this_recipe(recipe):
    recipe.start()
    net, training = dalle_2_decoder.build(recipe), TrainingSet(recipe)
    dalle_2_decoder.start_projection(net, training.images, tokenized(training.images, net.config.text))
    save_weights(recipe.folder / "dalle-2.start", net, net.config, {}, ("decoder.",))
    again = dalle_2_decoder.build(recipe)
    for name, value in again.decoder.state_dict().items():
        expected = net.decoder.state_dict()[name]
        assert torch.allclose(value, expected, rtol=2e-3, atol=1e-2 * float(expected.abs().mean())), name


def test_a_null_embedding_far_from_all_others_starts_at_their_mean(recipe):
    recipe.start()
    net = dalle_2_decoder.build(recipe)
    with torch.no_grad():
        net.decoder.null_image.fill_(50.0)
    trained = dalle_2_decoder.train(recipe, net, TrainingSet(recipe))
    assert trained.decoder.null_image.abs().max() < 0.1


def off_diagonal(rows):
    """Returns the mean absolute covariance of two directions as a share of the mean variance."""
    covariance = torch.cov(rows.T)
    return (covariance - covariance.diagonal().diag()).abs().mean() / covariance.diagonal().mean()


def test_times_are_a_quarter_uniform():
    t = dalle_2_decoder.mixed_times(400, torch.Generator().manual_seed(0))
    assert ((t >= 0) & (t < 1)).all()
    assert (t < 0.2).float().mean() == pytest.approx(0.25 * 0.2 + 0.75 * 0.2**4, abs=0.01)


def test_the_input_is_the_estimate_where_there_is_no_noise():
    x, net = torch.randn(3, 3, 4, 4), torch.randn(3, 3, 4, 4)
    t = torch.tensor([0.0, 0.5, 0.99])
    mixed = diffusion.with_skip(net, x, t, 0.09)
    assert torch.allclose(mixed[0], x[0], atol=1e-5)
    assert (mixed[2] - net[2]).abs().max() < 0.01
    alpha, sigma = diffusion.alpha_sigma(t)
    share = 0.09**2 / (0.09**2 + (sigma / alpha) ** 2)
    assert torch.allclose(mixed[1], share[1] * x[1] / alpha[1] + (1 - share[1]) * net[1], atol=1e-6)
