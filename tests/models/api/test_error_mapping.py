"""HTTP statuses, refusals and the delay that a provider requests before a retry."""

import pytest

from telephone.models.api.error_body import is_refusal
from telephone.models.api.error_mapping import from_status, retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_is_asked_for(headers, seconds):
    assert retry_after(headers) == seconds


def test_statuses_and_refusals():
    names = {
        status: type(from_status("x", status, "", {})).__name__
        for status in (302, 400, 401, 402, 408, 409, 422, 429, 503)
    }
    passing = {status for status, name in names.items() if name == "ModelUnavailable"}
    assert passing == {408, 409, 429, 503}
    assert set(names.values()) == {"ModelUnavailable", "ModelError", "KeyRejected", "NoCredit"}
    assert (names[401], names[402]) == ("KeyRejected", "NoCredit")
    assert is_refusal("content_policy_violation")
    assert is_refusal("", "The input was flagged as sensitive. (E005)")
    assert not is_refusal("invalid_size", "This size is not known.")
    odd = [
        None,
        b"\xff",
        "[]",
        '{"detail": ["a", {"b": 1}]}',
        '{"error": {"code": 7, "message": null}}',
        "<html>secret</html>",
    ]
    for body in odd:
        assert "secret" not in str(from_status("x", 400, body, {}))
