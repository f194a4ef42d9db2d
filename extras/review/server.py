"""The server of the review page: who may ask for what, and the answers.

It listens on the loopback only. A page of another origin, a name that was bound to 127.0.0.1, or
a person without the one-time address gets nothing; no path ever comes from the browser.
"""

import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from config import Exit, UserError
from extras.review.desk import Change, Desk, WouldEmpty
from extras.review.facts import Facts, Unseen
from extras.review.rules import ALL_RULES, RULES, Suggestion
from extras.review.told import shown
from storage import SavedCopy

HOST = "127.0.0.1"
HERE = Path(__file__).parent
STATIC = {
    "review.css": "text/css",
    "review.js": "text/javascript",
    "stage.js": "text/javascript",
}
MOST_BODY_BYTES = 256 << 10
MOST_NUMBERS = 500  # copies that one request may change, so that the lock is soon free again
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ENTER = """<!DOCTYPE html><html lang="en"><meta charset="utf-8">
<meta http-equiv="refresh" content="0;url=/"><title>Review</title><a href="/">Go on</a></html>"""


class QuietHandler(WSGIRequestHandler):
    """Logs nothing, as the address holds the token, and drops who is silent for long."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def log(self, type: str, message: str, *args: Any) -> None:
        pass

    def version_string(self) -> str:
        return "review"


class Gate:
    """Who may come in: by the one-time token, then by a cookie."""

    def __init__(self, port: int) -> None:
        self.host = f"{HOST}:{port}"
        self.origin = f"http://{self.host}"
        self.cookie = f"review-{port}"
        self._token = secrets.token_urlsafe(32)
        self._secret = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._used = False

    @property
    def address(self) -> str:
        return f"{self.origin}/?token={self._token}"

    def check(self) -> None:
        """Abort a request that is not from our own page, or that has no cookie."""
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
        if not self._is_entrance() and not self._has_cookie():
            abort(403, "Open the address that --action review has printed; it works once.")

    def enter(self) -> bool:
        """Whether the request brings the token, for the first time."""
        with self._lock:
            given = request.args.get("token", "")
            first = not self._used and secrets.compare_digest(given.encode(), self._token.encode())
            self._used = self._used or first
        return first

    def let_in(self, response: Response) -> Response:
        response.set_cookie(self.cookie, self._secret, httponly=True, samesite="Strict", path="/")
        return response

    def _is_entrance(self) -> bool:
        return request.method == "GET" and request.path == "/" and "token" in request.args

    def _has_cookie(self) -> bool:
        given = request.cookies.get(self.cookie, "")
        return secrets.compare_digest(given.encode(), self._secret.encode())

    def is_known(self) -> bool:
        return self._has_cookie()


class Watcher:
    """Judges all groups in the background, and remembers what has come of it, in order."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._told: list[dict[str, Any]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._judge_all, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def since(self, number: int) -> list[dict[str, Any]]:
        return self._told[number : number + 1000]

    def all_done(self) -> bool:
        return len(self._told) == len(self._desk.groups)

    def _judge_all(self) -> None:
        for group in self._desk.groups:
            if self._stopped.is_set():
                return
            self._told.append(suggestion_facts(self._desk.suggestion(group)))


def suggestion_facts(suggestion: Suggestion) -> dict[str, Any]:
    return {
        "group": suggestion.group,
        "keeper": suggestion.keeper,
        "reason": suggestion.reason,
        "burst": suggestion.burst,
        "removals": [
            [removal.number, removal.keeper, removal.reason, list(removal.loses)]
            for removal in suggestion.removals
        ],
    }


def told_facts(facts: Facts) -> dict[str, Any]:
    """A picture's facts for the page, without what is only compared here."""
    return {name: value for name, value in asdict(facts).items() if name != "thumbprint"}


def create_app(desk: Desk, gate: Gate, end: Callable[[], None], command: str = "") -> Flask:
    """The application; `end` stops the server, `command` is what check-deleted is called by."""
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    app.config["PROPAGATE_EXCEPTIONS"] = False
    watcher = Watcher(desk)
    app.extensions["watcher"] = watcher
    app.before_request(gate.check)
    _answer_errors(app)
    _serve_files(app, gate)
    _serve_result(app, desk, watcher)
    _serve_pictures(app, desk)
    _serve_changes(app, desk)
    _serve_plans(app, desk, command)

    @app.post("/api/end")
    def stop() -> Response:
        end()
        return jsonify(ended=True)

    return app


