"""Matches that local features alone prove: words propose pairs, and points decide.

Changes nothing on disk.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, combinations, islice
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from extras.points.agreement import (
    Agreement,
    Seen,
    agreement,
    are_documents,
    is_one_design,
    may_show_one_document,
    reason_in_place,
    seen_in,
)
from extras.points.features import Places, Points
from extras.points.making import bag_in, points_in
from extras.points.proof import Proof, prove
from extras.points.remembered import Proofs, Shown, key_of, leave, recalled, shown_of
from extras.points.rule import BORNE_OUT, BORNE_OUT_BY_BLOCKS, reason_against
from extras.points.words import near
from grouping import INSIDE_A_FRAME, POINTS, Match, UnionFind
from pictures.crowds import is_certain
from pictures.looks import Look, Spooled, content
from pictures.matching import FindMatches
from pictures.searches import Memory
from pictures.sides import Sides, may_be_compared, sides_of

PROPOSED = 10  # pictures, the nearest of each by words; of so few all are compared
MOST_FRAMED = 3  # matches of a picture inside a frame that are looked at once more
BATCH = 64  # pairs that are proven at once, in threads
MARGIN = 0.1  # of the points at each end of the box in which they lie
MOST_IN_MEMORY = 2048  # pictures whose points are there, of some 15 KB each
Pair = tuple[int, int]
Place = TypeVar("Place", bound=Hashable)  # of a picture among others
Boxes = NDArray[np.float64]
# Does something for each of some pairs: `map`, or that of an executor with threads.
Both = tuple[Seen, Seen]
Judge = Callable[[Both], Shown | None]
Each = Callable[[Judge, Iterable[Both]], Iterable[Shown | None]]


def also_by_points(
    search: FindMatches,
    looks: Sequence[Look | None],
    each: Each = map,
    sides: Sequence[int] | None = None,
    memory: Memory | None = None,
) -> FindMatches:
    """The method that finds what another one does, and then what local features alone prove."""
    proofs = recalled(memory)
    return leaving(memory, proofs, and_points(search, looks, proofs, each, sides))


def and_points(
    search: FindMatches,
    looks: Sequence[Look | None],
    proofs: Proofs,
    each: Each = map,
    sides: Sequence[int] | None = None,
) -> FindMatches:
    """The same method, which takes note of what it asks for."""

    def matches(files: Sequence[Sequence[int]]) -> Iterator[Match]:
        found = []
        for match in search(files):
            found.append(match)
            yield match
        shown = [looks[first] for first, *_ in files]
        pairs = chain(proposed(shown, found, sides_of(files, sides)), framed(shown, found))
        yield from proven(shown, pairs, each, proofs)

    return matches


def leaving(memory: Memory | None, proofs: Proofs, search: FindMatches) -> FindMatches:
    """A method that leaves, at its end, for the next search what it asked for."""

    def matches(files: Sequence[Sequence[int]]) -> Iterator[Match]:
        yield from search(files)
        leave(memory, proofs)

    return matches


# ---- What is proposed


def proposed(
    looks: Sequence[Look | None], found: Iterable[Match], sides: Sides | None = None
) -> Iterator[Pair]:
    """Yield the pairs of pictures, by position, whose words are near, without those found already.

    Of pictures that are certainly the same the first stands for all, or its copies would be all
    that is near it; not so with sides, of which each has its own copies.
    """
    known = {(match.left, match.right) for match in found}
    standing = standing_for_all(len(looks), found, sides).tolist()
    rows = [number for number in standing if has_points(looks[number])]
    for one, other in _near(looks, rows, sides):
        if (one, other) not in known and may_be_compared(sides, one, other):
            yield one, other


def framed(looks: Sequence[Look | None], found: Iterable[Match]) -> Iterator[Pair]:
    """Yield the pairs of pictures with points that match inside a frame."""
    return most_alike_framed(found, lambda number: has_points(looks[number]))


def most_alike_framed(found: Iterable[Match], has: Callable[[int], bool]) -> Iterator[Pair]:
    """Yield the pairs that match inside a frame and have points, the most alike of each picture.

    What is taken for a frame may be a page with other pictures, too: points tell which part of it
    is seen, so that the page joins no strangers.
    """
    asked: Counter[int] = Counter()
    inside = (match for match in found if match.view == INSIDE_A_FRAME)
    for match in sorted(inside, key=lambda m: (-m.correlation, m.left, m.right)):
        pair = match.left, match.right
        fewest = min(asked[number] for number in pair)
        if fewest < MOST_FRAMED and all(map(has, pair)):
            asked.update(pair)
            yield pair


def standing_for_all(size: int, found: Iterable[Match], sides: Sides | None) -> NDArray[np.intp]:
    """The pictures of which words and vectors are compared: of some surely the same the first."""
    if sides is not None:
        return np.arange(size)
    same = UnionFind(size)
    for match in filter(is_certain, found):
        same.union(match.left, match.right)
    return np.flatnonzero(same.roots() == np.arange(size))


def is_document(look: Look | None) -> bool:
    return look is not None and look.views[0].is_page


def has_points(look: Look | None) -> bool:
    return look is not None and look.points is not None


def _near(looks: Sequence[Look | None], rows: Sequence[int], sides: Sides | None) -> Iterator[Pair]:
    """The pairs of some pictures that are near by words; of a few all are."""
    if len(rows) <= PROPOSED + 1:
        yield from combinations(rows, 2)
        return
    drawn = np.array([is_document(looks[number]) for number in rows])
    bags = [
        bag_in(content(_packed(looks[number])), drawn=bool(is_drawn))
        for number, is_drawn in zip(rows, drawn, strict=True)
    ]
    apart = None if sides is None else sides[np.array(rows)]
    for one, other in near(bags, PROPOSED, apart, drawn):
        yield rows[one], rows[other]


def _packed(look: Look | None) -> bytes | Spooled:
    assert look
    assert look.points
    return look.points


# ---- What is proven


def proven(
    looks: Sequence[Look | None],
    pairs: Iterable[Pair],
    each: Each = map,
    proofs: Proofs | None = None,
) -> Iterator[Match]:
    """Yield those of some pairs of pictures, by position, that points prove to show the same."""
    for match, holds in borne_out(looks, pairs, each, proofs):
        if holds:
            yield match


def borne_out(
    looks: Sequence[Look | None],
    pairs: Iterable[Pair],
    each: Each = map,
    proofs: Proofs | None = None,
) -> Iterator[tuple[Match, bool]]:
    """Yield those of some pairs of which points don't deny that they show the same.

    With each comes whether they prove it alone. No pair is looked at of which it is known.
    """
    proofs = Proofs() if proofs is None else proofs
    seen, waiting = _InMemory(looks.__getitem__), iter(pairs)
    while some := list(islice(waiting, BATCH)):
        keys = [key_of(*(_compared(looks[number]) for number in pair)) for pair in some]
        new = [n for n, key in enumerate(keys) if not proofs.knows(key)]
        both = [(seen.of(some[n][0]), seen.of(some[n][1])) for n in new]
        shown = dict(zip(new, each(compared, both), strict=True))
        for n, (key, (one, other)) in enumerate(zip(keys, some, strict=True)):
            found = proofs.asked[key] = shown[n] if n in shown else proofs.known(key)
            if found:
                bits = _bits_between(looks[one], looks[other])
                yield Match(one, other, bits, found.share, POINTS, found.regions), found.holds


def asked_of(
    look_at: Callable[[Place], Look], pairs: Iterable[tuple[Place, Place]]
) -> Iterator[Shown | None]:
    """Yield what points say of each of some pairs of pictures, wherever their looks are."""
    seen = _InMemory(look_at)
    for one, other in pairs:
        yield compared((seen.of(one), seen.of(other)))


def compared(both: Both) -> Shown | None:
    """What points say of two pictures; None if they deny that these show the same."""
    one, other = both
    documents = are_documents(one, other)
    may_be = partial(may_show_one_document, one, other) if documents else None
    proof = prove(one.points, other.points, may_be=may_be)
    if proof is None or not (proof.holds or _may_bear_out(one, other, proof)):
        return None
    agree = agreement(one, other, proof)
    holds = proof.holds and not agree.reason
    if not holds and not (
        _may_bear_out(one, other, proof) and _bears_out(one, other, proof, agree)
    ):
        return None
    if reason_in_place(one, other, proven=holds):
        return None
    return shown_of(max(proof.shares), boxes_of(one.points, other.points, proof), holds=holds)


def _may_bear_out(one: Seen, other: Seen, proof: Proof) -> bool:
    """Whether points may bear out that two pictures are alike, which other means are sure of.

    Where less has to agree of what lies between them, points have to be clearer; of documents,
    they have to prove it alone.
    """
    return not are_documents(one, other) and not reason_against(proof.lying, BORNE_OUT_BY_BLOCKS)


def _bears_out(one: Seen, other: Seen, proof: Proof, agree: Agreement) -> bool:
    if agree.blocks < BORNE_OUT_BY_BLOCKS.agreement:
        near_too = agree.blocks + agree.near / 2
        if near_too < BORNE_OUT.agreement or reason_against(proof.lying, BORNE_OUT):
            return False
    return not is_one_design(one, other, agree.blocks)


def boxes_of(one: Points, other: Points, proof: Proof) -> Boxes:
    """Where two pictures are seen in each other, as 4 boxes in shares of the picture.

    These are, for one and for the other, the box in which points lie on each other, and that of
    what lies inside the other's frame.
    """
    affine, way_back = proof.affine, np.linalg.inv(proof.affine[:, :2])
    there = _corners(one) @ affine[:, :2].T + affine[:, 2]  # those of the mirrored one are these
    here = (_corners(other) - affine[:, 2]) @ way_back.T
    if proof.mirrored:
        here[:, 0] = one.width - here[:, 0]
    return np.stack([
        _sure_box(proof.ones, one), _box(here, one),
        _sure_box(proof.others, other), _box(there, other),
    ])  # fmt: skip


def _corners(points: Points) -> Boxes:
    across, down = float(points.width), float(points.height)
    return np.array([(0.0, 0.0), (across, 0.0), (0.0, down), (across, down)])


def _sure_box(places: Places, points: Points) -> Boxes:
    """The box around some points, as wide as the middle ones tell: some match by chance."""
    low, high = np.quantile(places.astype(np.float64), (MARGIN, 1 - MARGIN), axis=0)
    more = (high - low) * MARGIN / (1 - 2 * MARGIN)
    return _box(np.array((low - more, high + more)), points)


def _box(places: Boxes, points: Points) -> Boxes:
    """The box around some places, in shares of the picture, as far as it lies inside."""
    shares = (places / (points.width, points.height)).clip(0, 1)
    return np.concatenate((shares.min(axis=0), shares.max(axis=0)))


def _bits_between(one: Look | None, other: Look | None) -> int:
    """In how many bits the hashes of two pictures differ."""
    assert one
    assert other
    hashes = (int.from_bytes(look.views[0].hash) for look in (one, other))
    return int.__xor__(*hashes).bit_count()


def _compared(look: Look | None) -> tuple[bytes | Spooled, ...]:
    """All of a picture that is compared."""
    assert look
    view = look.views[0]
    return (_packed(look), view.gray) if view.fine is None else (_packed(look), view.fine)


class _InMemory(Generic[Place]):
    """What is compared of the pictures that were asked for last."""

    def __init__(self, look_at: Callable[[Place], Look | None]) -> None:
        self._look_at = look_at
        self._seen: OrderedDict[Place, Seen] = OrderedDict()

    def of(self, number: Place) -> Seen:
        seen = self._seen.pop(number, None) or self._read(number)
        self._seen[number] = seen
        if len(self._seen) > MOST_IN_MEMORY:
            self._seen.popitem(last=False)
        return seen

    def _read(self, number: Place) -> Seen:
        look = self._look_at(number)
        assert look
        return seen_in(look, points_in(content(_packed(look))))
