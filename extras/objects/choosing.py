"""What the rules give up of groups of objects, which are fetched to be looked at and not kept."""

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from disk.at_once import in_order
from disk.files import ImageFile, has_digest
from disk.record import Link, SavedCopy
from disk.shots import is_one_shot
from extras.cluster.files import Work
from extras.objects import choices
from extras.objects.choices import Choice
from extras.objects.hashing import AT_ONCE, fetcher
from extras.objects.places import place_of
from extras.objects.plan import may_be_one
from extras.objects.result import Linked, Member
from extras.objects.tables import columns_of
from extras.review import rules
from extras.review.deeper import CantBeSeen
from extras.review.examiner import Examiner, Unseen
from extras.review.facts import Facts
from extras.review.judged import Picture
from pictures.images import Unreadable

LEFT = "left"
ONE_OBJECT = "two may be one object by two names of its bucket, as they have one ETag and time"
OTHER_BYTES = "has other bytes than find saw"
Group = tuple[Sequence[Member], Sequence[Linked]]


@dataclass(frozen=True, slots=True)
class Left:
    """A group of which the rules leave more than one, and why."""

    group: int
    reason: str


def left_in(url: str) -> Work:
    """Where it is left what the rules leave to a person, in the place of the work."""
    return Work(f"{url}/{LEFT}", for_people=True)


def judge_groups(
    listed: Work,
    name: str,
    left: Work,
    groups: Sequence[Group],
    stay: Mapping[str, str],
    prefer: Sequence[str],
    result: str,
) -> int:
    """Have the rules judge some groups, and leave what they give up; how many objects these are.

    `stay` has what is protected now, by URL. Nothing is deleted.
    """
    found: list[Choice] = []
    reasons: list[Left] = []
    with contextlib.closing(Examiner(1)) as examiner:
        for members, links in groups:
            given_up, why = judged(examiner, members, links, stay, prefer, result)
            found += given_up
            doomed = {choice.victim for choice in given_up}
            rest = [member.url for member in members if member.url not in doomed]
            if len(rest) > 1 and not is_one_shot(rest):
                reasons.append(Left(members[0].group, why))
    left.write(name, columns_of(Left, reasons))
    choices.write(listed, name, found)
    return len(found)


def judged(
    examiner: Examiner,
    members: Sequence[Member],
    links: Sequence[Linked],
    stay: Mapping[str, str],
    prefer: Sequence[str],
    result: str,
) -> tuple[list[Choice], str]:
    """What of a group the rules give up, and why they leave the rest."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            pictures = list(pictures_of(examiner, members, stay, folder))
            made = rules.suggest(
                members[0].group, pictures, list(map(as_link, links)), list(map(place_of, prefer))
            )
    except CantBeSeen as error:
        return [], f"one can't be judged: {error}"
    given_up = [
        choices.chosen(members[r.number], members[r.keeper], r.reason, "; ".join(r.loses), result)
        for r in made.removals
        if not may_be_one(members[r.number], members[r.keeper])
    ]
    if len(given_up) < len(made.removals):
        return given_up, ONE_OBJECT
    return given_up, made.rest if made.keeper is not None else made.reason


def pictures_of(
    examiner: Examiner, members: Sequence[Member], stay: Mapping[str, str], folder: str
) -> Iterator[Picture]:
    """The pictures of a group as the rules judge them; CantBeSeen if one isn't as find saw it."""
    stored = enumerate(member.stored for member in members)
    with contextlib.closing(in_order(fetcher(folder), stored, AT_ONCE)) as fetched:
        for number, (member, (_, got)) in enumerate(zip(members, fetched, strict=True)):
            facts = facts_of(examiner, member, got)
            beside = tuple(json.loads(member.beside))
            stays = bool(member.protected or stay.get(member.url))
            path = place_of(member.url)
            yield Picture(number, path, member.sha256, facts, beside, stays=stays)


def facts_of(examiner: Examiner, member: Member, got: ImageFile | Unreadable) -> Facts:
    """The facts of an object that was fetched; CantBeSeen if it isn't as find saw it."""
    if isinstance(got, Unreadable):
        raise CantBeSeen(f"{member.url}: {got.reason}")
    if not has_digest(got.path, member.sha256):
        raise CantBeSeen(f"{member.url} {OTHER_BYTES}")
    facts = examiner.facts(as_copy(member, got))
    if isinstance(facts, Unseen):
        raise CantBeSeen(f"{member.url}: {facts.reason}")
    return facts


def as_link(one: Linked) -> Link:
    return Link(place_of(one.left), place_of(one.right), one.view, one.distance, one.correlation)


def as_copy(member: Member, file: ImageFile) -> SavedCopy:
    """What an examiner asks of: the file that was fetched is the original, and there is no copy."""
    nowhere = file.path + ".copy"
    return SavedCopy(replace(file), nowhere, member.group, member.sha256, member.damage)
