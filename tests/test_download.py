"""What is fetched comes whole or not at all, from a server of this machine."""

import pytest

from cxrkd import download as module
from cxrkd.download import download
from cxrkd.errors import ConfigError, CxrkdError, DownloadError
from tests.webserver import web

CONTENT = bytes(range(256)) * 10


def failing(address, folder, match, error=DownloadError, **options):
    with pytest.raises(error, match=match) as caught:
        download(address, folder / "w", **{"limit": 10_000} | options)
    assert not list(folder.iterdir())
    return str(caught.value)


@pytest.mark.parametrize("announced", [-1, None])
def test_it_tells_how_far_it_is(monkeypatch, tmp_path, announced):
    monkeypatch.setattr(module, "BLOCK", 1000)
    told = []
    with web({"w": CONTENT}, announced) as address:
        download(f"{address}/w", tmp_path / "new" / "w", lambda *step: told.append(step), limit=len(CONTENT))
    assert (tmp_path / "new" / "w").read_bytes() == CONTENT
    total = 0 if announced is None else len(CONTENT)
    assert told == [(1000, total), (2000, total), (2560, total)]


def test_a_transfer_that_breaks_off_leaves_nothing(tmp_path):
    with web({"w": CONTENT}, announced=len(CONTENT) + 2) as address:
        assert failing(f"{address}/w", tmp_path, "2 more expected").startswith(f"{address}/w could not be downloaded (")


@pytest.mark.parametrize(("announced", "said"), [(9_999_999, "announces 9,999,999"), (None, "goes on after 2,559")])
def test_no_more_comes_than_is_taken(tmp_path, announced, said):
    with web({"w": CONTENT}, announced) as address:
        failing(f"{address}/w", tmp_path, said, limit=len(CONTENT) - 1)


def test_what_is_another_file_is_not_kept_and_what_was_there_stays(tmp_path):
    def check(part):
        assert part.read_bytes() == CONTENT
        raise ConfigError("another file")

    with web({"w": CONTENT}) as address:
        failing(f"{address}/w", tmp_path, "another file", error=ConfigError, check=check)
        (tmp_path / "w").write_bytes(b"before")
        with pytest.raises(CxrkdError):
            download(f"{address}/w", tmp_path / "w", check=check, limit=10_000)
    assert (tmp_path / "w").read_bytes() == b"before"


def test_why_it_cannot_be_had_is_one_short_sentence(tmp_path):
    with web({}) as address:
        assert failing(f"{address}/w", tmp_path, r"\(404 Not Found\)\.$")
    said = failing(f"{address}/w", tmp_path, "refused")  # nobody listens there any more
    assert said.count("127.0.0.1") == 1
    failing("http://no-such-host.invalid/w", tmp_path, "could not be downloaded")
    failing("nonsense", tmp_path, "could not be downloaded")
