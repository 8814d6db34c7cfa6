"""Objects that remember their constructor's arguments, each under the argument's own name.

From these follow the call that makes the same object again (`repr`) and the dictionary a checkpoint stores (`config`).
"""

import inspect
from functools import cache


class Configured:
    """The base of objects that store each constructor argument in an attribute of the same name."""

    @property
    def config(self) -> dict:
        """The constructor's arguments, enough to make the same object again."""
        return {parameter.name: getattr(self, parameter.name) for parameter in _parameters(type(self))}

    def __repr__(self) -> str:
        """Show the call that makes this object, without the arguments that have their default."""
        shown = [
            repr(getattr(self, p.name)) if p.default is p.empty else f"{p.name}={getattr(self, p.name)!r}"
            for p in _parameters(type(self))
            if p.default is p.empty or getattr(self, p.name) != p.default
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


@cache
def _parameters(kind: type) -> tuple[inspect.Parameter, ...]:
    """The constructor's parameters; looked up once a class, for `config` is read in every forward pass."""
    return tuple(inspect.signature(kind).parameters.values())
