"""Only the very file that a store was made from is rendered, and only as far as its owner trusts it."""

import dataclasses

import pytest
from small_networks import save_model

from reportgen.errors import ModelError
from reportgen.explorer.model_files import Files, ModelFile
from reportgen.store import open_store


@pytest.fixture(scope="module")
def record(tiny_store):
    with open_store(tiny_store) as store:
        return store.models()[0]


def files(given=(), folders=(), trust=False, custom=()):
    return Files(given, list(folders), trust_model=trust, custom=custom, arithmetic="float32")


def test_a_file_is_known_by_its_hash_by_name_or_by_lying_there(record, tiny_model, tmp_path):
    for found in (
        files([tiny_model]),
        files({"tiny/v1": tiny_model}),
        files(folders=[tmp_path, tiny_model.parent]),
    ):
        assert found.find(record).path == str(tiny_model)
    assert "not here" in files().find(record) and "not here" in files(folders=[tmp_path]).find(record)


def test_a_file_is_called_as_it_was_given_else_as_the_store_calls_it(record, tiny_model):
    assert files([tiny_model]).name(record) == str(tiny_model)
    assert files(folders=[tiny_model.parent]).name(record) == files().name(record) == record.file_name


def test_another_file_of_that_name_is_not_it(record, tmp_path):
    other = save_model(tmp_path / "tiny.keras", seed=9)
    for found in (files([other]), files({"tiny/v1": other}), files(folders=[tmp_path])):
        assert "not here" in found.find(record)


def test_a_file_that_changes_is_looked_at_again(record, tiny_model, tmp_path):
    mine = tmp_path / "tiny.keras"
    mine.write_bytes(tiny_model.read_bytes())
    found = files([mine])
    assert isinstance(found.find(record), ModelFile)
    save_model(mine, seed=9)
    assert "not here" in found.find(record)
    mine.unlink()
    assert "not here" in found.find(record)


def test_a_file_that_is_named_and_missing_is_reported_at_once(tmp_path):
    with pytest.raises(ModelError):
        files([tmp_path / "none.keras"])


def test_names_in_a_store_lead_nowhere_else(record, tiny_model):
    folder = tiny_model.parent / "inner"
    for name in (
        f"../{tiny_model.name}",
        str(tiny_model),
        "",
        ".",
        "..",
        "a\0b",
        f"x/../../{tiny_model.name}",
    ):
        wrong = dataclasses.replace(record, file_name=name)
        assert isinstance(files(folders=[folder]).find(wrong), str)


def test_a_store_s_word_for_trust_does_not_count(record, tiny_model):
    trusted = dataclasses.replace(record, options={**record.options, "trust_model": True, "custom": ["a:B"]})
    assert "--trust-model" in files([tiny_model]).find(trusted)
    assert "a:B" in files([tiny_model], trust=True).find(trusted)
    found = files([tiny_model], trust=True, custom=["a:B"]).find(trusted)
    assert found.settings.trust_model and found.settings.custom == ("a:B",)
    assert not files([tiny_model], trust=True).find(record).settings.trust_model


def test_a_file_is_read_with_the_options_it_was_imported_with(record, tiny_model):
    options = {**record.options, "input_range": [-1.0, 1.0], "hold": {"age": 0.5}, "channel_order": "bgr"}
    settings = files([tiny_model]).find(dataclasses.replace(record, options=options)).settings
    assert settings.input_range == (-1.0, 1.0) and settings.channel_order == "bgr"
    assert settings.hold == {"age": 0.5}
    wrong = dataclasses.replace(record, options={**record.options, "input_range": "x"})
    assert "cannot be used" in files([tiny_model]).find(wrong)
