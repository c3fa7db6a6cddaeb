"""Sets of pictures, judgements, curves and decisions: values in, values out."""

import numpy as np
import pytest

from reportgen.prune.curves import choice_of, counts_up_to, points_of_draws
from reportgen.prune.decision import Decision, class_output
from reportgen.prune.judging import Judge, Shares, interval_of
from reportgen.prune.sets import set_of_each


def _curve(*shares):
    return {i: Shares(100, share, 0) for i, share in enumerate(shares)}


def test_a_curve_that_dips_has_two_answers():
    choice = choice_of(_curve(0.9, 0.9, 0.895, 0.7, 0.95, 0.3), 0.01)
    assert (choice.steady, choice.largest) == (2, 4)
    assert choice_of(_curve(0.9, 0.8, 0.7), 0.01).largest == 0


def test_a_loss_of_just_what_is_allowed_holds():
    assert choice_of(_curve(1.0, 0.99, 0.98), 0.01).steady == 1
    assert choice_of(_curve(0.5, 0.4), 0.0).steady == 0


def test_draws_are_reported_by_their_mean_and_range():
    points = points_of_draws([_curve(1.0, 0.5), _curve(1.0, 0.7), _curve(1.0)])
    assert [p.removed for p in points] == [0]
    points = points_of_draws([_curve(1.0, 0.5), _curve(1.0, 0.7)])
    assert (points[1].low, points[1].high) == (0.5, 0.7)
    assert points[1].agreement == pytest.approx(0.6)


def test_counts_run_from_none_to_all():
    assert counts_up_to(100, 4) == [0, 25, 50, 75, 100]
    assert counts_up_to(3, 10) == [0, 1, 2, 3]


def test_sets_follow_from_names_alone_and_every_class_is_in_each():
    names = [f"{c}/{i}.png" for c in "ab" for i in range(30)]
    labels = [0] * 30 + [1] * 30
    where = set_of_each(names, labels)
    for label in (0, 1):
        counts = [
            sum(w == s for w, x in zip(where, labels, strict=True) if x == label)
            for s in ("order", "choose", "report")
        ]
        assert counts == [12, 9, 9]
    turned = np.random.default_rng(0).permutation(60)
    again = set_of_each([names[i] for i in turned], [labels[i] for i in turned])
    assert [again[list(turned).index(i)] for i in range(60)] == where


def test_a_group_is_whole_in_one_set():
    names = [f"{i:03d}.png" for i in range(80)]
    groups = [f"p{i // 8}" for i in range(80)]
    where = set_of_each(names, [i % 2 for i in range(80)], groups)
    assert all(len({w for w, g in zip(where, groups, strict=True) if g == p}) == 1 for p in set(groups))
    assert set(where) == {"order", "choose", "report"}


def _judge(labels, decided, kind="classes", n=3):
    decision = Decision(kind, n)
    return Judge(np.zeros((len(decided), 1, 1, 1), np.uint8), [decision], [np.asarray(decided)[:, None]],
                 np.asarray(labels, np.int64))  # fmt: skip


def test_shares_count_what_is_right_and_what_changed():
    judge = _judge([0, 1, 2, 2], [0, 1, 2, 1])
    shares = judge.shares([np.eye(3, dtype=np.float32)[[0, 1, 1, 2]]])
    assert (shares.n, shares.accuracy, shares.agreement, shares.changed) == (4, 0.75, 0.5, 2)
    assert judge.majority_share() == 0.5
    assert _judge([], [0, 1, 2, 1]).shares([np.eye(3, dtype=np.float32)[[0, 1, 2, 1]]]).share == 1.0


def test_skill_is_more_than_chance():
    right = [0, 1, 2] * 20
    assert _judge(right, right).has_skill()
    assert not _judge(right, np.random.default_rng(1).permutation(right)).has_skill()
    assert not _judge(right, [0] * 60).has_skill()
    assert not _judge([], [1] * 30).has_skill()
    assert _judge([], [1, 0] * 15).has_skill()


def test_an_interval_holds_the_share_and_narrows_with_pictures():
    low, high = interval_of(0.9, 50)
    assert low < 0.9 < high
    assert interval_of(0.9, 5000)[0] > low
    assert interval_of(1.0, 20)[1] == 1.0


def test_decisions_are_read_by_kind():
    assert Decision("yes_no", 1, (0.0,)).decided(np.array([[-1.0], [2.0]], np.float32)).tolist() == [[0], [1]]
    number = Decision("number", 1, (5.0,), (1.0,))
    assert number.decided(np.array([[4.0], [6.0]], np.float32)).tolist() == [[0], [1]]
    maps = Decision("classes", 2).decided(np.array([[[[0, 1], [3, 2]]]], np.float32))
    assert maps.tolist() == [[1, 0]]


def test_the_output_with_a_unit_for_each_class_is_the_classifier():
    decisions = [Decision("number", 1, (0.0,), (1.0,)), Decision("classes", 3), Decision("yes_no", 1, (0.0,))]
    shapes = [(4, 8, 8, 1), (4, 1, 1, 3), (4, 1)]
    assert class_output(decisions, shapes, 3) == 1
    assert class_output(decisions, shapes, 2) == 2
    assert class_output(decisions, shapes, 5) is None
