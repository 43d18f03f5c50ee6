"""An explainer of this file alone: on the command line, in the help, and on the page with its agreement."""

import json
from functools import partial

import numpy as np
import pytest
from pydantic import Field

from cxrkd.cli import main
from cxrkd.config.strict import Strict
from cxrkd.data.phantom import render
from cxrkd.explain.cam import as_batch
from cxrkd.explain.explainer import EXPLAINERS, GRADIENTS, Explainer, GridMaps
from cxrkd.explain.steps import Step
from cxrkd.models.answers import numbers
from tests.dashboard import test_pages
from tests.dashboard.test_pages import assert_healthy, open_page, png_of, words

_one_engine, sample_home = test_pages._one_engine, test_pages.sample_home  # fixtures


class ToySettings(Strict):
    power: int = Field(1, ge=1, le=9, description="of a channel")


def channels(networks, films, settings, steps):
    """Channel k of the features is the map of label k: one pass, and it hangs on weights and film."""
    passes = steps([Step((settings, n.key), partial(ask, n.classifier, films)) for n in networks.values()])
    by_name = dict(zip(networks, passes, strict=True))
    return [
        GridMaps(
            {name: logits[i] for name, (logits, _) in by_name.items()},
            {name: features[i] ** settings.power for name, (_, features) in by_name.items()},
        )
        for i in range(len(films))
    ]


def ask(network, films):
    import torch

    with torch.inference_mode():
        features = network.forward_features(as_batch(network, films))
        logits = numbers(network, network.forward_head(features).numpy())
        return logits, network.spatial(features)[:, : len(network.labels)].numpy()


@pytest.fixture(autouse=True)
def toy():
    entry = Explainer(
        name="toy",
        title="Toy maps",
        sentence="A channel of the features for each label.",
        source="this file",
        needs=(GRADIENTS,),
        config=ToySettings,
        explain=channels,
        unit="toys",
    )
    with EXPLAINERS.adding(entry):
        yield entry


@pytest.fixture
def explain(tiny_run, tmp_path, capsys):
    (tmp_path / "film.png").write_bytes(png_of(render(31, 0, 0, 128).pixels))

    def call(*words):
        capsys.readouterr()
        asked = ["explain", tmp_path / "film.png", "--run", tiny_run.id, "--label", "Mass", "--force"]
        code = main([str(word) for word in [*asked, "--method", "toy", *words]])
        return code, capsys.readouterr()

    return call


def test_it_is_asked_for_on_the_command_line(explain, tiny_run):
    code, said = explain("--json")
    assert code == 0, said.err
    (one,) = json.loads(said.out)["explanations"]
    assert one["method"] == "toy"
    for member, row in one["members"].items():
        assert np.shape(row["map"]) == (1, 1), member
        assert row["peak"] == pytest.approx(np.max(row["map"]), rel=1e-5)
    agreement = one["members"]["alone"]["agreement_with_teacher"]
    assert list(agreement["lines"]) == ["random_student", "other_film", "label_mean", "centre"]
    assert agreement["above_chance"] is None, "a map of one cell has no ranks"
    assert "agreement (Spearman)" in explain()[1].out


def test_its_settings_are_flags_and_hold_their_bounds(explain):
    maps = [json.loads(explain("--json", "--power", n)[1].out)["explanations"][0]["members"] for n in (1, 3)]
    for member, row in maps[0].items():
        np.testing.assert_allclose(np.array(row["map"]) ** 3, maps[1][member]["map"], rtol=1e-4)
    code, said = explain("--power", 12)
    assert code == 2
    assert "--power: expected at most 9, got 12" in said.err


def test_help_names_it(capsys):
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "toy (Toy maps)" in text
    assert "--power N power; of a channel (default 1)" in text


def test_it_is_on_the_page_with_its_agreement(sample_home):
    page = open_page("explain")
    method = page.segmented_control(key="method")
    assert "Toy maps" in method.options
    method.set_value("toy").run()
    assert_healthy(page)
    assert "A channel of the features for each label." in words(page)
    figures = next(frame.value for frame in page.dataframe if "Teacher and …" in frame.value)
    spearman = figures.set_index("Teacher and …").loc["Rank correlation (Spearman)"]
    assert set(spearman.index) == {"Student alone", "Student distilled"}
    assert spearman.between(-1, 1).all()
    verdicts = [text for text in words(page).splitlines() if text.startswith("Teacher and ")]
    assert len(verdicts) == 2
    assert not any("above chance." in text and "not above" not in text for text in verdicts), "no maps are kept of it"
