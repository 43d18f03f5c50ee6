"""One run has one set of figures: the README, Overview, Results and `evaluate` print them alike."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cxrkd.cli.main import main
from cxrkd.dashboard import engines, routes
from cxrkd.runs import list_runs, open_run
from cxrkd.runs.validating.readers import judged_by_radiologists
from cxrkd.runtime.select import build_engine
from cxrkd.text import interval, percent_interval
from tests.shipped import REAL, RUNS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    monkeypatch.setattr(engines, "choose", lambda run, m, net: engines.Chosen(build_engine(net, "pytorch"), ()))


def hyphens(text):
    """Pages print a true minus."""
    return text.replace("−", "-")


def figures(metrics):
    """AUROC of each member and without anatomy, what is kept of the teacher, and the gain, as text."""
    models = [*(found.over_seeds for found in metrics.members.values()), metrics.trivial]
    found = [interval(model.macro_auroc, model.macro_low, model.macro_high) for model in models]
    gap, gain = metrics.gap, metrics.gain
    found += [percent_interval(gap.ratio, gap.ratio_low, gap.ratio_high)]
    found += [percent_interval(gap.skill, gap.skill_low, gap.skill_high)]
    return found, interval(gain.macro_diff, gain.macro_low, gain.macro_high, sign=True)


def on_page(name, run_id):
    """What stands in the tiles of a page, as `value (low to high)`."""
    page = AppTest.from_file(routes.BY_NAME[name].path, default_timeout=120).run()
    page.sidebar.selectbox[0].set_value(run_id).run()
    assert not page.exception
    assert not page.error
    tiles = [(m.value, m.delta) for m in page.metric if m.delta.startswith("95 %: ")]
    return [hyphens(f"{value} ({below.removeprefix('95 %: ').removesuffix(' %')})") for value, below in tiles]


def test_every_shipped_run_is_held_to_it():
    assert sorted(run.id for run in list_runs()) == RUNS
    assert REAL


@pytest.mark.parametrize("run_id", RUNS)
def test_pages_print_the_figures_of_the_command_line(run_id, capsys):
    expected, gain = figures(open_run(run_id).metrics())
    assert main(["evaluate", run_id]) == 0
    told = capsys.readouterr().out
    assert [text for text in [*expected, gain] if text not in told] == []
    judged = judged_by_radiologists(open_run(run_id))
    assert (judged is not None) == (run_id in REAL)
    assert on_page("overview", run_id) == (figures(judged.metrics())[0] if judged else expected)
    assert on_page("results", run_id) == [*expected[:4], gain]


@pytest.mark.parametrize("run_id", RUNS)
def test_the_readme_prints_them_too(run_id):
    run = open_run(run_id)
    expected, gain = figures(run.metrics())
    if (judged := judged_by_radiologists(run)) is not None:
        expected += [*figures(judged.metrics())[0], figures(judged.metrics())[1]]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [text for text in [*expected, gain] if text not in readme]
    assert not missing, "README.md lacks " + "; ".join(missing)
