"""What a cohort holds: counts of images, patients, views, labels and pairs of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import table

if TYPE_CHECKING:
    from cxrkd.config import DataConfig
    from cxrkd.data.cohort import Cohort


def describe(config: DataConfig, cohort: Cohort) -> dict[str, Any]:
    """Counts of images, patients, views, labels and pairs of labels, overall and by split."""
    import numpy as np

    from cxrkd.data.cohort import SPLITS
    from cxrkd.runs.data_check import check_data

    check = check_data(cohort)
    positive, known = cohort.positive, ~np.isnan(cohort.targets)
    rows = {split: cohort.rows(split) for split in SPLITS}
    together = positive.astype(int).T @ positive.astype(int)
    return {
        "kind": config.kind,
        "name": cohort.name,
        "config": config.model_dump(mode="json"),
        "synthetic": cohort.synthetic,
        "notes": list(cohort.notes),
        "warnings": list(check.warnings),
        "n": len(cohort),
        "n_patients": len(np.unique(cohort.patients)),
        "views": {view: int((cohort.views == view).sum()) for view in np.unique(cohort.views).tolist()},
        "splits": {
            s: {
                "n": len(r),
                "n_patients": len(np.unique(cohort.patients[r])),
                "unlabelled": int(cohort.unlabelled[r].sum()),
            }
            for s, r in rows.items()
        },
        "patients_in_two_splits": 0,
        "no_finding": int(cohort.no_finding.sum()),
        "unlabelled": int(cohort.unlabelled.sum()),
        "labels": {
            label: {
                "n_pos": int(positive[:, k].sum()),
                "prevalence": float(positive[:, k].sum() / max(1, known[:, k].sum())),
            }
            | {"n_known": int(known[:, k].sum())}
            | {"positive_patients": check.labels[k].positive_patients, "judged": check.labels[k].judged}
            | {f"n_pos_{split}": int(positive[r, k].sum()) for split, r in rows.items()}
            for k, label in enumerate(cohort.labels)
        },
        "co_occurrence": {
            label: dict(zip(cohort.labels, together[k].tolist(), strict=True)) for k, label in enumerate(cohort.labels)
        },
    }


def cohort_lines(facts: dict[str, Any]) -> list[str]:
    """What `describe` gives, for people."""
    splits = ", ".join(f"{name} {s['n']} images of {s['n_patients']} patients" for name, s in facts["splits"].items())
    head = ["label", "positives", "prevalence", *facts["splits"]]
    rows = [
        [name, str(f["n_pos"]), f"{f['prevalence']:.1%}", *(str(f[f"n_pos_{split}"]) for split in facts["splits"])]
        for name, f in facts["labels"].items()
    ]
    drawn = " (drawn, not of patients)" if facts["synthetic"] else ""
    pairs = [[str(name), *map(str, row.values())] for name, row in facts["co_occurrence"].items()]
    return [
        f"{facts['name']}{drawn}: {facts['n']} images of {facts['n_patients']} patients; "
        f"{', '.join(f'{view} {n}' for view, n in facts['views'].items())}; no finding {facts['no_finding']}",
        splits,
        *facts["warnings"],
        "Split check: no patient is in two splits.",
        *facts["notes"],
        "",
        *table(head, rows),
        "",
        "Images with both findings:",
        *table(["", *(name[:5] for name in facts["labels"])], pairs),
    ]
