"""An object removed: its survivor proven, noted before, deleted only as it was seen."""

import hashlib
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from config import UserError
from extras.cluster.files import Work
from extras.objects.locking import OF_BUCKET, is_held
from extras.objects.plan import NO_VERSIONS, Going
from extras.objects.result import Member
from extras.objects.stores import S3, StoredObject, did_not_match, errors, remedy_for, why_not
from extras.objects.tables import columns_of, rows_in
from pictures.by_name import named

PLACE = "deleted"
BEFORE, AFTER = "before", "after"
OF_LOG = re.compile(rf"(?P<task>run(?P<run>\d+)-group\d+)-(?P<when>{BEFORE}|{AFTER})")
NOT_OF_THIS = "put back the one that cleanup left there, or move it away"
DELETED, GONE, KEPT = "deleted", "gone", "kept"
SURVIVOR = "what is to stay for it"
REPLACED = "it was replaced since find saw it"
AT_ONCE = "it was replaced in the same moment"
NO_LOCK = "the lock of its bucket is gone, as that of a run that has ended or was interrupted"
IN_DOUBT = "the store doesn't answer, so it may be gone; run it again to know"
SECOND = 10**9  # nanoseconds


@dataclass(frozen=True, slots=True)
class Outcome:
    """A line of the log: what is to become of a victim, or became of it, for which survivor.

    `marker` is the version of the delete marker behind which an object lies that is deleted, or was
    gone; who deletes that has it back.
    """

    group: int
    url: str
    version: str
    etag: str
    sha256: str
    size: int
    survivor: str
    survivor_version: str
    state: str
    marker: str = ""
    reason: str = ""


def outcome_of(going: Going, state: str, marker: str = "", reason: str = "") -> Outcome:
    one, other = going.victim, going.survivor
    seen = (one.group, one.url, one.version, one.etag, one.sha256, one.size)
    return Outcome(*seen, other.url, other.version, state, marker, reason)


def log_in(url: str) -> Work:
    """Where it is noted what was deleted, in the place of the work."""
    return Work(f"{url}/{PLACE}", can_be_remade=False, for_people=True)


def next_run(log: Work) -> int:
    """The number of the next cleanup."""
    return 1 + max((int(found["run"]) for found in _ours(log)), default=0)


def _ours(log: Work) -> list[re.Match[str]]:
    """What cleanups have noted, by its name; other files there are their owner's."""
    found = map(OF_LOG.fullmatch, sorted(log.names()))
    return [one for one in found if one is not None]


def name_of(run: int, group: int) -> str:
    return f"run{run:04}-group{group:09}"


def noted(log: Work, run: int) -> tuple[list[Outcome], list[Outcome]]:
    """What became of victims in a run; and those of groups that nobody has seen end."""
    ours = [one for one in _ours(log) if int(one["run"]) == run]
    ended = [one["task"] for one in ours if one["when"] == AFTER]
    begun = {one["task"] for one in ours} - {*ended}
    return outcomes_in(log, ended), outcomes_in(log, sorted(begun), BEFORE)


def outcomes_in(log: Work, names: Iterable[str], when: str = AFTER) -> list[Outcome]:
    """What became of victims, or was to, by what tasks of these names have noted."""
    return [row for name in names for row in rows_in(Outcome, log, f"{name}-{when}", NOT_OF_THIS)]


def deleted_before(log: Work) -> set[tuple[str, str, str]]:
    """What earlier runs have deleted, by URL, version and ETag."""
    outcomes = outcomes_in(log, [one["task"] for one in _ours(log) if one["when"] == AFTER])
    return {(o.url, o.version, o.etag) for o in outcomes if o.state in (DELETED, GONE)}


# ---- What a worker does


def remove_group(
    log: Work,
    name: str,
    some: Sequence[Going],
    versioned: Mapping[str, bool],
    locks: Mapping[str, str],
) -> int:
    """Delete what is to go of one group, each after a proof; how many stay after all.

    A line for each is in the log before anything goes. `versioned` tells of each bucket whether it
    keeps versions, `locks` the ETag of its lock.
    """
    check_can_compare()
    check_still_versioned(some, versioned)
    log.write(f"{name}-{BEFORE}", columns_of(Outcome, [outcome_of(one, "going") for one in some]))
    remover = Remover(S3("s3"), versioned, locks)
    outcomes = [remover.removed(going) for going in some]
    log.write(f"{name}-{AFTER}", columns_of(Outcome, outcomes))
    return sum(outcome.state == KEPT for outcome in outcomes)


