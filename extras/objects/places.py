"""Objects told by paths, where paths are wanted: in the record of a sample, and by the rules."""


def place_of(url: str) -> str:
    """The path by which an object is told where paths are wanted; it is none of a file.

    >>> place_of("s3://bucket/2024/cat.jpg"), place_of("s3://bucket//../cat.jpg")
    ('/s3:/bucket/2024/cat.jpg', '/s3:/bucket/%2F/%2E%2E/cat.jpg')
    >>> place_of("s3://bucket/%2F/cat.jpg")  # another object
    '/s3:/bucket/%252F/cat.jpg'
    """
    protocol, _, rest = url.partition("://")
    spelt = {"": "%2F", ".": "%2E", "..": "%2E%2E"}
    plain = [f"%25{n[1:]}" if n.startswith("%2") else n for n in rest.lstrip("/").split("/")]
    names = [spelt.get(name, name) for name in plain]
    return "/".join(["", f"{protocol}:", *names])


def url_of(place: str) -> str:
    """The URL of an object that is told by a path.

    >>> url_of("/s3:/bucket/%2F/%2E%2E/cat.jpg"), url_of("/s3:/bucket/%252F/cat.jpg")
    ('s3://bucket//../cat.jpg', 's3://bucket/%2F/cat.jpg')
    >>> url_of(place_of("file:///home/me/cat.jpg"))
    'file:///home/me/cat.jpg'
    """
    _, protocol, *names = place.split("/")
    meant = {"%2F": "", "%2E": ".", "%2E%2E": ".."}
    plain = [f"%{n[3:]}" if n.startswith("%25") else meant.get(n, n) for n in names]
    root = "/" if protocol == "file:" else ""
    return f"{protocol}//{root}{'/'.join(plain)}"
