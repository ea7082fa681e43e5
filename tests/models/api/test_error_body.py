"""Errors that a provider sends with status 200: each has the outcome of the same error with its own status."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone.core.errors import KeyRejected, ModelError, ModelRefused, ModelUnavailable, NoCredit
from telephone.models import barcode
from telephone.models.api.error_body import parse_error, reported_error
from telephone.models.api.error_mapping import from_reported, from_status

TEXT = "A red square."


def chat(content, reason="stop", **more):
    message = {"role": "assistant", "content": content}
    return {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": reason, **more}]}


ERRORS = [
    ({"error": {"message": "Rate limit exceeded", "code": 429}}, ModelUnavailable, "429.*Rate limit exceeded"),
    ({"error": {"message": "Slow.", "code": "rate_limit_exceeded"}}, ModelUnavailable, "lower flight="),
    ({"choices": [], "error": {"message": "Upstream died", "code": 502}}, ModelUnavailable, "502"),
    ({"error": "model is overloaded, try again"}, ModelUnavailable, "overloaded"),
    ({"object": "error", "message": "Too long.", "code": 400}, ModelError, "Too long"),
    ({"detail": "There is no such model."}, ModelError, "no such model"),
    ([{"error": {"code": 503, "status": "UNAVAILABLE", "message": "Busy."}}], ModelUnavailable, "Busy"),
    ({"error": {"message": "No.", "code": "content_policy_violation"}}, ModelRefused, "No"),
    ({"error": {"message": "No.", "code": "insufficient_quota"}}, NoCredit, "buy credit"),
    ({"error": {"message": "No.", "code": 402}}, NoCredit, "buy credit"),
    ({"error": {"message": "No.", "code": "invalid_api_key"}}, KeyRejected, "check the key"),
    ({"error": {"message": "This size is not known.", "code": "invalid_size"}}, ModelError, "invalid_size"),
]


@pytest.mark.parametrize(("body", "kind", "message"), ERRORS)
@pytest.mark.parametrize("provider", ["openai", "hf"])
def test_an_error_of_a_chat_with_status_200(remote_model, server, provider, body, kind, message):
    if provider == "hf" and isinstance(body, list):
        pytest.skip("the hub's client does not hand on a list")
    server.pages["/v1/chat/completions"] = "application/json", json.dumps(body).encode()
    (made,) = remote_model(f"{provider}/m", "image2text").generate_texts([barcode.draw(b"x")])
    assert type(made) is kind
    assert re.search(message, str(made))


@pytest.mark.parametrize(("body", "kind", "message"), ERRORS)
def test_an_error_of_an_image_or_of_vectors_with_status_200(remote_model, server, body, kind, message):
    server.pages["/v1/images/generations"] = "application/json", json.dumps(body).encode()
    server.pages["/v1/embeddings"] = "application/json", json.dumps(body).encode()
    (made,) = remote_model("openai/m").generate_images([TEXT])
    assert type(made) is kind
    with pytest.raises(kind) as raised:
        remote_model("openai/m", "embedder").embed_texts([TEXT])
    assert str(raised.value) == str(made)


@pytest.mark.parametrize("status", [400, 403, 429])
@pytest.mark.parametrize("code", ["billing_hard_limit_reached", "insufficient_quota"])
def test_an_account_without_credit_stops_the_run_whatever_the_status(status, code):
    error = from_status("m", status, {"error": {"message": "No.", "code": code}}, {"retry-after": "300"})
    assert type(error) is NoCredit
    assert "flight" not in str(error)
    assert isinstance(error, KeyRejected)  # which the engine stops at


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (chat("half a", "error"), ModelUnavailable),
        (chat("half a", "error", error={"code": 502, "message": "Gone."}), ModelUnavailable),
        (chat(None, "SAFETY"), ModelRefused),
        ({"id": "c", "choices": []}, ModelUnavailable),
        (chat(None), ModelError),
        (chat("<think>I see a", "length"), ModelError),
        (chat([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": TEXT}]), TEXT),
        (chat([{"type": "text", "text": "A red "}, {"type": "text", "text": "square."}]), TEXT),
        (chat([{"type": "image"}]), ModelError),
        (chat(f"<think>\nA blue…\n</think>\n\n{TEXT}"), TEXT),
        (chat(f"{TEXT}<|im_end|>"), TEXT),
    ],
)
def test_answers_and_failures_of_a_chat(remote_model, server, body, found):
    server.pages["/v1/chat/completions"] = "application/json", json.dumps(body).encode()
    (made,) = remote_model("openai/m", "image2text").generate_texts([barcode.draw(b"x")])
    value = getattr(made, "value", made)
    assert value == found if isinstance(found, str) else type(value) is found


def test_an_answer_is_no_error():
    assert reported_error(chat(TEXT)) is None
    assert reported_error({"data": [{"b64_json": "AAAA"}], "error": None, "message": "done"}) is None
    assert from_reported("m", {"data": [], "error": {}}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "code", "message", "detail", "choices", "status", "type"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_body_gives_an_outcome(body):
    for read in (body, json.dumps(body), json.dumps(body).encode()):
        found = parse_error(read)
        assert 400 <= found.meaning() < 600
        assert isinstance(from_status("m", 400, read, {}), ModelError)
    found = from_reported("m", body)
    assert found is None or isinstance(found, ModelError)


def test_a_deeply_nested_body_is_no_reason_to_fail():
    assert isinstance(from_status("m", 400, "[" * 100_000, {}), ModelError)
