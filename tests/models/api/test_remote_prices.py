"""What is known of prices and models is data that makes sense, and what is not known is never free."""

import re
from pathlib import Path

import pytest

from telephone import models
from telephone.models.api import Price, Usage, price_of
from telephone.models.api import model_catalog as models_module
from telephone.models.api import prices as prices_module
from telephone.models.api.error_mapping import from_status, is_refusal, retry_after
from telephone.models.api.model_catalog import CatalogEntry, catalog_entry

SOURCES = Path(prices_module.__file__).parent


def test_every_price_has_a_day_and_a_source():
    for rows in prices_module._table().values():
        for name, price in rows.items():
            assert re.fullmatch(r"20\d\d-\d\d-\d\d", price.date), name
            assert price.source, name
            assert price.expected() is None or 0 < price.expected() < 1, name


def test_costs():
    tokens = Price(input=2.0, output=10.0, typical=(1000, 100))
    assert tokens.cost(Usage(input=500_000, output=100_000)) == pytest.approx(2.0)
    assert tokens.expected() == pytest.approx(0.003)
    assert Price(input=2.0).cost(Usage(input=500_000, output=0)) == pytest.approx(1.0)
    assert Price(item=0.04).cost(Usage(items=3)) == pytest.approx(0.12)
    assert Price(second=0.001).cost(Usage(seconds=2.5)) == pytest.approx(0.0025)


@pytest.mark.parametrize(
    ("price", "usage"),
    [
        (Price(), Usage()),
        (Price(second=1), Usage()),
        (Price(input=1, output=1), Usage(input=5)),
        (Price(input=1, output=1), Usage(output=5)),
        (Price(input=1), Usage(input=5, output=5)),
        (price_of("openai", "nobody-knows"), Usage(input=5, output=5)),
        (price_of("hf", "org/model"), Usage()),
    ],
)
def test_what_is_not_known_is_unknown(price, usage):
    assert price.cost(usage) is None


def test_a_dated_name_has_the_price_of_its_model():
    assert price_of("openai", "gpt-6-luna-2026-09-22") == price_of("openai", "gpt-6-luna") != Price()
    assert price_of("openai", "gpt-6-lunatic") == Price()
    assert price_of("replicate", "black-forest-labs/flux-schnell:abc").item == 0.003


def test_another_server_has_not_the_price_of_the_company():
    assert models.load_model("openai/gpt-6-luna").traits().price is not None
    assert models.load_model("openai/gpt-6-luna?base_url=https://other.example/v1").traits().price is None
    assert models.load_model("openai/gpt-6-luna?base_url=https://other.example/v1&price=0.01").traits().price == 0.01
    assert models.load_model("replicate/some/one:1?kind=text2image&price_second=0.001").traits().price is None


def test_the_longest_family_decides_and_a_likeness_is_none():
    assert catalog_entry("openai", "gpt-image-1-mini").retired == "2026-12-01"
    assert catalog_entry("openai", "gpt-image-2.6-sunburst") == CatalogEntry(kind="text2image")
    assert catalog_entry("openai", "gpt-5-mini").kind == "image2text"
    assert catalog_entry("openai", "gpt-50") == CatalogEntry()
    assert catalog_entry("replicate", "salesforce/blip:2e1d").opening == "Caption:"
    assert catalog_entry("replicate", "salesforce/blip-3") == CatalogEntry()


def test_no_model_has_a_name_in_the_code():
    names = [name for rows in models_module._table().values() for name in rows]
    names += [name for rows in prices_module._table().values() for name in rows]
    for path in SOURCES.glob("*.py"):
        code = path.read_text()
        assert not [name for name in names if f'"{name}"' in code or f"'{name}'" in code], path.name


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
    assert passing == {402, 408, 409, 429, 503}
    assert set(names.values()) == {"ModelUnavailable", "ModelError", "KeyRejected"}
    assert names[401] == "KeyRejected"
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
