"""Checks that arguments of public functions have the names and types of their signatures.

A wrong argument is refused in one line before any work begins. Of options that are keys of the configuration
only the names are checked here; `config` checks their values.
"""

from __future__ import annotations

import functools
import inspect
import numbers
import os
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar, Union

from reportgen.errors import WrongArgument, in_brief, nearest, suggestion

_Asked = ParamSpec("_Asked")
_Given = TypeVar("_Given")


def checked(function: Callable[_Asked, _Given], options: Collection[str] = ()) -> Callable[_Asked, _Given]:
    """Return the function, wrapped to refuse arguments whose names or types do not fit its signature.

    Args:
        function: The names in its annotations must exist at run time.
        options: Names that its `**options` may have.

    Raises:
        WrongArgument: On a call with a wrong argument.
    """
    signature, called = inspect.signature(function), function.__qualname__
    own = [p.name for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]

    @functools.cache
    def kinds() -> dict[str, object]:
        annotations = {name: function.__annotations__[name] for name in own}
        return typing.get_type_hints(
            types.SimpleNamespace(__annotations__=annotations), inspect.unwrap(function).__globals__
        )

    @functools.wraps(function)
    def call(*args: _Asked.args, **kwargs: _Asked.kwargs) -> _Given:
        for name in kwargs:
            if name not in own and name not in options:
                raise WrongArgument(_unknown(called, name, [*own, *options]))
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise WrongArgument(f"{called}(): {error}") from None
        for name in own:
            several = signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
            for value in given.get(name, ()) if several else [given[name]] if name in given else ():
                if not _fits(value, kinds()[name]):
                    wanted = _in_words(kinds()[name], signature.parameters[name].annotation)
                    choices = _choices(kinds()[name])
                    hint = suggestion(value, choices, otherwise="") if isinstance(value, str) else ""
                    raise WrongArgument(
                        f"{called}(): {name} is {in_brief(value)}, wanted {wanted}", hint=hint
                    )
        return function(*args, **kwargs)

    return call


def _in_words(kind: object, annotation: str) -> str:
    return ", ".join(_choices(kind)) or annotation


def _choices(kind: object) -> tuple[str, ...]:
    return tuple(map(str, typing.get_args(kind))) if typing.get_origin(kind) is Literal else ()


def _unknown(function: str, name: str, known: Sequence[str]) -> str:
    near = nearest(name, known)
    hint = f". Did you mean '{near[0]}'?" if near else f"; it takes {', '.join(known)}"
    return f"{function}() got an unexpected keyword argument '{name}'{hint}"


def _fits(value: object, kind: object) -> bool:
    """Return whether a value is of an annotated type; numbers and paths of any library are accepted."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return any(isinstance(value, type(part)) and value == part for part in parts)
    if origin is tuple:
        return isinstance(value, tuple) and len(value) == len(parts) and all(map(_fits, value, parts))
    if origin is Sequence:
        texts = isinstance(value, (str, bytes))
        return isinstance(value, Sequence) and not texts and all(_fits(v, parts[0]) for v in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(
            _fits(k, parts[0]) and _fits(v, parts[1]) for k, v in value.items()
        )
    if kind is Path:
        return isinstance(value, os.PathLike) and isinstance(os.fspath(value), str)
    plain: object = {int: numbers.Integral, float: numbers.Real}.get(kind, origin or kind)  # type: ignore[call-overload]
    if isinstance(value, bool) and plain in (numbers.Integral, numbers.Real):
        return False
    return isinstance(value, plain)  # type: ignore[arg-type]
