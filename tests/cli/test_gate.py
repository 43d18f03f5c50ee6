import pytest

from cxrkd.cli.gate import _lines
from cxrkd.gating import Row, fitting, measuring
from cxrkd.images.gate import COEFFICIENTS, KINDS, load_gate


@pytest.fixture
def few(monkeypatch):
    """Few pictures of every kind, and no real ones."""
    pytest.importorskip("data_store", reason="needs pydicom-data")
    sizes = {
        "PHANTOMS": 12,
        "RESAMPLES": 20,
        "MAX_ITERATIONS": 60,
        "PER_PHOTO": 2,
        "PER_SLICE": 3,
        "PER_PROGRAM": 12,
        "COMPONENTS": 6,
        "PER_DOCUMENT": 1,
    }
    for room in (fitting, measuring):
        for name, n in sizes.items():
            if hasattr(room, name):
                monkeypatch.setattr(room, name, n)
    monkeypatch.setattr(measuring, "PHANTOMS", 4)
    monkeypatch.setattr("cxrkd.gating.real_films", lambda folders, test: films_of(test))


def films_of(test):
    from cxrkd.gating import phantoms

    return phantoms(3, 900 + test)


def test_a_gate_is_fitted_written_and_measured(cli, few, tmp_path):
    path, before = tmp_path / "deep" / "gate.safetensors", COEFFICIENTS.read_bytes()
    fitted = cli("gate", "fit", "--folder", tmp_path, "--out", path, "--leave-out", "photo", "--json")
    assert fitted.code == 0
    assert fitted.document["bytes"] == path.stat().st_size
    assert fitted.document["real_films"] == 3
    assert fitted.document["pictures"]["photo"] == 0
    assert fitted.document["pictures"]["chest"] == 3 * 15
    assert COEFFICIENTS.read_bytes() == before
    assert load_gate(path).bias[KINDS.index("photo")] == fitting.NEVER
    measured = cli("gate", "measure", "--folder", tmp_path, "--coefficients", path, "--json").document
    by_group = {row["group"]: row for row in measured["rows"]}
    assert by_group["real film, as it is"]["n"] == 3
    assert by_group["phantom film, turned by 90, 180 or 270 degrees"]["n"] == 12
    assert by_group["photograph, cropped and grey"]["right_reason"] == 0
    assert 0.8 < measured["auroc"] <= 1
    text = "\n".join(_lines([Row(**row) for row in measured["rows"]]))
    good, bad = text.split("ought to be flagged")
    assert "real film, as it is" in good
    assert "real film, inverted" in bad


def test_wrong_wishes_are_a_sentence(cli, tmp_path):
    found = cli("gate", "fit", "--folder", tmp_path, "--leave-out", "cats")
    assert (found.code, found.out) == (2, "")
    assert "Expected kinds to leave out among inverted" in found.err
    absent = cli("gate", "measure", "--folder", tmp_path / "none")
    assert absent.code == 2
    assert "does not exist" in absent.err
    missing = cli("gate", "measure", "--folder", tmp_path, "--coefficients", tmp_path / "none.safetensors")
    assert missing.code == 2
    assert "are missing" in missing.err
