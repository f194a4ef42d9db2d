"""The list of what is to go: victims, each with the survivor for which it goes."""

from collections.abc import Iterable
from dataclasses import dataclass

from config import Exit, UserError
from extras.cluster.files import Work
from extras.objects.result import Member, Result
from extras.objects.tables import columns_of, rows_in

PLACE = "to_delete"
AGAIN = "run --action suggest again with that --work"


@dataclass(frozen=True, slots=True)
class Choice:
    """A victim and its survivor, as find saw both; `result` is the digest of what find has left."""

    group: int
    victim: str
    victim_version: str
    victim_etag: str
    victim_sha256: str
    survivor: str
    survivor_version: str
    survivor_etag: str
    survivor_sha256: str
    reason: str
    loses: str
    result: str


def chosen(victim: Member, survivor: Member, reason: str, loses: str, result: str) -> Choice:
    """The line of a victim that goes for a survivor."""
    one, other = victim, survivor
    doomed = (one.url, one.version, one.etag, one.sha256)
    kept = (other.url, other.version, other.etag, other.sha256)
    return Choice(one.group, *doomed, *kept, reason, loses, result)


def list_in(url: str) -> Work:
    """Where the list lies, in the place of the work; it may be of several files."""
    return Work(f"{url}/{PLACE}", can_be_remade=False, for_people=True)


def write(work: Work, name: str, choices: Iterable[Choice]) -> None:
    work.write(name, columns_of(Choice, choices))


def read(work: Work, result: Result) -> list[Choice]:
    """All lines of the list, each once; UserError where it is none, or one of another result."""
    names = work.names()
    if not names:
        raise UserError(f"{work.url} has no list of what may go; {AGAIN}.", Exit.STATE)
    found = [one for name in sorted(names) for one in rows_in(Choice, work, name, AGAIN)]
    if any(choice.result != result.digest for choice in found):
        raise UserError(f"{work.url} was made of another result of find; {AGAIN}.", Exit.STATE)
    return list(dict.fromkeys(found))
