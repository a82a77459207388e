"""The result of the linear probe, and its panels."""

from dataclasses import dataclass

from ganlens.panels import Panel
from ganlens.probes.linear.numbers import LinearProbeNumbers
from ganlens.probes.linear.panels import confusion, curve, layers, table


@dataclass(frozen=True)
class LinearProbeResult(LinearProbeNumbers):
    """Held-out accuracies of linear SVMs on several sets of features; see its base."""

    def panels(self) -> list[Panel]:
        """Return the table, the layers' figure, the confusion matrix and any learning curve."""
        found: list[Panel] = [table(self), layers(self), confusion(self)]
        return [*found, *curve(self)] if len(self.few_labels) else found
