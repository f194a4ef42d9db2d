"""Which objects a person has protected, by URLs and by patterns of their keys."""

import os
from collections.abc import Iterable

from config import UserError
from disk.files import is_url
from disk.lines import to_line
from disk.patterns import patterns_of, plainly
from extras.cluster.access_points import S3_PROTOCOLS, check_bucket


class ProtectedObjects:
    """What is protected by URLs, each with all below it, and by patterns as those of folders.

    Raises UserError for a path, which names no object, and for an access point, which has its
    objects under other URLs than those that are compared with it.
    """

    def __init__(self, given: Iterable[str]) -> None:
        self.given = tuple(given)
        for entry in self.given:
            check_bucket("PROTECT", entry)
            if not is_url(entry) and os.path.isabs(entry):
                raise UserError(
                    f"PROTECT {entry} is a path, and protects no object; name a URL or a pattern."
                )
        self._places = [(_plain_url(entry), entry) for entry in self.given if is_url(entry)]
        patterns = [entry for entry in self.given if not is_url(entry)]
        self._patterns = [(patterns_of([entry]), entry) for entry in patterns]

    def reason(self, url: str) -> str:
        """Why an object may never be deleted; empty if nothing protects it."""
        plain = _plain_url(url)
        named = (
            entry
            for place, entry in self._places
            if plain == place or plain.startswith(place + "/")
        )
        matched = (entry for patterns, entry in self._patterns if patterns.cover(url))
        entry = next(named, None) or next(matched, None)
        return f"it is protected ({to_line(entry)})" if entry else ""

    def unused(self, urls: Iterable[str]) -> list[str]:
        """What protects none of some objects, as a slip would."""
        some = list(urls)
        return [one for one in self.given if not any(map(ProtectedObjects([one]).reason, some))]


def _plain_url(url: str) -> str:
    """A URL as it is compared; what begins with s3a:// is what s3:// has."""
    protocol, _, rest = plainly(url).partition("://")
    return f"{'s3' if protocol in S3_PROTOCOLS else protocol}://{rest.rstrip('/')}"
