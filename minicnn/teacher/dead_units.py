"""ReLU layers that give 0 for everything: no gradient comes through, and nothing before them learns any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..layers import ReLU

if TYPE_CHECKING:
    from ..model import Sequential

STEPS, EXAMPLES = 10, 256  # in a row without one unit at work, before it is said
GLANCE = 1024  # numbers looked at first: nearly always some unit is at work


class DeadUnits:
    """Looks at the outputs of the ReLU layers, which they keep between their forward and backward passes."""

    def __init__(self, model: Sequential):
        layers = zip(model.layer_names, model.layers, strict=True)
        self.relus = {name: layer for name, layer in layers if isinstance(layer, ReLU)}
        self.steps, self.examples = dict.fromkeys(self.relus, 0), dict.fromkeys(self.relus, 0)

    def look(self, learning_rate: float) -> str:
        """Take in one step's outputs, and say which layer is dead, the first of several."""
        for name, layer in self.relus.items():
            y = layer.cache
            if y.reshape(-1)[:GLANCE].any() or y.any():
                self.steps[name] = self.examples[name] = 0
                continue
            self.steps[name] += 1
            self.examples[name] += len(y)
            if self.steps[name] >= STEPS and self.examples[name] >= EXAMPLES:
                return self._say(name, learning_rate)
        return ""

    def _say(self, name: str, learning_rate: float) -> str:
        units = "x".join(map(str, self.relus[name].output_shape))
        return (
            f"all {units} units of {name} have given 0 for all {self.examples[name]:,} examples of the last "
            f"{self.steps[name]} steps. No gradient comes through, and the layers before {name} have stopped learning. "
            "Mostly one step was too large and threw the weights there. Make the model anew and try a tenth of the "
            f"learning rate, {learning_rate / 10:g}; BatchNorm before the ReLU, or LeakyReLU, helps, too."
        )
