"""Who comes in at the review page, through real sockets and a real browser, and who doesn't."""

import contextlib
import http.server
import os
import resource
import signal
import socket
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import test_review_page
from conftest import Library, collect
from test_review import serving
from test_review_page import Open, open_group, press, until

from extras.review.gate import Lead, Listener, QuietHandler

pytestmark = test_review_page.pytestmark
open_page = test_review_page.open_page

FILES, CROWD = 256, 320  # of which a process may have fewer open than connect to it


def started(found: Library, *flags: str, **options: Any) -> tuple["subprocess.Popen[str]", str]:
    """The action as a process, and the address that it prints."""
    process = found.start("review", *flags, **options)
    assert process.stdout
    line = process.stdout.readline()
    assert "http://127.0.0.1:" in line, collect(process)
    return process, line.split()[-1]


def ended(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGINT)
    ran = collect(process)
    assert (ran.code, ran.err) == (0, "")


@contextlib.contextmanager
def tab(browser: Any, address: str) -> Iterator[Any]:
    """The address in a browser of its own; what it refuses may stand in the console."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(address)
    yield page
    context.close()


@pytest.mark.parametrize(("error", "printed"), [(OSError(9, "gone"), False), (KeyError(1), True)])
def test_nothing_is_printed_of_a_connection_that_has_gone(
    error: Exception, printed: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    listener = Listener(0)

    def breaks(*_: object) -> None:
        raise error

    listener.finish_request = breaks  # type: ignore[method-assign]
    ours, theirs = socket.socketpair()
    with contextlib.closing(theirs):
        listener.process_request_thread(ours, ("127.0.0.1", 1))
    listener.server_close()
    assert ("Traceback" in capfd.readouterr().err) == printed


# ---- Entering


def test_an_address_lets_one_tab_in_and_no_other(found: Library, browser: Any) -> None:
    with serving(found) as served, tab(browser, served.server.address) as page:
        page.wait_for_selector(".tile")
        with tab(browser, served.server.address) as other:
            other.wait_for_selector("#stale:not([hidden])")
            assert "This address was used already" in other.inner_text("#stale")
            assert other.locator(".tile").count() == 0
        with tab(browser, served.server.gate.origin) as other:
            other.wait_for_selector("#stale:not([hidden])")
            assert "Open the address that --action review has printed" in other.inner_text("body")
        page.goto(served.server.address)  # the same tab once more
        page.wait_for_url(served.server.gate.origin + "/")
        page.wait_for_selector(".tile")
        page.reload()
        page.wait_for_selector(".tile")
        assert page.context.cookies() == []


def test_the_tab_of_an_ended_review_shows_the_next_one_at_its_port(
    found: Library, browser: Any
) -> None:
    process, address = started(found, "--no-browser")
    port = str(urlsplit(address).port)
    with tab(browser, address) as page:
        page.wait_for_selector(".tile")
        ended(process)
        process, address = started(found, "--no-browser", "--port", port)
        page.goto(address)  # of which only what follows the # is another
        page.wait_for_url(f"http://127.0.0.1:{port}/")
        page.wait_for_selector(".tile img[src]")
        page.click("#open-finish")
        page.click("#finish-end")
        until(page, "document.body.innerText.includes('The review has ended')")
    assert collect(process).code == 0


def test_no_other_server_of_this_machine_is_told_the_secret(found: Library, browser: Any) -> None:
    heard: list[str] = []

    class Listening(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.requestline}\n{self.headers}")
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with contextlib.ExitStack() as stack:
        other = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listening))
        stack.callback(other.shutdown)
        threading.Thread(target=other.serve_forever, daemon=True).start()
        served = stack.enter_context(serving(found))
        page = stack.enter_context(tab(browser, served.server.address))
        page.wait_for_selector(".tile img[src]")
        secret = page.evaluate("sessionStorage.getItem('secret')")
        assert len(secret) == 43
        for one in (page.context.new_page(), page):
            one.goto(f"http://127.0.0.1:{other.server_port}/")
    assert len(heard) >= 2
    assert not any(secret in one or "cookie" in one.lower() for one in heard)


# ---- The browser that is opened


@pytest.fixture
def place() -> Iterator[str]:
    """A folder with a short path, as sockets of workers lie in it; tmp_path's may be too long."""
    with tempfile.TemporaryDirectory() as folder:
        yield folder


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here")
def test_the_browser_is_led_by_a_private_file_and_no_command_line_tells_the_way(
    found: Library, browser: Any, tmp_path: Path, place: str
) -> None:
    opened, script = tmp_path / "opened", tmp_path / "browser"
    script.write_text(
        f'#!/bin/sh\necho "$1" > {opened}.new && mv {opened}.new {opened}\nread never\n'
    )
    script.chmod(0o700)
    env = {**os.environ, "DISPLAY": ":0", "BROWSER": f"{script} %s", "TMPDIR": place}
    pipe, held = os.pipe()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, held)  # until then the browser is there
        with open(pipe) as stdin:
            process, address = started(found, stdin=stdin, env=env)
        page = stack.enter_context(tab(browser, "about:blank"))
        until(page, opened.exists)
        url = opened.read_text("utf-8").strip()
        path = Path(unquote(urlsplit(url).path))
        assert url.startswith("file:///")
        assert address in path.read_text("utf-8")
        modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)]
        assert modes == [0o600, 0o700]
        token = address.partition("#token=")[2].encode()
        lines = [command_line(one) for one in Path("/proc").iterdir()]
        assert any(os.fsencode(path) in line for line in lines)
        assert not any(token in line for line in lines)
        page.goto(url)
        page.wait_for_selector(".tile")
        assert not path.parent.exists()
    ended(process)


