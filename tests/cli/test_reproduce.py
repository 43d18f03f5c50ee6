"""The paper's experiments, end to end on small trees of the published formats."""

import hashlib
from dataclasses import replace

import pytest
import timm

from cxrkd import runs
from cxrkd.cli.reproduce import settings_flags
from cxrkd.config import TrainConfig
from cxrkd.data.readers import chestmnist
from cxrkd.models.from_timm import cnn
from cxrkd.models.network import NETWORKS
from cxrkd.models.pretrained import Source
from cxrkd.paper import recipes
from cxrkd.runs import speed, stages
from tests.trees import chestxray14_tree, chexpert_tree, padchest_tree, write_npz
from tests.webserver import web

NET = "mobilenetv3_small_100"
NAMES = ("densenet161", "eeea_net_c2")
SMALL = f"--image-size 32 --teacher {NET} --teacher-weights none --student {NET} --student-weights none".split()
SMALL += ["--epochs", "1", "--teacher-epochs", "1", "--batch-size", "16", "--seeds", "0", "--no-control"]
TREES = {
    "chestmnist-224": lambda folder: write_npz(folder / "chestmnist.npz", counts=(48, 16, 40)),
    "chestxray14": lambda folder: chestxray14_tree(folder, patients=60),
    "chexpert": lambda folder: chexpert_tree(folder, valid=12),
    "padchest": lambda folder: padchest_tree(folder, patients=240),
}


@pytest.fixture(autouse=True)
def _home(tmp_path_factory, monkeypatch):
    """A home of its own for each test: what is done in one must not be found in another."""
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(autouse=True)
def _one_timed_step(monkeypatch):
    monkeypatch.setattr(speed, "TIMED_S", 0.0)


def words(name, folder):
    return [name, "--folder", folder, *SMALL, *(["--published-size", 28] if name == "chestmnist-224" else [])]


@pytest.mark.parametrize("name", TREES)
def test_a_recipe_runs_end_to_end_and_a_changed_one_is_no_reproduction(cli, tmp_path, name):
    TREES[name](tmp_path)
    found = cli("reproduce", *words(name, tmp_path), "--json")
    assert found.code == 0, found.err
    document, recipe = found.document, recipes.find_recipe(name)
    run = runs.open_run(document["run"])
    assert (run.name, run.config.data.kind) == (f"reproduce {name}", recipe.data.kind)
    assert document["comparison"]["reproduction"] is False
    assert document["published"] is None
    distilled, teacher = document["comparison"]["members"]
    figures = run.metrics().of("distilled").over_seeds
    assert document["comparison"]["n_labels"] == figures.n_labels
    if figures.n_labels:  # the tree of chexpert has fewer than ten patients a label
        assert distilled["ours"] == pytest.approx(100 * figures.macro_auroc)
        assert distilled["low"] <= distilled["ours"] <= distilled["high"]
    else:
        assert distilled["ours"] is None
    assert [distilled["paper"], teacher["paper"]] == [None, None]
    assert [row["name"] for row in document["comparison"]["labels"]] == list(run.labels)
    assert "Distilling the student" in found.err
    changes = document["comparison"]["changes"]
    assert f"teacher_arch {NET} instead of densenet161" in changes
    assert "seeds 0 instead of 0,1,2" in changes
    assert not any("folder" in change for change in changes)

    again = cli("reproduce", *words(name, tmp_path))
    assert (again.code, again.err) == (0, "")
    assert "NOT the paper's recipe, and no reproduction of it" in again.out
    assert f"{recipe.published.auroc}" not in again.out
    assert len(runs.run.list_own_runs()) == 1