def _answer_errors(app: Flask) -> None:
    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        page = Response(error.description or "", mimetype="text/plain")
        response = page if request.path == "/" else jsonify(error=error.description)
        response.status_code = error.code or 500
        response.headers["Connection"] = "close"  # a body may be left unread
        return response

    @app.errorhandler(UserError)
    def say(error: UserError) -> Response:
        response = jsonify(error=str(error))
        response.status_code = 423 if error.code is Exit.LOCKED else 409
        return response

    @app.errorhandler(WouldEmpty)
    def ask(error: WouldEmpty) -> Response:
        return jsonify(would_empty=error.groups)


def _serve_files(app: Flask, gate: Gate) -> None:
    @app.get("/")
    def page() -> Response:
        if "token" in request.args:
            if gate.enter():
                return gate.let_in(Response(ENTER, mimetype="text/html"))
            if not gate.is_known():
                abort(403, "This address was used already; start --action review again.")
            return Response(ENTER, mimetype="text/html")
        return Response((HERE / "index.html").read_text("utf-8"), mimetype="text/html")

    for name, kind in STATIC.items():

        def file(name: str = name, kind: str = kind) -> Response:
            return Response((HERE / name).read_text("utf-8"), mimetype=kind)

        app.add_url_rule(f"/{name}", name, file, methods=["GET"])

    @app.get("/favicon.ico")
    def icon() -> Response:
        return Response(status=204)


def _serve_result(app: Flask, desk: Desk, watcher: Watcher) -> None:
    seen: set[int] = set()

    @app.get("/api/groups")
    def groups() -> Response:
        return jsonify(
            run=desk.manifest.run,
            groups=[_group_facts(desk, group) for group in desk.groups],
            rules=[[rule.name, rule.label] for rule in RULES],
            seen=sorted(seen),
        )

    @app.get("/api/state/<int:since>")
    def state(since: int) -> Response:
        return jsonify(states=desk.states(), told=watcher.since(since), done=watcher.all_done())

    @app.get("/api/facts/<int:group>")
    def facts(group: int) -> Response:
        if group not in desk.groups:
            abort(404)
        found: dict[int, dict[str, Any]] = {}
        for number in desk.groups[group]:
            known = desk.facts(number)
            if isinstance(known, Unseen):
                found[number] = {"unseen": known.reason}
            else:
                found[number] = {**told_facts(known), "pixels": known.pixels}
        return jsonify(facts=found, suggestion=suggestion_facts(desk.suggestion(group)))

    @app.post("/api/seen")
    def see() -> Response:
        seen.update(number for number in _numbers("groups") if number in desk.groups)
        return jsonify(seen=len(seen))


def _group_facts(desk: Desk, group: int) -> dict[str, Any]:
    copies = [(number, desk.manifest.copies[number]) for number in desk.groups[group]]
    number_of = {copy.original.path: number for number, copy in copies}
    return {
        "group": group,
        "copies": [_copy_facts(number, copy) for number, copy in copies],
        "links": [
            [number_of[one.left], number_of[one.right], one.view, one.distance, one.correlation]
            for one in desk.links[group]
        ],
    }