@cache
def check_can_compare() -> None:
    """Raise UserError where this botocore would pass over If-Match in silence."""
    model = named("botocore.session:get_session")().get_service_model("s3")
    if "IfMatch" not in model.operation_model("DeleteObject").input_shape.members:
        raise UserError("botocore is too old to delete by If-Match; pip install --upgrade s3fs")


def check_still_versioned(some: Iterable[Going], versioned: Mapping[str, bool]) -> None:
    """Raise UserError where a bucket keeps no versions, as it did when a person was asked."""
    for bucket in {S3("s3").parts_of(going.victim.url)[0] for going in some}:
        if versioned.get(bucket) and not keeps_versions(bucket):
            raise UserError(NO_VERSIONS.format(bucket))


class Remover:
    """Removes objects of one group, none of which is the survivor of another."""

    def __init__(self, store: S3, versioned: Mapping[str, bool], locks: Mapping[str, str]) -> None:
        self._store, self._versioned, self._locks = store, versioned, locks
        self._proven: dict[str, str] = {}  # why a survivor doesn't count, by its URL

    def removed(self, going: Going) -> Outcome:
        """What became of a victim."""
        try:
            seen = self._proven_to_go(going)
        except errors() as error:
            return outcome_of(going, KEPT, reason=f"the store refuses: {why_not(error)}")
        if isinstance(seen, Outcome):
            return seen
        try:
            marker = self._delete(going.victim)
        except errors() as error:
            return self._in_doubt(going, seen, error)
        return self._looked_at(going, seen, marker)

    def _proven_to_go(self, going: Going) -> StoredObject | Outcome:
        """A victim as it lies there just before it goes; or what becomes of it, if it doesn't."""
        if reason := self._why_not(going.survivor):
            return outcome_of(going, KEPT, reason=f"{SURVIVOR} {reason}")
        if not self._is_locked(going):
            return outcome_of(going, KEPT, reason=NO_LOCK)
        now = self._store.now(going.victim.url)
        if now is None:
            return outcome_of(going, GONE, self._marker(going.victim.url))
        if not is_as_seen(now, going.victim):
            return outcome_of(going, KEPT, reason=REPLACED)
        return now

    def _is_locked(self, going: Going) -> bool:
        """Whether no other run deletes now: who was interrupted lets go, and workers may go on."""
        urls = (going.victim.url, going.survivor.url)
        buckets = {self._store.parts_of(url)[0] for url in urls}
        return all(is_held(self._store, one, self._locks.get(one, "")) for one in buckets)

    def _in_doubt(self, going: Going, seen: StoredObject, error: Exception) -> Outcome:
        """What became of a victim of which the store says that it couldn't delete it.

        It may have gone, and only the answer was lost.
        """
        url = going.victim.url
        try:
            now, marker = self._store.now(url), self._marker(url)
        except errors() as again:
            return outcome_of(going, KEPT, reason=f"{IN_DOUBT}: {why_not(again)}")
        if now is not None:
            why = AT_ONCE if did_not_match(error) else f"the store refuses: {why_not(error)}"
            return outcome_of(going, KEPT, reason=why)
        if isinstance(error, FileNotFoundError):
            return outcome_of(going, GONE, marker)
        return self._looked_at(going, seen, marker)

    def _looked_at(self, going: Going, seen: StoredObject, marker: str) -> Outcome:
        """What became of a victim that was deleted; it is brought back unless all is as it was."""
        if not marker:
            return outcome_of(going, DELETED)
        try:
            reason = self._why_back(going, seen.version)
        except errors() as error:
            reason = f"the store didn't say what was to stay: {why_not(error)}"
        if not reason:
            return outcome_of(going, DELETED, marker)
        try:
            bucket, key = self._store.parts_of(going.victim.url)
            self._store.fs.call_s3("delete_object", Bucket=bucket, Key=key, VersionId=marker)
        except errors() as error:
            reason += f", and it can't be brought back: {why_not(error)}"
            return outcome_of(going, DELETED, marker, reason)
        return outcome_of(going, KEPT, reason=reason)

    def _delete(self, victim: Member) -> str:
        """Delete an object as it was seen; the version of its delete marker, if one is left."""
        bucket, key = self._store.parts_of(victim.url)
        answer = self._store.fs.call_s3(
            "delete_object", Bucket=bucket, Key=key, IfMatch=f'"{victim.etag}"'
        )
        if not self._versioned.get(bucket):
            return ""
        told = str(answer.get("VersionId", "")) if answer.get("DeleteMarker") else ""
        return told or self._marker(victim.url)

    def _why_not(self, survivor: Member) -> str:
        """Why a survivor can't be counted on, by its bytes and by what lies there now."""
        if survivor.url not in self._proven:
            self._proven[survivor.url] = self._why_not_its_bytes(survivor)
        if reason := self._proven[survivor.url]:
            return reason
        now = self._store.now(survivor.url)
        if now is None:
            return "is gone"
        return "" if is_as_seen(now, survivor) else "was replaced since find saw it"

    def _why_not_its_bytes(self, survivor: Member) -> str:
        try:
            data = self._store.read(survivor.stored)
        except errors() as error:
            return f"can't be read: {why_not(error)}"
        is_same = hashlib.sha256(data).hexdigest() == survivor.sha256
        return "" if is_same else "has other bytes than find saw"

    def _why_back(self, going: Going, version: str) -> str:
        """Why an object is to be brought back from behind its marker; empty if it isn't.

        A store that doesn't heed If-Match may have hidden another version, and a survivor may have
        been deleted by others meanwhile.
        """
        if self._newest(going.victim.url) != version:
            return AT_ONCE
        why = self._why_not(going.survivor)
        return f"{SURVIVOR} {why}" if why else ""

    def _newest(self, url: str) -> str:
        """The version of the newest object of a URL, behind whatever marker."""
        version = next((row["VersionId"] for row in self._history(url, "Versions")), "")
        return "" if version == "null" else str(version)

    def _marker(self, url: str) -> str:
        """The version of the marker behind which an object lies now; none without versions."""
        if not self._versioned.get(self._store.parts_of(url)[0]):
            return ""
        rows = self._history(url, "DeleteMarkers")
        return next((str(row["VersionId"]) for row in rows if row["IsLatest"]), "")

    def _history(self, url: str, kind: str) -> list[Mapping[str, Any]]:
        """The versions or markers of an object, the newest first."""
        bucket, key = self._store.parts_of(url)
        answer = self._store.fs.call_s3(
            "list_object_versions", Bucket=bucket, Prefix=key, MaxKeys=100
        )
        return [row for row in answer.get(kind, ()) if row["Key"] == key]


