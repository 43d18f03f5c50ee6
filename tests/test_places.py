from pathlib import Path

from cxrkd import places

ROOT = Path(__file__).resolve().parents[1]


def test_a_checkout_has_its_files_beside_the_package():
    assert places.SITE == places.CHECKOUT == ROOT
    assert places.APP.is_file()
    assert places.ASSETS == ROOT / "assets"


def test_a_wheel_has_them_inside(tmp_path):
    package = tmp_path / "site-packages" / "cxrkd"
    package.mkdir(parents=True)
    assert places.site(package) == tmp_path / "site-packages"
    (package / "_site").mkdir()
    assert places.site(package) == package / "_site"


def test_nothing_else_counts_folders_upwards():
    for path in (*(ROOT / "cxrkd").rglob("*.py"), *(ROOT / "pages").glob("*.py"), ROOT / "app.py"):
        assert path.name == "places.py" or "__file__" not in path.read_text(), f"{path}: ask cxrkd.places"
