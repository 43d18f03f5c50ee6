import pytest

from tests import toys


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of its own for each test, in which the toy networks are known."""
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    toys.everywhere(monkeypatch, tmp_path / "site")
    return tmp_path / "home"