def is_as_seen(now: StoredObject, seen: Member) -> bool:
    """Whether an object is what find saw; stores say its time in whole seconds, or finer."""
    same_version = not seen.version or now.version == seen.version
    times = now.mtime_ns // SECOND, seen.modified_ns // SECOND
    return same_version and times[0] == times[1] and (now.etag, now.size) == (seen.etag, seen.size)


# ---- Buckets


def keeps_versions(bucket: str) -> bool:
    """Whether what is deleted in a bucket stays behind a marker, which isn't sure once suspended.

    Raises UserError where that can't be seen.
    """
    try:
        answer: dict[str, Any] = S3("s3").fs.call_s3("get_bucket_versioning", Bucket=bucket)
    except errors() as error:
        url = f"s3://{bucket}"
        remedy = remedy_for(error, url, "s3:GetBucketVersioning")
        raise UserError(
            f"nobody can tell whether {url} keeps versions: {why_not(error)}; {remedy}."
        ) from error
    return answer.get("Status") == "Enabled"


def heeds_if_match(bucket: str) -> bool:
    """Whether a store compares before it deletes, told by what isn't there in a bucket."""
    key = f"{OF_BUCKET}.{uuid.uuid4().hex}"
    try:
        S3("s3").fs.call_s3("delete_object", Bucket=bucket, Key=key, IfMatch='"0"')
    except FileNotFoundError:
        return True
    except errors() as error:
        if did_not_match(error):
            return True
        url = f"s3://{bucket}"
        raise UserError(
            f"nobody can tell whether the store of {url} heeds If-Match: {why_not(error)}; "
            f"{remedy_for(error, url, 's3:DeleteObject')}."
        ) from error
    return False