def test_the_same_command_goes_on_where_it_was_stopped(cli, tmp_path, monkeypatch):
    TREES["chestmnist-224"](tmp_path)
    asked = words("chestmnist-224", tmp_path)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stages, "train_student", interrupted)
        found = cli("reproduce", *asked)
    assert (found.code, found.out) == (130, "")
    assert "the same command" in found.err
    trained, fit = [], stages.fit
    monkeypatch.setattr(
        stages, "fit", lambda *a, work_dir, **o: trained.append(work_dir.name) or fit(*a, work_dir=work_dir, **o)
    )
    found = cli("reproduce", *asked)
    assert found.code == 0, found.err
    assert trained == ["distilled-0"]
    assert len(runs.run.list_own_runs()) == 1
    assert cli("reproduce", *asked, "--alpha", 0.7).code == 0
    assert len(runs.run.list_own_runs()) == 2, "another setting is another run"


class Packed(Source):
    """ImageNet weights that arrive when they are fetched."""

    here = False

    def is_here(self):
        return Packed.here

    def fetch(self, progress=None):
        Packed.here = True

    def state(self, labels):
        return timm.create_model(NET).state_dict()


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """The real recipe with small networks under the real names, one epoch, and ChestMNIST published on this machine."""
    weights = {"imagenet": Packed("a test", "none")}
    small = {name: replace(NETWORKS[name], make=cnn(NET), weights=lambda: weights) for name in NAMES}
    monkeypatch.setattr(NETWORKS, "_entries", NETWORKS._entries | small)
    monkeypatch.setattr(Packed, "here", False)
    train = TrainConfig(epochs=1, warm_epochs=0, batch_size=16)
    monkeypatch.setattr(recipes, "TEACHER_TRAIN", train)
    monkeypatch.setattr(recipes, "STUDENT_TRAIN", train)
    file = tmp_path / "published.npz"
    write_npz(file, size=224, counts=(16, 16, 40))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    with web({file.name: file.read_bytes()}) as address:
        info = {"url": f"{address}/{file.name}", "md5": hashlib.md5(file.read_bytes()).hexdigest()}
        monkeypatch.setattr(chestmnist, "published", lambda size: (info["url"], info["md5"]))
        yield info


def test_the_one_command_downloads_trains_and_stands_beside_the_paper(cli, quick, tmp_path):
    found = cli("reproduce", "chestmnist-224")
    assert found.code == 0, found.err
    assert (tmp_path / "user" / ".medmnist" / "chestmnist_224.npz").exists()
    assert Packed.here
    assert "ChestMNIST at 224 px is fetched to" in found.err
    run = runs.open_run("reproduce-chestmnist-224")
    ours = 100 * run.metrics().of("distilled").over_seeds.macro_auroc
    row = next(line for line in found.out.splitlines() if line.startswith("student distilled"))
    assert row.split()[2:] == [f"{ours:.1f}", *row.split()[3:6], "83.7", f"{ours - 83.7:+.1f}"]
    assert "(seed 2)" in found.out
    edema = next(line for line in found.out.splitlines() if line.startswith("Edema"))
    assert "90.1" in edema
    for said in ("very probably", "abstract of arXiv 2305.06244", "quoted from the paper", "Ours: AdamW"):
        assert said in found.out
    document = cli("reproduce", "chestmnist-224", "--json").document
    assert document["comparison"]["reproduction"] is True
    assert document["comparison"]["members"][0]["difference"] == pytest.approx(ours - 83.7)
    assert document["comparison"]["members"][2]["paper"] is None, "no figure of the teacher is known"


def test_offline_one_sentence_says_what_to_do_and_nothing_is_left(cli, quick, tmp_path):
    quick["url"] += ".gone"
    found = cli("reproduce", "chestmnist-224")
    assert (found.code, found.out) == (2, "")
    last = found.err.strip().splitlines()[-1]
    assert "could not be downloaded" in last
    assert "Connect to the internet and try again, or fetch chestmnist_224.npz from https://doi.org" in last
    assert str(tmp_path / "user" / ".medmnist" / "chestmnist_224.npz") in last
    assert runs.run.list_own_runs() == []


def test_a_wrong_folder_is_told_before_anything_is_made(cli, tmp_path):
    for asked, sentence in (
        (["chexpert", "--folder", tmp_path / "nowhere"], "does not exist; expected the folder that CheXpert"),
        (["padchest", "--folder", tmp_path], "There is no PADCHEST_chest_x_ray_images_labels"),
        (["chestxray14"], "reproduce chestxray14 --folder DIR"),
        (["mimic"], "Expected one of chestmnist-224, chestxray14, chexpert, padchest, got 'mimic'"),
    ):
        found = cli("reproduce", *asked, *SMALL)
        assert (found.code, found.out) == (2, "")
        assert sentence in found.err
    assert runs.run.list_own_runs() == []


