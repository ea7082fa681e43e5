"""The table of models: the longest family of names decides, and no model is named in the code."""

from pathlib import Path

from telephone.models.api import model_catalog as catalog_module
from telephone.models.api import prices as prices_module
from telephone.models.api.model_catalog import CatalogEntry, catalog_entry

SOURCES = Path(prices_module.__file__).parent


def test_the_longest_family_decides_and_a_likeness_is_none():
    assert catalog_entry("openai", "gpt-image-1-mini").retired == "2026-12-01"
    assert catalog_entry("openai", "gpt-image-2.6-sunburst") == CatalogEntry(kind="text2image")
    assert catalog_entry("openai", "gpt-5-mini").kind == "image2text"
    assert catalog_entry("openai", "gpt-50") == CatalogEntry()
    assert catalog_entry("replicate", "salesforce/blip:2e1d").opening == "Caption:"
    assert catalog_entry("replicate", "salesforce/blip-3") == CatalogEntry()


def test_no_model_has_a_name_in_the_code():
    names = [name for rows in catalog_module._table().values() for name in rows]
    names += [name for rows in prices_module._table().values() for name in rows]
    for path in SOURCES.glob("*.py"):
        code = path.read_text()
        assert not [name for name in names if f'"{name}"' in code or f"'{name}'" in code], path.name
