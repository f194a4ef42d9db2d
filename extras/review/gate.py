"""Who may ask the review page's server: who comes in, and for whom there is room.

It listens on the loopback only. Other people of this machine, pages of other servers and names
that were bound to 127.0.0.1 can reach it there, and get nothing.
"""

import contextlib
import os
import secrets
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Sequence
from html import escape
from typing import Any

from flask import abort, request
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from config import UserError
from disk import system

HOST = "127.0.0.1"
SECRET = "Review-Secret"  # a header, as a cookie would go to every port of this machine
ENTRANCE = "/api/enter"
MOST_STRANGERS = 64  # connections that have not brought the secret
STRANGER_SECONDS, KNOWN_SECONDS = 10, 60  # how long who says nothing is waited for
LEAD = """<!DOCTYPE html><html lang="en"><meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={address}">
<title>Review</title><a href="{address}">Go on</a></html>
"""


# ---- Connections


class QuietHandler(WSGIRequestHandler):
    """Logs nothing, and drops who is silent for long."""

    protocol_version = "HTTP/1.1"
    timeout = STRANGER_SECONDS

    def log(self, type: str, message: str, *args: Any) -> None:
        pass

    def version_string(self) -> str:
        return "review"


class Listener(ThreadedWSGIServer):
    """The server, with room for some strangers, so that no crowd of them keeps a browser out.

    For one more the first that has asked for nothing goes, or else the first of all.
    """

    def __init__(self, port: int) -> None:
        """Bind the port; raises UserError if that can't be done."""
        self._has_asked: dict[socket.socket, bool] = {}  # of the strangers, in their order
        self._lock = threading.Lock()
        refusal = f"--port {port} of {HOST} can't be used; choose another, or none."
        if not 0 <= port < 1 << 16:
            raise UserError(refusal)
        try:
            listening = socket.create_server((HOST, port))
        except OSError as error:
            raise UserError(refusal) from error
        with listening:
            number = listening.getsockname()[1]
            super().__init__(HOST, number, _nothing_yet, QuietHandler, fd=listening.fileno())

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            if len(self._has_asked) >= MOST_STRANGERS:
                silent = (one for one, asked in self._has_asked.items() if not asked)
                first = next(silent, next(iter(self._has_asked)))
                del self._has_asked[first]
                with contextlib.suppress(OSError):  # it has gone by itself
                    first.shutdown(socket.SHUT_RDWR)  # its thread ends, and closes it
            self._has_asked[request] = False
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:  # so that none is shut down that is closed
            self._has_asked.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing of a connection that has gone; a bug shows its traceback."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def heard(self, connection: socket.socket, *, known: bool) -> None:
        """Take note that a connection has asked for something, and whether with the secret."""
        with self._lock:
            if connection in self._has_asked:
                self._has_asked[connection] = True
                if known:
                    del self._has_asked[connection]
                    connection.settimeout(KNOWN_SECONDS)


def _nothing_yet(_environment: object, _start: object) -> Sequence[bytes]:
    return []


# ---- Requests


class Gate:
    """Who may come in: once by the token of the address, then by a secret in a header.

    The token is in the part of the address that a browser keeps to itself. What anybody may load
    is the page without what it shows, as a browser sends no header of ours with that.
    """

    def __init__(self, listener: Listener, public: Collection[str]) -> None:
        self.host = f"{HOST}:{listener.port}"
        self.origin = f"http://{self.host}"
        self.entered: Callable[[], None] = lambda: None
        self._listener = listener
        self._public = public
        self._token = secrets.token_urlsafe(32)
        self._secret = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._used = False

    @property
    def address(self) -> str:
        return f"{self.origin}/#token={self._token}"

    def check(self) -> None:
        """Abort a request that is not from our own page, or that doesn't bring the secret."""
        known = self._is_known()
        self._listener.heard(request.environ["werkzeug.socket"], known=known)
        if request.headers.getlist("Host") != [self.host]:
            abort(403, "This is not the page's address.")
        site = request.headers.get("Sec-Fetch-Site")
        if request.method == "POST":
            if request.headers.get("Origin") != self.origin or site != "same-origin":
                abort(403, "Changes are made from the page only.")
            if request.mimetype != "application/json":
                abort(415, "JSON is wanted.")
        elif request.method != "GET":
            abort(405)
        elif request.path != "/" and site not in (None, "same-origin"):
            abort(403, "Another page may not show this.")
        if not known and not self._is_public():
            abort(403, "Open the address that --action review has printed; it works once.")

    def enter(self, token: object) -> str:
        """The secret, for who brings the token first; aborts for everybody else."""
        given = token.encode("utf-8", "replace") if isinstance(token, str) else b""
        with self._lock:
            fits = secrets.compare_digest(given, self._token.encode())
            first = fits and not self._used
            self._used = self._used or fits
        if not fits:
            abort(403, "This is not the address that --action review has printed.")
        if not first:
            abort(403, "This address was used already; start --action review again.")
        self.entered()
        return self._secret

    def _is_public(self) -> bool:
        if request.method == "POST":
            return request.path == ENTRANCE
        return request.path in self._public

    def _is_known(self) -> bool:
        given = request.headers.get(SECRET, "")
        return secrets.compare_digest(given.encode(), self._secret.encode())


# ---- The browser that is opened


class Lead:
    """A page in a private file that leads a browser to an address, which no command line tells."""

    def __init__(self, address: str) -> None:
        self._page = LEAD.format(address=escape(address))
        self._folder = self._path = ""

    def write(self) -> str | None:
        """Its path, or None where there is no place that only this person can read."""
        try:
            self._folder = tempfile.mkdtemp(prefix="review-")
            path = os.path.join(self._folder, "review.html")
            file = system.open_file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._path = path
            with open(file, "w", encoding="utf-8") as stream:
                modes = os.fstat(file).st_mode | os.stat(self._folder).st_mode
                if modes & 0o077:  # the disk knows no owners
                    return None
                stream.write(self._page)
        except OSError:
            return None
        return path

    def remove(self) -> None:
        """Remove what was written; nothing of anybody else's."""
        with contextlib.suppress(OSError):
            if self._path:
                os.unlink(self._path)
            if self._folder:
                os.rmdir(self._folder)
        self._folder = self._path = ""