def test_a_dry_run_measures_and_downloads_nothing(cli, quick, tmp_path):
    found = cli("reproduce", "chestmnist-224", "--dry-run", "--json").document
    assert not (tmp_path / "user").exists()
    assert not Packed.here
    assert runs.run.list_own_runs() == []
    assert (found["images"]["all"], found["images"]["train"]) == (112_120, 78_468)
    assert found["config"]["teacher_arch"] == "densenet161"
    assert found["changes"] == []
    speeds, seconds = found["speed"], found["seconds"]
    assert seconds["teacher"] == pytest.approx(78_468 / speeds["teacher"]["train_images_s"])
    alone = 78_468 / speeds["student"]["train_images_s"]
    assert seconds["alone-2"] == pytest.approx(alone)
    asked = 78_468 / speeds["teacher"]["predict_images_s"]
    assert seconds["distilled-0"] == pytest.approx(alone + asked), "the teacher answers every view of the one epoch"
    assert seconds["distilled-2"] == pytest.approx(alone), "which all students see"
    assert seconds["total"] == pytest.approx(sum(s for name, s in seconds.items() if name != "total"))
    disk = found["disk"]
    assert (disk["download"], disk["prepared"]) == (112_120 * 224**2, 112_120 * 224**2)
    assert disk["total"] == sum(value for name, value in disk.items() if name != "total")


def test_a_dry_run_takes_the_papers_number_of_images_until_it_can_count(cli, tmp_path):
    asked = ["--dry-run", *SMALL]
    guessed = cli("reproduce", "padchest", *asked)
    assert "Estimate for 158,626 images, 111,038 of them to train on (the paper's number" in guessed.out
    assert "NOT the paper's recipe" in guessed.out
    TREES["padchest"](tmp_path)
    counted = cli("reproduce", "padchest", *asked, "--folder", tmp_path, "--json").document
    assert counted["images"] == {"all": 240, "train": 168, "counted": True}
    assert list(tmp_path.glob("*/cache")) == []


def test_without_a_name_the_recipes_are_listed_with_the_papers_figures(cli):
    found = cli("reproduce", "--json").document["recipes"]
    assert {name: about["auroc"] for name, about in found.items()} == {
        "chestmnist-224": 83.7,
        "chestxray14": 83.7,
        "chexpert": 87.1,
        "padchest": 88.7,
    }
    assert "abstract" in cli("reproduce").out


@pytest.mark.parametrize("recipe", recipes.RECIPES, ids=lambda r: r.name)
def test_a_recipe_is_the_papers_pair_at_224(recipe):
    config = recipe.config
    assert (config.teacher_arch, config.teacher_weights, config.student_arch) == (
        "densenet161",
        "imagenet",
        "eeea_net_c2",
    )
    assert (config.objective.name, config.data.image_size, config.data.kind) == ("paper", 224, recipe.data.kind)
    assert config.student_train.augment
    assert config.objective.view == "same"
    assert recipe.changes(config) == ()
    assert recipe.changes(config.model_copy(update={"name": "mine", "download": False})) == ()
    assert recipe.changes(config.model_copy(update={"seeds": (0,)})) == ("seeds 0 instead of 0,1,2",)


def test_a_recipe_augments_and_so_its_teacher_cannot_be_cached(cli):
    found = cli("reproduce", "padchest", "--view", "cached")
    assert (found.code, found.out) == (2, "")
    assert "Augment makes images that a cached teacher was never asked about: set --view to same." in found.err


def test_the_data_set_of_a_recipe_cannot_be_changed(cli):
    assert "--kind" not in [name for flag in settings_flags() for name in flag.names]
    assert cli("reproduce", "padchest", "--kind", "phantom").code == 2
