"""A binary network whose one output has no sigmoid is judged where its logits change sign."""

import numpy as np
import pytest

from reportgen.prune.decision import Decision, class_decision


@pytest.mark.parametrize(("answers", "middle"), [([-9.0, -3.0, -2.0, 0.4], 0.0), ([0.1, 0.2, 0.4, 0.9], 0.5)])
def test_one_number_says_yes_from_where_the_pictures_are_right(answers, middle):
    labels = np.array([0, 0, 0, 1])
    found = class_decision(Decision("number", 1, (7.0,), (1.0,)), np.float32(answers)[:, None], labels)
    assert (found.kind, found.thresholds) == ("yes_no", (middle,))
    assert found.decided(np.float32(answers)[:, None])[:, 0].tolist() == labels.tolist()


def test_without_classes_one_number_stays_a_number():
    number = Decision("number", 1, (7.0,), (1.0,))
    assert class_decision(number, np.zeros((3, 1), np.float32), np.empty(0, np.int64)) is number
