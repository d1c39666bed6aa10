"""What a program told at ``/metrics``, read as Prometheus reads it."""

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

Sample = tuple[str, frozenset[tuple[str, str]]]
"""The name, and the labels."""


@dataclass(frozen=True)
class Scraped:
    """``numbers`` by the sample's name and its labels."""

    numbers: dict[Sample, float]

    @classmethod
    def of(cls, text: str) -> "Scraped":
        return cls(
            {
                (sample.name, frozenset(sample.labels.items())): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
        )

    def __getitem__(self, name: str) -> float:
        """Of the one sample of this name that has no labels."""
        return self.numbers[name, frozenset()]

    def of_each(self, name: str, label: str) -> dict[str, float]:
        """By the one label's value, of those that are not nought."""
        return {
            dict(labels)[label]: value for (known, labels), value in self.numbers.items() if known == name and value
        }

    def sum_of(self, name: str) -> float:
        return sum(value for (known, _), value in self.numbers.items() if known == name)

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.numbers}
