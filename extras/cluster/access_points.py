"""URLs that are refused: of no bucket, or through an access point, another way to an object."""

from config import UserError
from disk.files import check_names_something
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
    """Raise UserError for a URL that names no bucket, or leads through an access point.

    Of the first one only a path would be left, and by the second one an object could be its own
    survivor, or unprotected.
    """
    check_names_something(what, url)
    if is_access_point(url):
        raise UserError(f"{what} {to_line(url)} is {WHY}; name its bucket, s3://BUCKET/PREFIX.")
