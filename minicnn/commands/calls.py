"""The grammar of `minicnn train --layers`: objects, written as the calls that make them.

    calls    = call call ...           between them spaces, or commas
    call     = Name | Name(value, ..., option=value, ...)
    value    = a number, a text with or without quotes, True, False, None, a tuple or list of values

    Conv2D(16, 3, padding=same) BatchNorm() ReLU() MaxPool2D(2) Flatten() Dense(10)

The text is taken apart by Python's own parser, and only the forms above are given a meaning: nothing is run. A name is
looked up among those that are allowed at its place, such as minicnn's layers.
"""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

LONGEST = 100_000  # letters: thousands of layers
OPEN, CLOSED = "([{", ")]}"


class CallError(ValueError):
    """A text that makes no object; the message says why, and what does."""


def make_all(text: str, known: Mapping[str, Callable], what: str) -> list[Any]:
    """Make an object of each call in a text.

    Parameters
    ----------
    text : str
        Such as "Flatten() Dense(10)".
    known : mapping of str to class
        What may be called, by name.
    what : str
        What these are, for messages: "layer".

    Returns
    -------
    objects : list

    Raises
    ------
    CallError
        If the text cannot be read, names something else, or an argument does not fit.
    """
    if len(text) > LONGEST:
        raise CallError(f"{len(text):,} letters are more than the {LONGEST:,} that are read.")
    return [make(part, known, what) for part in split_calls(text)]


def make(text: str, known: Mapping[str, Callable], what: str, defaults: Mapping[str, Any] | None = None) -> Any:
    """Make the object of one call.

    Parameters
    ----------
    text, known, what
        As for `make_all`.
    defaults : mapping of str to value, optional
        Arguments that come from elsewhere: used where the class has such an argument and the text does not give it.

    Returns
    -------
    made : object

    Raises
    ------
    CallError
    """
    name, positional, named = read_call(text, known, what)
    signature = inspect.signature(known[name])
    for option in named:
        if option not in signature.parameters:
            options = ", ".join(signature.parameters) or "none"
            raise CallError(
                f"{name} has no option {option!r}{did_you_mean(option, signature.parameters)} Its: {options}."
            )
    try:
        given = signature.bind_partial(*positional, **named).arguments
        rest = {k: v for k, v in (defaults or {}).items() if k in signature.parameters and k not in given}
        signature.bind(*positional, **named, **rest)  # says what is missing in plainer words than the call
        return known[name](*positional, **named, **rest)
    except (TypeError, ValueError, OverflowError) as error:
        raise CallError(f"{text} cannot be made: {error}") from error


def read_call(text: str, known: Mapping[str, Callable], what: str) -> tuple[str, list, dict[str, Any]]:
    """Read one call as its name, its arguments by place, and those by name; errors as `make`."""
    text = text.strip()
    form = f'A {what} is written as a call, such as "{next(iter(known))}(...)".'
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # MemoryError: nested too deeply
        raise CallError(f"{text[:80]!r} cannot be read. {form}") from error
    call = tree if isinstance(tree, ast.Call) else ast.Call(tree, [], [])
    if not isinstance(call.func, ast.Name):
        raise CallError(f"{text[:80]!r} is no {what}. {form}")
    name = call.func.id
    if name not in known:
        raise CallError(f"there is no {what} {name!r}{did_you_mean(name, known)} Known: {', '.join(known)}.")
    if any(keyword.arg is None for keyword in call.keywords):
        raise CallError(f"{text[:80]!r}: ** is not read here; write each option as name=value.")
    positional = [_value(argument, text) for argument in call.args]
    return name, positional, {keyword.arg: _value(keyword.value, text) for keyword in call.keywords}


def split_calls(text: str) -> list[str]:
    """Cut a text at the spaces and commas that are in no bracket."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in OPEN) - (letter in CLOSED)
        if depth <= 0 and (letter.isspace() or letter == ","):
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """End a sentence about an unknown name: with a question if there is a similar one, whatever its capitals."""
    lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    return f"; did you mean {lower[close[0]]!r}?" if close else "."


def _value(tree: ast.expr, text: str) -> Any:
    """A constant, or a bare word as a text."""
    if isinstance(tree, ast.Name):
        return tree.id
    try:
        return ast.literal_eval(tree)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        part = ast.get_source_segment(text, tree) or text
        raise CallError(f"{text[:80]!r}: {part[:40]!r} is no value. Values are 16, 0.5, same, True, (3, 3).") from error
