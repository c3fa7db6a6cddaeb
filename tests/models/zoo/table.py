"""The table of families and forms in `docs/zoo.md`, made from what `judge` found.

`python -m tests.models.zoo.table [FAMILY...]` judges those families (all unless named) and writes both the
judgements beside the zoo's files and the table into the documentation.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.models.zoo.files import DATA, family_of, judged, names
from tests.models.zoo.forms import FORMS, kept_in
from tests.models.zoo.judge import Judgement

JUDGED = DATA / "judged.json"
DOCS = Path(__file__).resolve().parents[3] / "docs" / "zoo.md"
BEGIN, END = "<!-- zoo: begin -->\n", "<!-- zoo: end -->"

Judged = dict[str, dict[str, Judgement]]


def stored() -> Judged:
    """Return the judgements as they are kept, by family and form."""
    if not JUDGED.exists():
        return {}
    said = json.loads(JUDGED.read_text(encoding="utf-8"))
    return {name: {form: Judgement(*one) for form, one in forms.items()} for name, forms in said.items()}


def totals(found: Judged) -> Counter[str]:
    """Count the words over all files that hold a picture; others are counted as `no picture`."""
    count: Counter[str] = Counter()
    for name, forms in found.items():
        for form in FORMS:
            if form.name in forms:
                one = forms[form.name]
                no_picture = one.word == "right" and not family_of(name, form).picture
                count["no picture" if no_picture else one.word] += 1
    return count


def markdown(found: Judged) -> str:
    """Return the table and its notes."""
    reasons: dict[str, int] = {}

    def cell(name: str, form: str) -> str:
        one = found.get(name, {}).get(form)
        if one is None:
            return ""
        if one.word == "right":
            return "no" if one.why else "+"
        note = reasons.setdefault(f"{one.word}: {_plain(one.why, name, form)}", len(reasons) + 1)
        return f"{note}"

    head = ["| family |" + "".join(f" {form.name} |" for form in FORMS), "|---|" + "---|" * len(FORMS)]
    rows = [f"| {name} |" + "".join(f" {cell(name, form.name)} |" for form in FORMS) for name in names()]
    count = totals(found)
    asked = sum(count[word] for word in ("right", "refused", "wrong", "traceback"))
    words = ", ".join(f"{word} {count[word]}" for word in ("right", "refused", "wrong", "traceback"))
    said = f"Of {asked} files with a picture in them: {words} ({count['right'] / max(1, asked):.1%} right). "
    said += f"{count['no picture']} take no picture and are refused; {count['unwritten']} are not written by "
    said += "their own program."
    notes = [f"{number}. {reason}" for reason, number in reasons.items()]
    return "\n".join([said, "", *head, *rows, "", *notes, ""])


def _plain(reason: str, name: str, form: str) -> str:
    """Return a reason without the file's own name, so that equal ones are listed once."""
    words = (
        reason.replace(f"{form}.onnx", "FILE").replace(f"{form}.keras", "FILE").replace(f"{form}.h5", "FILE")
    )
    return words.replace("|", "/")[:200]


def update(chosen: list[str]) -> None:
    """Judge families anew and write judgements and table."""
    found = stored()
    for name in chosen or names():
        forms = [form for form in FORMS if kept_in(name, form)]
        with tempfile.TemporaryDirectory() as folder:
            found[name] = {form.name: one for form, one in judged(name, forms, Path(folder))}
        print(name, Counter(one.word for one in found[name].values()), flush=True)
    kept = {name: found[name] for name in names() if name in found}
    write(kept)


def write(found: Judged) -> None:
    """Write judgements and table."""
    lines = {
        name: {form: [one.word, one.why] for form, one in forms.items()} for name, forms in found.items()
    }
    JUDGED.write_text(json.dumps(lines, indent=0) + "\n", encoding="utf-8")
    text = DOCS.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    DOCS.write_text(before + BEGIN + markdown(found) + END + rest.split(END, 1)[1], encoding="utf-8")


if __name__ == "__main__":
    update(sys.argv[1:])