def _copy_facts(number: int, copy: SavedCopy) -> list[Any]:
    file = copy.original
    return [number, shown(file.path), file.size, file.mtime_ns // 10**9, copy.digest[:16]]


def _serve_pictures(app: Flask, desk: Desk) -> None:
    for kind in ("thumb", "preview", "full"):

        def picture(number: int, kind: str = kind) -> Response:
            if number >= len(desk.manifest.copies):
                abort(404)
            made = desk.examiner.picture(desk.copy(number), kind)
            if isinstance(made, Unseen):
                abort(404, made.reason)
            return Response(made, mimetype="image/jpeg")

        app.add_url_rule(f"/{kind}/<int:number>", kind, picture, methods=["GET"])


def _serve_changes(app: Flask, desk: Desk) -> None:
    def told(change: Change) -> Response:
        return jsonify(done=change.done, refused=change.refused, states=desk.states())

    @app.post("/api/remove")
    def remove() -> Response:
        may_empty = _body().get("may_empty", False) is True
        return told(desk.remove(_numbers_of_copies(desk), may_empty=may_empty))

    @app.post("/api/restore")
    def restore() -> Response:
        return told(desk.restore(_numbers_of_copies(desk)))


def _serve_plans(app: Flask, desk: Desk, command: str) -> None:
    @app.post("/api/batch")
    def batch() -> Response:
        """What some rules would remove in some groups. Changes nothing on disk."""
        chosen = _body().get("rules")
        names: list[Any] = chosen if isinstance(chosen, list) else [None]
        if not all(isinstance(name, str) and name in ALL_RULES for name in names):
            abort(400, "Unknown rules.")
        groups = [group for group in _numbers("groups", most=None) if group in desk.groups]
        suggestions = [desk.suggestion(group, frozenset(names)) for group in groups]
        doomed = [removal for s in suggestions for removal in desk.doomed(s)]
        return jsonify(
            removals=[[r.number, r.keeper, r.reason, r.loses] for r in doomed],
            left=sum(s.keeper is None for s in suggestions),
            bursts=sum(s.burst for s in suggestions),
        )

    @app.get("/api/plan")
    def plan() -> Response:
        """What check-deleted would list now. Changes nothing on disk."""
        found = desk.check_deleted()
        freed = sum(copy.original.size for copy in found.deleted)
        return jsonify(
            deleted=[shown(copy.original.path) for copy in found.deleted],
            moved=[shown(copy.original.path) for copy in found.moved],
            strangers=[shown(path) for path in found.strangers],
            whole_groups=sorted({copy.group for copy in found.whole_groups}),
            bytes=freed,
            command=command,
        )


def _body() -> dict[str, Any]:
    try:
        body = request.get_json()
    except RecursionError:
        abort(400, "That is too deep.")
    if not isinstance(body, dict):
        abort(400, "A JSON object is wanted.")
    return body


def _numbers(name: str, most: int | None = MOST_NUMBERS) -> list[int]:
    numbers = _body().get(name)
    # bool is an int, and no number of ours.
    if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
        abort(400, "Whole numbers are wanted.")
    if most is not None and len(numbers) > most:
        abort(413, f"At most {most} at a time.")
    return numbers


def _numbers_of_copies(desk: Desk) -> list[int]:
    numbers = _numbers("copies")
    if not all(0 <= number < len(desk.manifest.copies) for number in numbers):
        abort(400, "There is no such copy.")
    return numbers


# ---- Running it


class Server:
    """The running page of a desk."""

    def __init__(self, desk: Desk, port: int = 0, command: str = "") -> None:
        """Bind the port; raises UserError if it is taken."""
        self._server = _bound(port)
        self.gate = Gate(self._server.port)
        self._app = create_app(desk, self.gate, self._end, command)
        self._server.app = self._app
        self._watcher: Watcher = self._app.extensions["watcher"]

    @property
    def address(self) -> str:
        return self.gate.address

    def serve(self) -> None:
        """Answer until the page ends it, or until Ctrl-C."""
        self._watcher.start()
        try:
            self._server.serve_forever(poll_interval=0.2)
        finally:
            self._watcher.stop()
            self._server.server_close()

    def _end(self) -> None:
        threading.Timer(0.3, self._server.shutdown).start()  # the answer goes out first


def _bound(port: int) -> BaseWSGIServer:
    def nothing_yet(_environment: object, _start: object) -> Sequence[bytes]:
        return []

    refusal = f"--port {port} of {HOST} can't be used; choose another, or none."
    if not 0 <= port < 1 << 16:
        raise UserError(refusal)
    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        raise UserError(refusal) from error
    with listening:
        return make_server(
            HOST,
            listening.getsockname()[1],
            nothing_yet,
            threaded=True,
            request_handler=QuietHandler,
            fd=listening.fileno(),
        )
