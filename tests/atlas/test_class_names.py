"""What a network decides between stands on the site's first pages, where its classes have names."""

import dataclasses
import shutil

import pytest

from reportgen.atlas.addresses import places
from reportgen.atlas.overview import heads_of
from reportgen.atlas.summaries import ModelSummary
from reportgen.config import read_settings
from reportgen.errors import ConfigError
from reportgen.run.class_names import class_names
from reportgen.run.publishing import publish
from reportgen.store import open_store


def named(store, names):
    """Give the outputs of every version in a store names; return the first record."""
    with open_store(store) as opened:
        first, *_ = [
            opened.put_model(dataclasses.replace(model, plan={**model.plan, "classes": names}))
            for model in opened.models()
        ]
    return first


@pytest.fixture
def own_store(small_store, tmp_path):
    return shutil.copy(small_store, tmp_path / "own.db")


def test_the_start_page_and_the_models_page_name_the_classes_and_escape_them(own_store, tmp_path):
    named(own_store, ["left <b>", "right"])
    publish(read_settings({"store": str(own_store), "site": str(tmp_path / "site")}))
    pages = [next((tmp_path / "site").glob(where)) for where in ("index.html", "m/*/*/index.html")]
    for page in pages:
        text = " ".join(page.read_text(encoding="utf-8").split())
        assert "ecides between <b>left &lt;b&gt;</b> and <b>right</b>." in text, page


def test_an_outputs_own_page_names_its_class(own_store, tmp_path):
    named(own_store, ["left <b>", "right"])
    publish(read_settings({"store": str(own_store), "site": str(tmp_path / "site")}))
    for unit, name in ((0, "left &lt;b&gt;"), (1, "right")):
        page = next((tmp_path / "site").glob(f"m/*/*/logits/{unit}.html")).read_text(encoding="utf-8")
        assert f"unit {unit} of 2: {name}</small></h1>" in page


def test_names_that_are_not_as_many_as_the_outputs_name_nothing(own_store):
    record = named(own_store, ["one", "two", "three"])
    assert [record.outputs_named(layer) for layer in record.layers] == [()] * len(record.layers)


@pytest.mark.parametrize("plan", ["left", [1, 2], {"0": "left"}, [["left"], ["right"]]])
def test_a_strangers_store_with_other_things_for_names_names_nothing(own_store, plan):
    assert named(own_store, plan).class_names == ()


def test_one_output_between_two_classes_says_what_low_and_high_mean(own_store):
    record = named(own_store, ["left", "right"])
    single = dataclasses.replace(record.layers[-1], n_units=1)
    assert record.outputs_named(single) == ("left", "right")


def test_a_file_with_another_number_of_names_is_refused_in_a_line(own_store, tmp_path):
    file = tmp_path / "names.txt"
    file.write_text("a\nb\nc\nd\n")
    layers = named(own_store, ["left", "right"]).layers
    with pytest.raises(ConfigError, match=r'"names.txt" has 4 names, and the last layer "\S+" 2 units'):
        class_names(read_settings({"class_names": str(file)}), layers)
    file.write_text("left\nright\n")
    assert class_names(read_settings({"class_names": str(file)}), layers) == ("left", "right")


def test_a_network_that_ends_in_logits_names_its_outputs_and_their_classes(own_store):
    record = named(own_store, ["left", "right"])
    bare = [dataclasses.replace(layer, head="") for layer in record.layers]

    def heads(class_names):
        of = dataclasses.replace(record, layers=tuple(bare), plan={"classes": class_names})
        place = places([of])[of.id]
        return heads_of(ModelSummary(of, place, ()))

    (found,) = heads(["left", "right"])
    assert (found.layer, found.n_units, found.kind) == (bare[-1].name, 2, "logits")
    assert found.classes == ("left", "right")
    (found,) = heads([])
    assert (found.layer, found.n_units, found.kind, found.classes) == (bare[-1].name, 2, "linear", ())