def command_line(process: Path) -> bytes:
    with contextlib.suppress(OSError):  # it has ended, or is no process
        return (process / "cmdline").read_bytes()
    return b""


def test_where_files_have_no_owners_none_leads_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a stick: everybody can read what is written there."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(os, "fstat", lambda _: os.stat("/"))
    lead = Lead("http://127.0.0.1:1/#token=secret")
    assert lead.write() is None
    assert [path.read_bytes() for path in tmp_path.rglob("*.html")] == [b""]
    lead.remove()
    assert list(tmp_path.iterdir()) == []


# ---- Crowds


@contextlib.contextmanager
def open_files(most: int) -> Iterator[None]:
    """How many files a process may have open, and its children."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_crowd_that_holds_its_connections_keeps_no_browser_out(
    found: Library, browser: Any
) -> None:
    """Some say nothing, some half a word, some ask for the page and stay."""
    with open_files(FILES):
        process, address = started(found, "--no-browser")
    port = urlsplit(address).port
    words = (b"", b"GET / HTTP/1.1\r\nHo", b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
    with contextlib.ExitStack() as stack:
        for number in range(CROWD):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            with contextlib.suppress(ConnectionError):  # it was shown out already
                one.sendall(words[number % len(words)])
        page = stack.enter_context(tab(browser, address))
        page.wait_for_selector(".tile")
        until(page, "[...document.querySelectorAll('.tile img')].every(i => i.naturalWidth > 0)")
        press(page, "Enter", "2", "x")
        until(page, "document.getElementById('counts').innerText.includes('1 to remove')")
        if os.path.isdir("/proc/self"):
            assert len(os.listdir(f"/proc/{process.pid}/fd")) < 160
    ended(process)


def test_who_says_nothing_is_shown_out(found: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuietHandler, "timeout", 0.1)
    with serving(found) as served:
        port = int(served.host.split(":")[1])
        for words in (b"", b"GET / HT", b"POST /api/enter HTTP/1.1\r\nContent-Length: 9\r\n"):
            with socket.create_connection(("127.0.0.1", port), 20) as silent:
                silent.sendall(words)
                assert silent.recv(1) == b""


# ---- Pictures


def test_what_pictures_took_of_memory_is_given_back(found: Library, open_page: Open) -> None:
    page = open_page(found)
    page.context.add_init_script(
        """window.held = new Set();
        const {createObjectURL, revokeObjectURL} = URL;
        URL.createObjectURL = (blob) => {
          const url = createObjectURL(blob);
          held.add(url);
          window.made = (window.made ?? 0) + 1;
          return url;
        };
        URL.revokeObjectURL = (url) => { held.delete(url); revokeObjectURL(url); };"""
    )
    page.reload()
    page.wait_for_selector(".tile")
    open_group(page)
    press(page, "2", "f", "z", "ArrowDown", "ArrowUp", "x", "u", "Escape", "Enter", "s", "3", "d")
    until(page, "made >= 9 && held.size === 0")
