"""Access points of S3, by which an object has another URL than by its bucket."""

from config import UserError
from disk.lines import to_line

S3_PROTOCOLS = ("s3", "s3a")
# How their names end where that of a bucket may stand, too; no bucket may be called so.
ALIASES = ("-s3alias", "--ol-s3", "--op-s3", "--xa-s3")
WHY = "an access point, by which objects have a second URL"


def is_access_point(url: str) -> bool:
    """Whether a URL leads through an access point, by its ARN or by its alias.

    >>> is_access_point("s3://arn:aws:s3:us-east-1:123456789012:accesspoint/photos/2024")
    True
    >>> is_access_point("s3://photos-s3alias/2024"), is_access_point("s3://photos/x-s3alias")
    (True, False)
    """
    protocol, _, rest = url.partition("://")
    name = rest.lstrip("/").partition("/")[0]
    is_one = name.startswith("arn:") or name.endswith(ALIASES)
    return protocol.lower() in S3_PROTOCOLS and is_one


def check_bucket(what: str, url: str) -> None:
    """Raise UserError for an access point: an object could be its own survivor, or unprotected."""
    if is_access_point(url):
        raise UserError(f"{what} {to_line(url)} is {WHY}; name its bucket, s3://BUCKET/PREFIX.")
