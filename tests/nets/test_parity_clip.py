"""CLIP with the paper's encoders against transformers.CLIPModel: the same random weights give the same numbers.

The pocket encoders put convolutions before the transformers and pool by attention with several queries, which
CLIPModel has not; the transformers between are what is compared here.
"""

import pytest
import torch
from transformers import CLIPConfig, CLIPModel

from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig, contrastive_loss

WORDS = 9 + 4
TOKENS = torch.tensor([[1, 4, 5, 6, 2], [1, 7, 2, 0, 0], [1, 12, 11, 2, 0]])
PICTURES = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def ours():
    vision = VisionConfig(image_size=16, patch=4, stem=(), width=24, layers=2, heads=3, queries=0)
    shape = {"max_tokens": 10, "width": 16, "layers": 2, "heads": 2}
    text = ClipTextConfig(words=tuple("abcdefghi"), convolutions=0, queries=0, **shape)
    net = Clip(ClipConfig(vision, text, embedding=12))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
        net.logit_scale.fill_(1.7)
    return net.eval()


@pytest.fixture(scope="module")
def answer(ours):
    """What the twin says; its vocabulary runs backwards, because it takes an `<eos>` of number 2 for an old mistake."""
    text = {
        "vocab_size": WORDS, "hidden_size": 16, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "max_position_embeddings": 10,
        "eos_token_id": WORDS - 1 - 2, "bos_token_id": WORDS - 1 - 1, "pad_token_id": WORDS - 1,
    }  # fmt: skip
    vision = {
        "hidden_size": 24, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 3,
        "image_size": 16, "patch_size": 4,
    }  # fmt: skip
    twin = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)).eval()
    with torch.no_grad():
        copy_vision(ours.image_encoder, twin)
        copy_text(ours.text_encoder, twin)
        twin.logit_scale.copy_(ours.logit_scale)
        return twin(input_ids=WORDS - 1 - TOKENS, pixel_values=PICTURES, return_loss=True)


def copy_vision(encoder, twin):
    theirs = twin.vision_model
    theirs.embeddings.class_embedding.copy_(encoder.class_token)
    theirs.embeddings.patch_embedding.weight.copy_(encoder.stem[0].weight)
    theirs.embeddings.position_embedding.weight.copy_(encoder.position)
    copy_layers(encoder.blocks, theirs.encoder.layers)
    same([(encoder.norm_before, theirs.pre_layrnorm), (encoder.norm, theirs.post_layernorm)])
    same([(encoder.projection, twin.visual_projection)])


def copy_text(encoder, twin):
    theirs = twin.text_model
    theirs.embeddings.token_embedding.weight.copy_(encoder.token.weight.flip(0))
    theirs.embeddings.position_embedding.weight.copy_(encoder.position)
    copy_layers(encoder.blocks, theirs.encoder.layers)
    same([(encoder.norm, theirs.final_layer_norm), (encoder.projection, twin.text_projection)])


def copy_layers(blocks, layers):
    for block, layer in zip(blocks, layers, strict=True):
        attention, theirs = block.attention, layer.self_attn
        same([(block.norm1, layer.layer_norm1), (block.norm2, layer.layer_norm2)])
        same([(block.grow, layer.mlp.fc1), (block.shrink, layer.mlp.fc2)])
        same([(attention.query, theirs.q_proj), (attention.out, theirs.out_proj)])
        for name in ("weight", "bias"):
            key, value = getattr(attention.key_value, name).chunk(2)
            getattr(theirs.k_proj, name).copy_(key)
            getattr(theirs.v_proj, name).copy_(value)


def same(pairs):
    for ours, theirs in pairs:
        theirs.load_state_dict(ours.state_dict())


def unit(x):
    return torch.nn.functional.normalize(x, dim=-1)


def test_image_tower(ours, answer):
    sequence = ours.image_encoder.sequence(PICTURES)
    assert torch.allclose(sequence, answer.vision_model_output.last_hidden_state, atol=1e-4)
    assert torch.allclose(unit(ours.encode_image(PICTURES)), answer.image_embeds, atol=1e-5)


def test_text_tower(ours, answer):
    sequence, embedding = ours.text_sequence(TOKENS)
    assert torch.allclose(sequence, answer.text_model_output.last_hidden_state, atol=1e-4)
    assert torch.allclose(unit(embedding), answer.text_embeds, atol=1e-5)
    assert torch.equal(embedding, ours.encode_text(TOKENS))


def test_logits_and_loss(ours, answer):
    logits = ours(PICTURES, TOKENS)
    assert torch.allclose(logits, answer.logits_per_image, atol=1e-4)
    assert torch.allclose(contrastive_loss(logits), answer.loss, atol=1e-5)
