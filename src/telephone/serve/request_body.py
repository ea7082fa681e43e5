"""Reads a request body: limited JSON in UTF-8, then the schema; the work of a hostile body is bounded beforehand.

The functions here are called in worker threads, so that the event loop answers other requests meanwhile. One call of
the JSON library holds the interpreter's lock until it returns, so the number of values is checked before it.
"""

import json
import re
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from telephone.serve.error_responses import ApiError, bad_request

Schema = TypeVar("Schema", bound=BaseModel)

MAX_VALUES = 100_000
"""Maximum number of values in a body: enough for every valid request, and parsed within a fraction of a second."""
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{,:]', re.DOTALL)
"""A text, or a sign that precedes a value."""
_INTERNAL_STEPS = ("body", "parts", "texts", "one")
"""Parts of the location of an error that are no fields of the request."""


def parse_body(body: bytes, schema: type[Schema]) -> Schema:
    """Returns the request that a body holds.

    Args:
        body: the bytes of the request.
        schema: class of the request.

    Raises:
        ApiError: the body is not UTF-8, not JSON, too large in numbers of values, or does not fit the schema. The
            message names the field and never quotes its value.
    """
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MAX_VALUES and _has_too_many(body):
        raise bad_request(f"The body holds more than {MAX_VALUES:,} values; send fewer.", "too_many_values")
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_reject)
    except UnicodeDecodeError:
        raise bad_request("The body is not UTF-8; encode the JSON as UTF-8.", "invalid_encoding") from None
    except RecursionError:
        raise bad_request("The body is nested too deeply; send a flat object.", "invalid_json") from None
    except ValueError:  # also a number of thousands of digits
        raise bad_request('The body is not JSON; send an object such as {"model": …}.', "invalid_json") from None
    if not isinstance(value, dict):
        raise bad_request('The body is not a JSON object; send one such as {"model": …}.', "invalid_json")
    if b"\\u" in body:
        _check_unicode(value)
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        raise _invalid(error) from None


def _has_too_many(body: bytes) -> bool:
    """Counts the values outside of texts, and stops at the limit."""
    return any(number > 2 * MAX_VALUES for number, _ in enumerate(_TOKEN.finditer(body)))


def _reject(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")


def _check_unicode(value: Any) -> None:
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            waiting += [*found, *found.values()]
        elif isinstance(found, list):
            waiting += found
        elif isinstance(found, str) and not _encodable(found):
            raise bad_request("A text holds half of a surrogate pair; send valid Unicode.", "invalid_encoding")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _invalid(error: ValidationError) -> ApiError:
    """Returns the response for the first error of a schema."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    steps = [step for step in first["loc"] if step not in _INTERNAL_STEPS]
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    return bad_request(f"{where or 'The body'}: {str(first['msg']).rstrip('.')}.")
