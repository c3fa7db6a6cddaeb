"""Technical words are explained in place on every page that uses them, by one table."""

import re

from reportgen.atlas.terms import MEANINGS, TERMS, explained
from reportgen.comparison import STATE_MEANINGS
from reportgen.verdicts import VERDICTS

OPENS, MEANS = re.compile(r'popovertarget="t-([\w-]+)"'), re.compile(r'id="t-([\w-]+)" popover')


def test_every_word_that_opens_its_meaning_has_it_on_its_page(built_small):
    n_opened = 0
    for page in built_small.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        opened, there = set(OPENS.findall(text)), MEANS.findall(text)
        assert opened <= set(there), page.name
        assert len(there) == len(set(there))
        n_opened += len(opened)
    assert n_opened > 300


def test_what_a_meaning_leads_to_stands_on_the_method_page(built_small):
    method = (built_small / "method.html").read_text(encoding="utf-8")
    named = {
        word
        for page in built_small.rglob("*.html")
        for word in re.findall(r'method\.html#([\w-]+)"', page.read_text(encoding="utf-8"))
    }
    assert len(named) > 10
    assert all(f'id="{word}"' in method for word in named)


def test_the_method_page_says_all_that_the_pages_say_in_place(built_small):
    method = (built_small / "method.html").read_text(encoding="utf-8")
    for term in TERMS.values():
        assert term.brief in method and term.more in method


def test_each_verdict_is_a_term_with_its_own_meaning():
    for verdict in VERDICTS:
        assert MEANINGS[f"v-{verdict.mark}"].brief == verdict.meaning


def test_a_units_page_explains_its_verdict_and_its_numbers_without_leaving(built_small):
    page = (built_small / "m/garden/v1/conv1/17.html").read_text(encoding="utf-8")
    main = page[page.index("<main") : page.index("</main>")]
    assert {"v-s", "borderline", "structure", "null", "use", "decided"} <= set(OPENS.findall(main))
    assert "method.html" not in main


def test_words_in_running_text_open_their_meaning_once_and_nothing_is_lost():
    text = "3 static units of static_1 (static/conv), Noise baseline; dead: 2, verdict:flat, no counterpart"
    parts = explained(text)
    assert "".join(part for part, _ in parts) == text
    assert [(part, key) for part, key in parts if key] == [
        ("static", "v-t"),
        ("Noise baseline", "null"),
        ("dead", "v-d"),
        ("counterpart", "counterpart"),
    ]


def test_every_state_of_a_comparison_is_a_term_with_its_own_meaning():
    for state, meaning in STATE_MEANINGS.items():
        assert MEANINGS[f"c-{state}"].brief.lower() == f"{meaning}.".lower()


def test_findings_tables_and_all_units_explain_their_words_without_leaving(built_small):
    folder = built_small / "m/garden/v1"
    opened = {
        name: set(OPENS.findall((folder / f"{name}.html").read_text(encoding="utf-8")))
        for name in ("findings", "index", "units", "wall")
    }
    assert {"v-s", "v-t", "copy", "structure", "null"} <= opened["findings"]
    assert {"v-s", "v-u", "v-m", "v-t", "v-f", "v-d", "structure", "null"} <= opened["index"]
    assert {"structure", "borderline", "consistency", "use", "v-s"} <= opened["units"]
    assert {"v-s", "v-t", "v-d"} <= opened["wall"]
