"""The planted networks are what their truth says, before anything is rendered."""

import numpy as np
import pytest

from planted import planted_network, varied_network

keras = pytest.importorskip("keras", reason="the networks are made with Keras")


def answers(network, layer, pictures):
    """What the units of a layer answer, `(n, places, K)`."""
    if layer in ("edges", "parts"):
        layer += "_relu"
    out = keras.Model(network.input, network.get_layer(layer).output)(pictures)
    out = np.asarray(out)
    return out.reshape(len(out), -1, out.shape[-1])


def pictures_of(traits, n=8, seed=0):
    shape = (n, traits.size, traits.size, traits.channels)
    return np.random.default_rng(seed).uniform(0, traits.high, shape).astype(np.float32)


@pytest.fixture(scope="module", params=[2, 3, 5])
def planted(request):
    network, rows, traits = planted_network(request.param)
    return network, rows, pictures_of(traits)


def test_every_unit_has_its_truth(planted):
    network, rows, _ = planted
    for layer in ("edges", "parts", "templates", "race", "facets", "head"):
        units = [r.unit for r in rows if r.layer == layer]
        assert units == list(range(network.get_layer(layer).kernel.shape[-1]))


def test_dead_units_never_respond_and_constant_ones_respond_equally(planted):
    network, rows, pictures = planted
    for r in rows:
        if r.dead:
            found = answers(network, r.layer, pictures)[..., r.unit]
            assert np.ptp(found) <= 1e-5 * abs(found.max())
            assert (found.max() > 0) == (r.dead == "constant")


def test_copies_respond_as_their_originals_but_for_a_gain(planted):
    network, rows, pictures = planted
    copies = [r for r in rows if r.duplicate_of is not None]
    assert len(copies) >= 3
    for r in copies:
        found = answers(network, r.layer, pictures)
        pair = found[..., r.unit].ravel(), found[..., r.duplicate_of].ravel()
        assert np.corrcoef(pair)[0, 1] > 0.999


def test_no_other_pair_of_edges_responds_similarly(planted):
    network, rows, pictures = planted
    alive = [r for r in rows if r.layer == "edges" and not r.superfluous and r.kind != "hard edge"]
    found = answers(network, "edges", pictures)[..., [r.unit for r in alive]].reshape(-1, len(alive))
    related = np.corrcoef(found.T) - np.eye(len(alive))
    assert related.max() < 0.99


def test_batch_normalisation_and_the_input_range_change_no_response():
    given = {"size": 32, "channels": 3, "kernel": 5}
    plain, _, traits = planted_network(1, high=1, rescaling=False, batch_norm=False, **given)
    pictures = pictures_of(traits, 2)
    wanted = answers(plain, "edges", pictures)
    for changed in ({"rescaling": True}, {"rescaling": False}, {"rescaling": False, "batch_norm": True}):
        other, _, _ = planted_network(1, high=255, **{"batch_norm": False, **given, **changed})
        scale = np.abs(wanted).max(axis=(0, 1))
        distance = np.abs(answers(other, "edges", 255 * pictures) - wanted).max(axis=(0, 1))
        assert (distance <= 1e-4 * scale + 1e-7).all()


def test_the_same_seed_plants_the_same():
    one, rows, _ = planted_network(4, size=32)
    two, same, _ = planted_network(4, size=32)
    assert rows == same
    assert all((a == b).all() for a, b in zip(one.get_weights(), two.get_weights(), strict=True))


@pytest.fixture(scope="module", params=["maps", "flat", "separable", "places"])
def varied(request):
    """Networks of each construction with the pre- or post-activations of their judged layers."""
    number = ["maps", "flat", "separable", "places"].index(request.param)
    network, rows, traits = varied_network(number, size=32, activation="relu6", norm="full")
    return network, rows, pictures_of(traits)


def after_activation(network, layer, pictures):
    """What the units of a layer answer behind their activation, `(n, K)`, away from any padding."""
    at = network.get_layer(layer)
    while not at.__class__.__name__.startswith(("Dense", "Activation")):
        at = at._outbound_nodes[0].operation
    found = np.asarray(keras.Model(network.input, at.output)(pictures))
    inner = found[:, 4:-4, 4:-4] if found.ndim == 4 else found
    return inner.reshape(-1, found.shape[-1])


def test_varied_units_are_dead_or_alive_as_they_are_said_to_be(varied):
    network, rows, pictures = varied
    for layer in dict.fromkeys(r.layer for r in rows):
        found = after_activation(network, layer, pictures)
        for r in [r for r in rows if r.layer == layer]:
            spread = np.ptp(found[:, r.unit])
            if r.dead:
                assert spread <= 1e-5 * abs(found[:, r.unit].max()), r
            elif layer in ("first", "templates") and r.kind != "hard edge":
                assert spread > 0, r


def test_varied_copies_respond_as_their_originals_but_for_a_gain(varied):
    network, rows, pictures = varied
    heard = 0
    for r in [r for r in rows if r.duplicate_of is not None]:
        found = after_activation(network, r.layer, pictures)[:, [r.unit, r.duplicate_of]]
        if found.std(axis=0).all():  # some answer to nothing in random pictures
            heard += 1
            assert np.corrcoef(found.T)[0, 1] > 0.999
    assert heard


def test_units_that_nothing_takes_are_those_of_the_truth(varied):
    network, rows, _ = varied
    head = np.asarray(network.get_layer("head").kernel)
    last = [r for r in rows if r.layer in ("second", "pointwise", "places", "mixed")]
    heard = np.abs(head[: len(last)]).sum(axis=1) > 0
    assert [bool(x) for x in heard] == [r.kind != "unused" for r in last]
