"""Prices: every row has a date and a source, and an unknown price is never 0."""

import re

import pytest

from telephone import models
from telephone.models.api import Price, Usage, price_of
from telephone.models.api import prices as prices_module


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
        (price_of("openai", "unlisted-model"), Usage(input=5, output=5)),
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
