"""Average precision and recall at a precision, over copies and their originals by sureness.

As the image similarity challenge of 2021 measures: of all pairs of a query and a reference that a
tool names, the surest first, micro average precision (M. Douze et al., The 2021 Image Similarity
Dataset and Challenge, 2021). Queries are edited copies and hard negatives, references originals.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from labelled import Item

PRECISE = 0.998


class Ranked(NamedTuple):
    """Micro average precision, and the most recall that a prefix of this precision has."""

    average_precision: float
    recall_precise: float
    recall_faultless: float


def ranked(
    groups: Sequence[Sequence[str]], sure: Sequence[float], known: Mapping[str, Item]
) -> Ranked | None:
    """The figures of a tool that says how sure it is of each group; None of one that doesn't."""
    if len(sure) != len(groups):
        return None
    named = [
        (sureness, right)
        for group, sureness in zip(groups, sure, strict=True)
        for right in answers([known[path] for path in group if path in known])
    ]
    wanted = sum(item.role == "edit" for item in known.values())
    return figures(named, wanted)


def answers(group: Sequence[Item]) -> Iterator[bool]:
    """For each pair of a query and an original in a group: is it right? Neutral ones apart.

    A query has one right answer, though several originals may be in it.
    """
    originals = [item for item in group if item.role in ("original", "negative")]
    for query in (item for item in group if item.role in ("edit", "negative")):
        references = [item for item in originals if item is not query]
        if query.role == "edit" and any(item.source in query.homes for item in references):
            yield True
        for item in references:
            if query.shows.isdisjoint(item.shows):
                yield False


def figures(named: Iterable[tuple[float, bool]], wanted: int) -> Ranked:
    """Of answers with their sureness; equally sure ones are taken together.

    >>> figures([(0.9, True), (0.8, False), (0.7, True)], 4)
    Ranked(average_precision=0.41666666666666663, recall_precise=0.25, recall_faultless=0.25)
    """
    right = all_named = 0
    average, best = 0.0, {PRECISE: 0.0, 1.0: 0.0}
    for _, alike in groupby(sorted(named, reverse=True), key=lambda answer: answer[0]):
        found = [is_right for _, is_right in alike]
        right, all_named = right + sum(found), all_named + len(found)
        average += sum(found) / max(1, wanted) * right / all_named
        for least in best:
            if right >= least * all_named:
                best[least] = right / max(1, wanted)
    return Ranked(average, best[PRECISE], best[1.0])
