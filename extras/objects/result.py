"""What a find among objects leaves: its groups and matches as Parquet, signed by who made it."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from config import Exit, UserError
from disk import signature
from disk.lines import to_line
from extras.cluster.access_points import WHY, is_access_point
from extras.cluster.files import Work
from extras.objects.stores import StoredObject, check_bucket_there, errors, remedy_for, why_not
from extras.objects.tables import columns_of, rows_in
from grouping import Cluster, Match
from pictures.images import HashedImage

PLACE = "result"
IDENTICAL = "identical"
AGAIN = "run --action find again with --engine dask and that --work"


@dataclass(frozen=True, slots=True)
class Member:
    """A picture of a group: its object as it was read, and what links it to another, how surely.

    `beside` has, as JSON, lines of what lies beside it under its name, and `protected` why it may
    never be deleted, if so.
    """

    group: int
    url: str
    version: str
    etag: str
    size: int
    modified_ns: int
    sha256: str
    width: int
    height: int
    damage: str
    view: str
    distance: int
    correlation: float
    linked_to: str
    beside: str
    protected: str

    @property
    def stored(self) -> StoredObject:
        """The object that find has read."""
        return StoredObject(
            self.url, self.size, self.modified_ns, etag=self.etag, version=self.version
        )


@dataclass(frozen=True, slots=True)
class Linked:
    """A match that joined two pictures of a group; of a group's the weakest comes last."""

    group: int
    left: str
    right: str
    view: str
    distance: int
    measure: str
    correlation: float


@dataclass(frozen=True, slots=True)
class Signed:
    """Who made a result: the digest of its files, and the signature of it by that user's key."""

    digest: str
    signature: str


@dataclass(frozen=True, slots=True)
class Result:
    """The groups that a find has left, and the digest by which what follows names it."""

    members: tuple[Member, ...]
    links: tuple[Linked, ...]
    digest: str
    is_signed: bool = field(compare=False)

    def groups(self) -> dict[int, list[Member]]:
        found: dict[int, list[Member]] = defaultdict(list)
        for member in self.members:
            found[member.group].append(member)
        return found


def result_in(url: str) -> Work:
    """Where the result of a find lies, in the place of its work."""
    return Work(f"{url}/{PLACE}", can_be_remade=False, for_people=True)


# ---- Making it


def members_of(
    images: Sequence[HashedImage],
    groups: Sequence[Cluster],
    objects: Mapping[str, StoredObject],
    sizes: Mapping[str, tuple[int, int]],
    beside: Mapping[str, Sequence[str]],
    protected: Mapping[str, str],
) -> list[Member]:
    """The rows of all groups, in their order; what is told by URL may lack what says nothing."""
    rows = []
    for number, cluster in enumerate(groups, 1):
        for position in cluster.members:
            image = images[position]
            url = image.file.path
            one, (width, height) = objects[url], sizes.get(url, (0, 0))
            rows.append(
                Member(
                    *(number, url, one.version, one.etag, one.size, one.mtime_ns, image.digest),
                    *(width, height, image.damage, *_link_of(position, cluster, images)),
                    json.dumps(list(beside.get(url, ()))),
                    protected.get(url, ""),
                )
            )
    return rows


def _link_of(
    position: int, cluster: Cluster, images: Sequence[HashedImage]
) -> tuple[str, int, float, str]:
    """By which view, how many bits apart and how surely a picture is linked, and to which one."""
    same = (n for n in cluster.members if n != position)
    digest = images[position].digest
    if (other := next((n for n in same if images[n].digest == digest), None)) is not None:
        return IDENTICAL, 0, 1.0, images[other].file.path
    match = next((m for m in cluster.links if position in (m.left, m.right)), None)
    if match is None:
        return "", 0, 0.0, ""
    other = match.left if match.right == position else match.right
    return match.view, match.distance, _rounded(match), images[other].file.path


def links_of(images: Sequence[HashedImage], groups: Sequence[Cluster]) -> list[Linked]:
    """The rows of what joined the pictures of all groups."""
    return [
        Linked(
            number,
            images[match.left].file.path,
            images[match.right].file.path,
            match.view,
            match.distance,
            match.measure,
            _rounded(match),
        )
        for number, cluster in enumerate(groups, 1)
        for match in cluster.links
    ]


def _rounded(match: Match) -> float:
    return round(match.correlation, 3)


def write(work: Work, members: Iterable[Member], links: Iterable[Linked]) -> str:
    """Leave a result in its place, signed if this user has a key; returns its digest."""
    work.write("matches", columns_of(Linked, links))
    work.write("groups", columns_of(Member, members))
    digest, key = _digest_of(work), signature.load_key()
    own = signature.signature_of(digest.encode(), key) if key else ""
    work.write("signed", columns_of(Signed, [Signed(digest, own)]))
    return digest


# ---- Reading it


def check_there(work: Work) -> None:
    """Raise UserError where a find has left no result, or nobody can look. Changes nothing."""
    try:
        names = work.names()
    except errors() as error:
        remedy = remedy_for(error, work.url, "to list what is there")
        raise UserError(f"--work {work.url} can't be read: {why_not(error)}; {remedy}.") from error
    if not {"groups", "matches", "signed"} <= names:
        check_bucket_there("--work", work.url)
        raise UserError(
            f"{work.url} holds no result of a find among objects; {AGAIN}.",
            Exit.STATE,
        )


def read(work: Work) -> Result:
    """The result that a find has left; UserError where there is none that is whole."""
    check_there(work)
    digest, key = _digest_of(work), signature.load_key()
    signed = rows_in(Signed, work, "signed", AGAIN)
    if [one.digest for one in signed] != [digest]:
        raise UserError(
            f"{work.url} was changed, or its find was interrupted; {AGAIN}.", Exit.STATE
        )
    is_ours = key is not None and signature.fits(digest.encode(), [signed[0].signature], key)
    members = rows_in(Member, work, "groups", AGAIN)
    links = rows_in(Linked, work, "matches", AGAIN)
    if by_other := next((one.url for one in members if is_access_point(one.url)), None):
        raise UserError(
            f"{work.url} has {to_line(by_other)}, which is {WHY}; {AGAIN}, and name its bucket.",
            Exit.STATE,
        )
    return Result(tuple(members), tuple(links), digest, is_ours)


def check_signed(work: Work, result: Result) -> None:
    """Refuse a result that this user's key has not signed. Changes nothing."""
    if not result.is_signed:
        raise UserError(
            f"{work.url} isn't signed with your key, so another user, home or version made it; "
            f"{AGAIN}, or use --trust-result once you have looked at it.",
            Exit.STATE,
        )


def _digest_of(work: Work) -> str:
    both = "".join(work.digest(name) for name in ("groups", "matches"))
    return hashlib.sha256(both.encode()).hexdigest()
