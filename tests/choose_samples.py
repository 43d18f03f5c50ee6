"""Chooses the films that ship in `assets/samples`, from a tree of ChestX-ray14 with expert labels: the same each time.

    python -m tests.choose_samples --tree nih_1024 --not-trained-on nih_mini --out assets/samples

The tree is a published one (`images/`, `Data_Entry_2017*.csv`, `BBox_List_2017.csv`, `test_list.txt`) that also holds
`expert_labels.csv` (the majority of three radiologists, in the form of the folder reader) and `expert_readers.csv`
(what each of five said). Films of patients whom another tree lists for training are left out.

The rule looks at what radiologists said and at nothing else, never at what a network answers:

1. test films with expert labels, one a patient;
2. those on which a box of the data set marks a finding that the experts confirm, at most BOXED of a finding;
3. then, until ABNORMAL films are chosen, one for the finding that the fewest of them show, of those films on which all
   five radiologists see it;
4. NORMAL films on which none of the five sees anything abnormal.

Of several films the one whose name has the smallest SHA-256 is taken. So most films are clear ones: what networks reach
on them says nothing of what they reach on others.
"""

import argparse
import csv
import hashlib
import shutil
from pathlib import Path

import pandas as pd

from cxrkd.checksums import LIST, enlist
from cxrkd.data.readers.chestxray14 import BOX_NAMES
from cxrkd.labels import CHESTXRAY14

ABNORMAL, NORMAL, BOXED, READERS = 20, 4, 3, 5
BOXES, LABELS = "BBox_List_2017.csv", "labels.csv"


def drawn(names):
    """Names in an order that nobody chose."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())


def patient_of(name):
    return int(name.partition("_")[0])


def patients_trained_on(tree):
    return {patient_of(name) for name in (tree / "train_val_list.txt").read_text().split()}


def one_a_patient(names, taken):
    """The first of each patient, none of those who are taken."""
    first = {}
    for name in names:
        if patient_of(name) not in {patient_of(other) for other in taken}:
            first.setdefault(patient_of(name), name)
    return list(first.values())


def choose(expert, readers, boxes, candidates):
    """Names of the films, in the order of the rule.

    Args:
        expert: table by name, a column of 0 and 1 a finding.
        readers: table of `expert_readers.csv`.
        boxes: confirmed ones, columns `name` and `finding`.
        candidates: names to choose from, drawn.
    """
    said = readers[readers["Image_ID"].isin(candidates)].set_index("Image_ID")
    unanimous = (said[list(CHESTXRAY14)] == "YES").groupby(level=0).sum() == READERS
    normal = said["Abnormal"].groupby(level=0).sum() == 0
    chosen = []
    for finding in CHESTXRAY14:
        marked = set(boxes.loc[boxes["finding"] == finding, "name"])
        chosen += one_a_patient([name for name in candidates if name in marked], chosen)[:BOXED]
    while len(chosen) < ABNORMAL:
        shown = expert.loc[chosen, list(CHESTXRAY14)].sum()
        for finding in sorted(CHESTXRAY14, key=lambda finding: shown[finding]):
            left = one_a_patient([name for name in candidates if unanimous.loc[name, finding]], chosen)
            if left:
                chosen.append(left[0])
                break
    return chosen + one_a_patient([name for name in candidates if normal[name]], chosen)[:NORMAL]


def write(out, tree, chosen, expert, boxes):
    """Films as they are, their labels, boxes and checksums; other files of the folder stay."""
    for old in (*out.glob("*.png"), out / LIST):
        old.unlink(missing_ok=True)
    for name in chosen:
        shutil.copyfile(tree / "images" / name, out / name)
    with (out / LABELS).open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["image", "patient", "split", "view", *CHESTXRAY14])
        for name in chosen:
            rows.writerow([name, patient_of(name), "test", expert.at[name, "view"], *expert.loc[name, CHESTXRAY14]])
    lines = (tree / BOXES).read_text(encoding="utf-8").splitlines(keepends=True)
    of_chosen = [line for at, line in enumerate(lines) if at == 0 or (boxes["line"] == at).any()]
    of_chosen[1:] = [line for line in of_chosen[1:] if line.partition(",")[0] in chosen]
    (out / BOXES).write_text("".join(of_chosen), encoding="utf-8", newline="")
    for path in sorted(out.iterdir()):
        if path.name != LIST:
            enlist(path, out)


def confirmed(path, expert):
    """Boxes whose finding the experts see on that film: name, finding and number of the line."""
    table = pd.read_csv(path, usecols=["Image Index", "Finding Label"]).set_axis(["name", "finding"], axis=1)
    table = table.replace({"finding": BOX_NAMES}).assign(line=range(1, len(table) + 1))
    table = table[table["name"].isin(expert.index)]
    return table[[expert.at[name, finding] == 1 for name, finding in zip(table["name"], table["finding"], strict=True)]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, required=True)
    parser.add_argument("--not-trained-on", type=Path, action="append", default=[])
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    expert = pd.read_csv(args.tree / "expert_labels.csv")
    expert = expert.set_index(expert["image"].str.removeprefix("images/"))
    readers = pd.read_csv(args.tree / "expert_readers.csv")
    test = set((args.tree / "test_list.txt").read_text().split())
    trained = set().union(*(patients_trained_on(tree) for tree in (args.tree, *args.not_trained_on)))
    candidates = drawn(name for name in expert.index if name in test and patient_of(name) not in trained)
    boxes = confirmed(args.tree / BOXES, expert.loc[candidates])
    args.out.mkdir(parents=True, exist_ok=True)
    write(args.out, args.tree, choose(expert, readers, boxes, candidates), expert, boxes)


if __name__ == "__main__":
    main()
