"""Which objects of a list are deleted, and why the others are kept. Changes nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from config import Exit, UserError
from disk.lines import to_line
from disk.removal import Kept
from extras.cluster.access_points import S3_PROTOCOLS
from extras.objects.choices import AGAIN, Choice
from extras.objects.protecting import ProtectedObjects
from extras.objects.result import Member, Result
from extras.objects.stores import S3
from pictures.formats import is_photo

NO_VERSIONS = (
    "s3://{} keeps no versions, so what is deleted there is gone for good; turn its versioning on, "
    "or use --delete-mode permanent."
)


@dataclass(frozen=True, slots=True)
class Going:
    """A victim that is to go, and the survivor for which it goes."""

    victim: Member
    survivor: Member


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to go, what of the list stays and why, and what earlier runs have deleted."""

    delete: tuple[Going, ...]
    refused: tuple[Kept, ...]
    gone: tuple[str, ...]

    def groups(self) -> dict[int, list[Going]]:
        found: dict[int, list[Going]] = {}
        for going in self.delete:
            found.setdefault(going.victim.group, []).append(going)
        return found

    def urls(self) -> list[str]:
        """Of all that is to go, or to stay for it."""
        return [one.url for going in self.delete for one in (going.victim, going.survivor)]


def plan_of(
    choices: Sequence[Choice],
    result: Result,
    protected: ProtectedObjects,
    gone: Collection[tuple[str, str, str]],
) -> Plan:
    """Decide for each line: delete its victim, or the reason to keep it. Changes nothing.

    `gone` has what earlier runs have deleted, by URL, version and ETag. Raises UserError for a
    victim that find did not record.
    """
    judge = Judge(choices, result, protected)
    delete: dict[str, Going] = {}
    refused: list[Kept] = []
    earlier: list[str] = []
    for choice in choices:
        victim = judge.victim(choice)
        if (victim.url, victim.version, victim.etag) in gone:
            earlier.append(victim.url)
        elif reason := judge.reason_to_keep(choice, victim):
            refused.append(Kept(victim.url, reason))
        else:
            delete.setdefault(victim.url, Going(victim, judge.members[choice.survivor]))
    return Plan(tuple(delete.values()), tuple(refused), tuple(earlier))


class Judge:
    """Knows every reason to keep an object that the list and the result tell. Changes nothing."""

    def __init__(
        self, choices: Iterable[Choice], result: Result, protected: ProtectedObjects
    ) -> None:
        self.members = {member.url: member for member in result.members}
        self._doomed = {choice.victim for choice in choices}
        self._protected = protected

    def victim(self, choice: Choice) -> Member:
        """What find saw of a victim; UserError if it has recorded none."""
        if choice.victim not in self.members:
            url = to_line(choice.victim)
            raise UserError(f"the list names {url}, which is in no group; {AGAIN}.", Exit.STATE)
        return self.members[choice.victim]

    def reason_to_keep(self, choice: Choice, victim: Member) -> str:
        """Why a victim must be kept; empty if it may be deleted."""
        survivor = self.members.get(choice.survivor)
        if reason := victim.protected or self._protected.reason(victim.url):
            return reason
        if not is_photo(victim.url):
            return "it is no photo by its name"
        if told(victim) != choice_of_victim(choice):
            return "the list has another version of it than find saw"
        if survivor is None or survivor.group != victim.group:
            return "what is to stay for it is not in its group"
        if told(survivor) != choice_of_survivor(choice):
            return "the list has another version of what is to stay for it than find saw"
        if survivor.url in self._doomed:
            return "what is to stay for it is to be deleted, too"
        if may_be_one(victim, survivor):
            return "what is to stay for it may be the same object by another way"
        return ""


def told(member: Member) -> tuple[str, str, str]:
    return member.version, member.etag, member.sha256


def choice_of_victim(choice: Choice) -> tuple[str, str, str]:
    return choice.victim_version, choice.victim_etag, choice.victim_sha256


def choice_of_survivor(choice: Choice) -> tuple[str, str, str]:
    return choice.survivor_version, choice.survivor_etag, choice.survivor_sha256


def may_be_one(one: Member, other: Member) -> bool:
    """Whether two URLs may lead to one object: a bucket may have more names than one."""
    if one.url == other.url or (one.version and one.version == other.version):
        return True
    store = S3("s3")
    apart = store.parts_of(one.url)[0] != store.parts_of(other.url)[0]
    return apart and (one.etag, one.modified_ns) == (other.etag, other.modified_ns)


def check_stores(plan: Plan, versioned: Mapping[str, bool], *, permanent: bool) -> None:
    """Raise UserError where nothing may be deleted: no S3, or a bucket without versions.

    `versioned` tells of each bucket of a victim whether it keeps versions.
    """
    for url in plan.urls():
        if url.partition("://")[0] not in S3_PROTOCOLS:
            raise UserError(
                f"{to_line(url)}: objects are deleted on S3 alone; elsewhere it could not be tried "
                "that nothing is lost. Delete what the list names there yourself."
            )
    lacking = [bucket for bucket, keeps in versioned.items() if not keeps]
    if lacking and not permanent:
        raise UserError(NO_VERSIONS.format(lacking[0]))
