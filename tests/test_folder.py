"""A folder of pictures is taken as it is, in bounds, and nothing outside of it is."""

import os

import pytest

from reportgen.errors import ConfigError
from reportgen.folder import evenly, find_pictures


def filled(folder, *names, data=b"x"):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_pictures_in_the_folder_itself_have_no_classes(tmp_path):
    found = find_pictures(filled(tmp_path, "b.png", "a.JPG", "notes.txt", ".hidden.png"))
    assert found.names == ("a.JPG", "b.png")
    assert found.classes == found.labels == ()


def test_folders_of_pictures_are_classes_in_sorted_order(tmp_path):
    found = find_pictures(filled(tmp_path, "dog/1.png", "cat/2.png", "cat/1.png", "empty/readme.txt"))
    assert found.classes == ("cat", "dog")
    assert found.names == ("cat/1.png", "cat/2.png", "dog/1.png") and found.labels == (0, 0, 1)


def test_pictures_next_to_class_folders_are_left_out_and_counted(tmp_path):
    found = find_pictures(filled(tmp_path, "cat/1.png", "loose.png"))
    assert found.names == ("cat/1.png",) and found.n_left_out == 1


def test_of_many_as_many_of_each_class_are_taken_and_evenly(tmp_path):
    found = find_pictures(
        filled(tmp_path, *(f"a/{i:02}.png" for i in range(20)), "b/0.png", "b/1.png"), most=7
    )
    assert found.labels.count(0) == 5 and found.labels.count(1) == 2
    assert found.names[:5] == ("a/00.png", "a/04.png", "a/08.png", "a/12.png", "a/16.png")
    assert found.n_found == 22


@pytest.mark.parametrize(("sizes", "most"), [([3, 9, 0, 40], 10), ([1, 1], 5), ([7], 3), ([0, 2], 0)])
def test_evenly_takes_no_more_than_there_is_room_for_and_wastes_none(sizes, most):
    chosen = evenly([range(n) for n in sizes], most)
    assert sum(map(len, chosen)) <= min(most, sum(sizes))
    assert all(len(set(c)) == len(c) <= n for c, n in zip(chosen, sizes, strict=True))
    assert sum(map(len, chosen)) >= min(most, sum(sizes)) - len(sizes) + 1


def test_links_out_of_the_folder_and_special_files_are_left_out(tmp_path):
    inside, outside = tmp_path / "in", filled(tmp_path / "out", "secret.png")
    filled(inside, "a.png")
    (inside / "b.png").symlink_to(outside / "secret.png")
    (inside / "c").symlink_to(outside)
    (inside / "d.png").symlink_to(inside / "a.png")
    os.mkfifo(inside / "e.png")
    found = find_pictures(inside)
    assert found.names == ("a.png", "d.png") and found.n_left_out == 2


def test_the_hash_changes_with_content_and_with_names_alone(tmp_path):
    folder = filled(tmp_path, "a.png", "b.png")
    before = find_pictures(folder).content_hash()
    assert find_pictures(folder).content_hash() == before
    (folder / "b.png").write_bytes(b"y")
    changed = find_pictures(folder).content_hash()
    (folder / "b.png").rename(folder / "c.png")
    assert len({before, changed, find_pictures(folder).content_hash()}) == 3


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: p / "nowhere", "does not exist"),
        (lambda p: filled(p, "file") / "file", "is a file"),
        (lambda p: filled(p, "a.txt"), "there are no pictures in it"),
    ],
)
def test_a_folder_without_pictures_is_refused_in_one_line(tmp_path, make, said):
    with pytest.raises(ConfigError, match=said) as error:
        find_pictures(make(tmp_path))
    assert "\n" not in str(error.value)
