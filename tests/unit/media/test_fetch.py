"""Files come from allowed places only, whole and proved; every refusal has a reason and names no path."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from graph.domain.errors import Invalid, RedthreadError, SourceUnreachable, Unprocessable
from graph.files import MediaStore
from streams.media.fetch import Fetcher

_BYTES = b"the bytes of a picture"
_SHA256 = hashlib.sha256(_BYTES).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    store = MediaStore(f"file://{tmp_path}/store")
    store.make(is_new=True)
    return store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "north"
    folder.mkdir()
    (folder / "Jane Doe.jpg").write_bytes(_BYTES)
    return folder


@pytest.fixture
def fetcher(root: Path, store: MediaStore) -> Fetcher:
    return Fetcher([root.as_uri()], store, max_bytes=1000)


def refusal(fetcher: Fetcher, url: str, sha256: str | None = None) -> Unprocessable:
    with pytest.raises(Unprocessable) as caught:
        fetcher.fetch(url, sha256)
    assert "Jane" not in caught.value.message
    assert caught.value.message.endswith(".")
    return caught.value


def test_a_file_under_an_allowed_folder_is_read_and_named_by_its_hash(fetcher: Fetcher, root: Path) -> None:
    for sha256 in (None, _SHA256, _SHA256.upper()):
        fetched = fetcher.fetch((root / "Jane Doe.jpg").as_uri(), sha256)
        assert (fetched.data, fetched.media_id) == (_BYTES, _SHA256)


def test_a_wrong_hash_is_refused_with_the_right_one(fetcher: Fetcher, root: Path) -> None:
    found = refusal(fetcher, (root / "Jane Doe.jpg").as_uri(), "0" * 64)

    assert found.code == "wrong_sha256"
    assert _SHA256 in found.message


@pytest.mark.parametrize(
    ("name", "code"), [("absent.jpg", "missing_file"), ("Jane Doe.jpg/x", "missing_file"), ("", "missing_file")]
)
def test_what_is_not_there_is_missing(fetcher: Fetcher, root: Path, name: str, code: str) -> None:
    assert refusal(fetcher, f"{root.as_uri()}/{name}").code in (code, "url_not_allowed")


def test_an_empty_file_and_a_large_one_are_refused(fetcher: Fetcher, root: Path) -> None:
    (root / "empty.jpg").touch()
    (root / "large.jpg").write_bytes(b"x" * 1001)
    (root / "full.jpg").write_bytes(b"x" * 1000)

    assert refusal(fetcher, (root / "empty.jpg").as_uri()).code == "empty_file"
    assert refusal(fetcher, (root / "large.jpg").as_uri()).code == "too_large"
    assert len(fetcher.fetch((root / "full.jpg").as_uri(), None).data) == 1000


def test_a_file_without_the_right_to_read_says_so(fetcher: Fetcher, root: Path) -> None:
    closed = root / "closed.jpg"
    closed.write_bytes(_BYTES)
    closed.chmod(0)
    if os.access(closed, os.R_OK):
        pytest.skip("this user may read everything (root)")

    assert refusal(fetcher, closed.as_uri()).code == "unreadable_file"


@pytest.mark.parametrize(
    "outside", ["/etc/passwd", "{root}/../secret.jpg", "{root}/%2e%2e/secret.jpg", "{root}2/secret.jpg", "{root}"]
)
def test_a_path_outside_the_allowed_folders_is_refused(fetcher: Fetcher, root: Path, outside: str) -> None:
    (root.parent / "secret.jpg").write_bytes(_BYTES)
    Path(f"{root}2").mkdir()
    Path(f"{root}2", "secret.jpg").write_bytes(_BYTES)

    found = refusal(fetcher, "file://" + outside.format(root=root))

    assert found.code == "url_not_allowed"
    assert "REDTHREAD_MEDIA_ROOTS" in found.message


def test_a_symbolic_link_is_judged_by_where_it_leads(fetcher: Fetcher, root: Path) -> None:
    (root.parent / "secret.jpg").write_bytes(_BYTES)
    (root / "out.jpg").symlink_to(root.parent / "secret.jpg")
    (root / "folder").symlink_to(root.parent)
    (root / "in.jpg").symlink_to(root / "Jane Doe.jpg")
    (root / "circle.jpg").symlink_to(root / "circle.jpg")

    assert refusal(fetcher, (root / "out.jpg").as_uri()).code == "url_not_allowed"
    assert refusal(fetcher, f"{root.as_uri()}/folder/secret.jpg").code == "url_not_allowed"
    assert fetcher.fetch((root / "in.jpg").as_uri(), None).media_id == _SHA256
    assert refusal(fetcher, (root / "circle.jpg").as_uri()).code == "url_not_allowed"


def test_a_folder_swapped_for_a_link_after_the_check_gives_nothing_away(
    fetcher: Fetcher, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = root / "day"
    inner.mkdir()
    (inner / "a.jpg").write_bytes(_BYTES)
    (root.parent / "outside").mkdir()
    (root.parent / "outside" / "a.jpg").write_bytes(b"secret")
    really_open = os.open

    def open_after_the_swap(path: str, flags: int) -> int:
        inner.rename(root / "moved")
        inner.symlink_to(root.parent / "outside")
        return really_open(path, flags)

    monkeypatch.setattr(os, "open", open_after_the_swap)
    with pytest.raises(Unprocessable) as caught:
        fetcher.fetch(f"{root.as_uri()}/day/a.jpg", None)
    monkeypatch.undo()

    assert caught.value.code == "url_not_allowed"


def test_a_pipe_or_a_folder_is_no_file_and_blocks_nobody(fetcher: Fetcher, root: Path) -> None:
    os.mkfifo(root / "pipe.jpg")
    (root / "folder").mkdir()

    assert refusal(fetcher, (root / "pipe.jpg").as_uri()).code == "missing_file"
    assert refusal(fetcher, (root / "folder").as_uri()).code == "missing_file"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "no scheme",
        "file://other-host/a.jpg",
        "file:relative.jpg",
        "file:///a%00.jpg",
        "http://[::1/a.jpg",
        "http://host:port/a.jpg",
        "file:///a\nb.jpg",
        "redthread-upload:../../etc/passwd",
    ],
)
def test_a_broken_url_is_refused_as_one(fetcher: Fetcher, url: str) -> None:
    assert refusal(fetcher, url).code == "invalid_url"


@pytest.mark.parametrize("url", ["ftp://host/a.jpg", "https://other.example/a.jpg", "data:image/png;base64,AAAA"])
def test_other_kinds_of_url_and_other_hosts_are_refused(fetcher: Fetcher, url: str) -> None:
    assert refusal(fetcher, url).code == "url_not_allowed"


def test_an_allowed_folder_that_is_away_is_an_unreachable_source(store: MediaStore, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable) as caught:
        Fetcher([(tmp_path / "unmounted").as_uri()], store).fetch((tmp_path / "unmounted" / "a.jpg").as_uri(), None)
    assert caught.value.host == "file"


def test_an_allowed_root_that_is_no_url_is_refused_at_the_start(store: MediaStore) -> None:
    with pytest.raises(Invalid):
        Fetcher(["/data/north"], store)


def test_an_upload_is_read_from_the_store(fetcher: Fetcher, store: MediaStore) -> None:
    url = store.upload_url(store.put_upload(_BYTES))

    assert fetcher.fetch(url, _SHA256).data == _BYTES
    store.delete_media(_SHA256)
    assert refusal(fetcher, url).code == "missing_file"


class _Site:
    """A web server on loopback; `pages` maps a path to (status, headers, body)."""

    def __init__(self) -> None:
        pages: dict[str, tuple[int, dict[str, str], bytes]] = {}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, headers, body = pages.get(self.path, (404, {}, b""))
                self.send_response(status)
                length = {} if "Transfer-Encoding" in headers else {"Content-Length": str(len(body))}
                for name, value in ({"Connection": "close"} | length | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.pages = pages
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def site() -> Iterator[_Site]:
    site = _Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


def test_a_file_under_an_allowed_address_is_read(site: _Site, store: MediaStore) -> None:
    site.pages["/north/a.jpg"] = (200, {}, _BYTES)
    site.pages["/north/moved.jpg"] = (302, {"Location": "/north/a.jpg"}, b"")

    fetcher = Fetcher([f"{site.url}/north"], store)

    assert fetcher.fetch(f"{site.url}/north/a.jpg", _SHA256).data == _BYTES
    assert fetcher.fetch(f"{site.url}/north/moved.jpg", None).data == _BYTES
    fetcher.close()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/south/a.jpg", "url_not_allowed"),
        ("/northern/a.jpg", "url_not_allowed"),
        ("/north/../south/a.jpg", "url_not_allowed"),
        ("/north/%2e%2e/south/a.jpg", "url_not_allowed"),
        ("/north/..%2fsouth/a.jpg", "url_not_allowed"),
        ("/north/leaves", "url_not_allowed"),
        ("/north/circle", "source_refused"),
        ("/north/absent", "missing_file"),
        ("/north/forbidden", "unreadable_file"),
        ("/north/teapot", "source_refused"),
        ("/north/empty", "empty_file"),
        ("/north/large", "too_large"),
        ("/north/endless", "too_large"),
    ],
)
def test_what_an_allowed_host_may_not_give_is_refused(site: _Site, store: MediaStore, path: str, code: str) -> None:
    site.pages |= {
        "/south/a.jpg": (200, {}, _BYTES),
        "/northern/a.jpg": (200, {}, _BYTES),
        "/north/leaves": (302, {"Location": "/south/a.jpg"}, b""),
        "/north/circle": (302, {"Location": "/north/circle"}, b""),
        "/north/forbidden": (403, {}, b""),
        "/north/teapot": (418, {}, b""),
        "/north/empty": (200, {}, b""),
        "/north/large": (200, {}, b"x" * 1001),
        "/north/endless": (200, {"Transfer-Encoding": "chunked"}, b"3e9\r\n" + b"x" * 1001 + b"\r\n"),
    }

    assert refusal(Fetcher([f"{site.url}/north/"], store, max_bytes=1000), site.url + path).code == code


def test_credentials_in_a_url_are_refused(site: _Site, store: MediaStore) -> None:
    url = site.url.replace("http://", "http://user:secret@") + "/north/a.jpg"

    found = refusal(Fetcher([site.url], store), url)

    assert found.code == "url_not_allowed"
    assert "secret" not in found.message


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_host_that_cannot_answer_now_is_unreachable(site: _Site, store: MediaStore, status: int) -> None:
    site.pages["/a.jpg"] = (status, {}, b"")

    assert _unreachable(lambda: Fetcher([site.url], store).fetch(f"{site.url}/a.jpg", None)) == "127.0.0.1"


def test_a_host_that_hangs_up_or_is_down_is_unreachable(site: _Site, store: MediaStore) -> None:
    site.pages["/cut.jpg"] = (200, {"Content-Length": "5000"}, _BYTES)
    fetcher = Fetcher([site.url], store)
    assert _unreachable(lambda: fetcher.fetch(f"{site.url}/cut.jpg", None)) == "127.0.0.1"

    site.server.shutdown()
    site.server.server_close()
    assert _unreachable(lambda: fetcher.fetch(f"{site.url}/a.jpg", None)) == "127.0.0.1"


def _unreachable(action: Callable[[], object]) -> str:
    with pytest.raises(RedthreadError) as caught:
        action()
    assert isinstance(caught.value, SourceUnreachable)
    return caught.value.host
