"""Objects that remember their constructor's arguments, each under the argument's own name.

From these follow the call that makes the same object again (`repr`) and the dictionary a checkpoint stores (`config`).
"""

import inspect


class Configured:
    """The base of objects that store each constructor argument in an attribute of the same name."""

    @property
    def config(self) -> dict:
        """The constructor's arguments, enough to make the same object again."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def __repr__(self) -> str:
        """Show the call that makes this object, without the arguments that have their default."""
        parameters = inspect.signature(type(self)).parameters.values()
        shown = [
            repr(getattr(self, p.name)) if p.default is p.empty else f"{p.name}={getattr(self, p.name)!r}"
            for p in parameters
            if p.default is p.empty or getattr(self, p.name) != p.default
        ]
        return f"{type(self).__name__}({', '.join(shown)})"
