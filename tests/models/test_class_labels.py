"""Names of classes are read from what exporters write, and from nothing else."""

import json

import pytest

from reportgen.models.class_labels import labels_in

THREE = ("cat", "dog", "great white shark")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("names", "{0: 'cat', 1: 'dog', 2: 'great white shark'}"),
        ("names", '{0: "cat", 1: "dog", 2: "great white shark"}'),
        ("id2label", json.dumps(dict(enumerate(THREE)))),
        ("Labels", json.dumps(THREE)),
        ("classes", "cat,dog, great white shark"),
        ("class_names", "cat\ndog\ngreat white shark\n"),
    ],
)
def test_the_forms_in_which_exporters_write_names_are_read(key, text):
    assert labels_in({key: text}) == THREE


@pytest.mark.parametrize(
    "text",
    ["", "[1, 2]", '{"0": "cat", "2": "dog"}', "{0: __import__('os'), 1: 'dog'}", "[" * 100_000, "{'a': 1}"],
)
def test_what_is_no_list_of_names_gives_none(text):
    assert labels_in({"names": text}) == ()


def test_a_key_that_means_something_else_is_not_taken_for_names():
    assert labels_in({"author": "cat,dog", "description": "cat"}) == ()
    assert labels_in({}) == ()


def test_a_long_name_is_cut_and_lies_on_one_line():
    (name,) = labels_in({"labels": json.dumps(["a\nb" + "c" * 500])})
    assert name.startswith("a b") and len(name) == 200
