"""The Q-Former: number for number that of transformers; who may look at whom; what each objective asks."""

import pytest
import torch
from transformers import Blip2QFormerConfig
from transformers.models.blip_2.modeling_blip_2 import Blip2QFormerModel

from telephone.nets.generation import Decoding
from telephone.nets.qformer import QFormer, QFormerConfig

CONFIG = QFormerConfig(
    words=tuple("abcdefgh"), queries=3, width=16, layers=2, heads=4, image_width=12, max_tokens=9, embedding=8
)


@pytest.fixture
def net():
    return shaken(QFormer(CONFIG))


@pytest.fixture
def patches():
    return torch.randn(2, 5, 12, generator=torch.Generator().manual_seed(1))


TOKENS = torch.tensor([[1, 5, 6, 7, 2, 0], [1, 8, 9, 2, 0, 0]])


def shaken(net):
    """Gives every weight a random value: those that start at zero or one would hide mistakes."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return net.eval()


def theirs_of(net, every):
    """Returns transformers' Q-Former with our weights."""
    config = Blip2QFormerConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, encoder_hidden_size=12,
        cross_attention_frequency=every, use_qformer_text_input=True, layer_norm_eps=1e-5,
    )  # fmt: skip
    theirs = Blip2QFormerModel(config).eval()
    pairs = [(theirs.layernorm, net.norm)]
    for layer, block in zip(theirs.encoder.layer, net.blocks, strict=True):
        pairs += attention(layer.attention, block.self_attention, block.self_norm)
        if block.cross_attention is not None:
            pairs += attention(layer.crossattention, block.cross_attention, block.cross_norm)
        pairs += [
            (layer.intermediate_query.dense, block.query_mlp[0]),
            (layer.output_query.dense, block.query_mlp[2]),
            (layer.output_query.LayerNorm, block.query_norm),
            (layer.intermediate.dense, block.word_mlp[0]),
            (layer.output.dense, block.word_mlp[2]),
            (layer.output.LayerNorm, block.word_norm),
        ]
    for to, source in pairs:
        values = source if isinstance(source, dict) else source.state_dict()
        to.load_state_dict(values)
    return theirs


def attention(theirs, ours, norm):
    """Returns which of their layers takes which of our weights."""
    key, value = ours.key_value.weight.chunk(2)
    key_bias, value_bias = ours.key_value.bias.chunk(2)
    inner = theirs.attention
    return [
        (inner.query, ours.query),
        (inner.key, {"weight": key, "bias": key_bias}),
        (inner.value, {"weight": value, "bias": value_bias}),
        (theirs.output.dense, ours.out),
        (theirs.output.LayerNorm, norm),
    ]


@pytest.mark.parametrize("every", [1, 2])
@torch.no_grad()
def test_queries_and_words_come_out_as_those_of_transformers(patches, every):
    net = shaken(QFormer(QFormerConfig(**{**vars(CONFIG), "every": every})))
    theirs = theirs_of(net, every)
    queries = net.queries.expand(2, -1, -1)
    expected = theirs(query_embeds=queries, encoder_hidden_states=patches).last_hidden_state
    assert torch.allclose(net(patches)[0], expected, atol=1e-5)

    words = net.token(TOKENS) + net.position[:6]
    mask = torch.cat([torch.ones(2, 3, dtype=torch.long), (TOKENS != 0).long()], 1)
    both = theirs(torch.cat([queries, words], 1), 3, mask, patches).last_hidden_state
    expected = net.match_head(both[:, :3]).mean(1)
    assert torch.allclose(net.match(patches, TOKENS), expected, atol=1e-5)

    alone = theirs(words, 0, (TOKENS != 0).long()).last_hidden_state
    assert torch.allclose(net.encode_text(TOKENS), alone[:, 0], atol=1e-5)


@torch.no_grad()
def test_words_written_see_the_queries_and_earlier_words_only(net, patches):
    pasts = net(patches)[1]
    logits = net.next_word_logits(pasts, TOKENS)
    later = TOKENS.clone()
    later[:, 3:] = 11
    changed = net.next_word_logits(pasts, later)
    assert torch.equal(logits[:, :3], changed[:, :3])
    assert not torch.allclose(logits[:, 3:], changed[:, 3:])
    other = net.next_word_logits(net(patches.flip(0))[1], TOKENS)
    assert not torch.allclose(logits[:, 0], other[:, 0])


@torch.no_grad()
def test_a_text_alone_knows_no_image_and_no_padding(net):
    longer = torch.cat([TOKENS, torch.zeros(2, 3, dtype=torch.long)], 1)
    assert torch.allclose(net.encode_text(TOKENS), net.encode_text(longer), atol=1e-6)


@torch.no_grad()
def test_a_match_looks_at_both(net, patches):
    logits = net.match(patches, TOKENS)
    assert not torch.allclose(logits, net.match(patches.flip(0), TOKENS))
    assert not torch.allclose(logits, net.match(patches, TOKENS.flip(0)))
    padded = torch.cat([TOKENS, torch.zeros(2, 1, dtype=torch.long)], 1)
    assert torch.allclose(logits, net.match(patches, padded), atol=1e-6)


@torch.no_grad()
def test_contrast_takes_the_best_query(net, patches):
    found, _ = net(patches)
    _, similarity = net.itc_loss(found, TOKENS)
    texts = torch.nn.functional.normalize(net.text_projection(net.encode_text(TOKENS)), dim=-1)
    asked = torch.nn.functional.normalize(net.image_projection(found), dim=-1)
    scale = (-net.temperature).exp().clamp(max=100)
    best = max(float(asked[0, q] @ texts[1]) for q in range(3))
    assert similarity[0, 1] == pytest.approx(best * float(scale), rel=1e-4)


def test_losses_fall_when_pairs_are_learned(patches):
    torch.manual_seed(0)
    net = QFormer(CONFIG)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    for step in range(60):
        found, pasts = net(patches)
        itc, similarity = net.itc_loss(found, TOKENS)
        parts = itc, net.itm_loss(patches, TOKENS, similarity, generator), net.itg_loss(pasts, TOKENS)
        if step == 0:
            first = [part.item() for part in parts]
        optimizer.zero_grad()
        sum(parts).backward()
        optimizer.step()
    assert all(part.item() < before / 4 for part, before in zip(parts, first, strict=True))
    written = net.caption(patches, [0, 0], Decoding(limit=6)).tolist()
    assert written == [[5, 6, 7, 2, 0][: len(written[0])], [8, 9, 2, 0, 0][: len(written[0])]]


@torch.no_grad()
def test_writing_word_by_word_gives_what_writing_at_once_gives(net, patches):
    told = net.caption(patches, [0, 0], Decoding(limit=5))
    tokens = torch.cat([torch.ones(2, 1, dtype=torch.long), told], 1)
    again = net.next_word_logits(net(patches)[1], tokens)[:, :-1].argmax(-1)
    kept = told != 0
    assert torch.equal(told[kept], again[kept])


@torch.no_grad()
def test_the_queries_alone_find_the_same(net, patches):
    bare = net.without_words()
    assert torch.equal(bare(patches)[0], net(patches)[0])
    assert not any("word" in name or "token" in name for name in bare.state_dict())
