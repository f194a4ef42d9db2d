"""How many of the matching pairs an index finds, by a sample that is compared with all pictures."""

import math
from dataclasses import dataclass

CERTAINTY = 1.96  # deviations: 95 of 100 such intervals have the share in them


@dataclass(frozen=True, slots=True)
class Recall:
    """Of the pairs of sampled pictures that match, how many the index found."""

    pairs: int
    found: int
    sampled: int
    probes: int
    cells: int
    only_nearer: bool

    @property
    def share(self) -> float | None:
        """The share that was found; None where no pair matches."""
        return self.found / self.pairs if self.pairs else None

    @property
    def interval(self) -> tuple[float, float]:
        """Between what the share of all pairs lies, as if each were one by itself (Wilson)."""
        n, z = self.pairs, CERTAINTY
        if not n:
            return 0.0, 1.0
        share, more = self.found / n, z * z / n
        middle = (share + more / 2) / (1 + more)
        half = z * math.sqrt(share * (1 - share) / n + more / (4 * n)) / (1 + more)
        return max(0.0, middle - half), min(1.0, middle + half)

    @property
    def words(self) -> str:
        """What it says to people."""
        some = f"{self.probes:,} of {self.cells:,}"
        where = some if self.probes < self.cells else f"all {self.cells:,}"
        cells = f"each picture searched in {where} cells"
        sample = f"by {self.sampled:,} pictures compared with all"
        if self.share is None:
            return f"Index: {cells}; {sample} no pair matches, so nothing is known of its recall."
        low, high = self.interval
        return (
            f"Index: {cells}; of the pairs that match it finds {self.share:.4f} "
            f"({low:.4f} to {high:.4f} with 95 % certainty, {sample}: {self.found:,} of "
            f"{self.pairs:,} pairs)."
        )

    @property
    def facts(self) -> dict[str, object]:
        """The same, for --json."""
        low, high = self.interval
        return {
            "probes": self.probes,
            "cells": self.cells,
            "only_nearer": self.only_nearer,
            "sampled": self.sampled,
            "pairs": self.pairs,
            "found": self.found,
            "recall": self.share,
            "recall_from": low,
            "recall_to": high,
        }
