"""A plan on a cluster of two nodes gives what one machine gives, also when a node or the driver dies.

The nodes are Ray's own, both on this machine, each with one worker.
"""

import importlib.util
import signal
import subprocess
import sys
import threading

import pytest
from small_networks import QUICK, QUICK_WORDS, save_model

import reportgen
from reportgen.errors import MissingExtra, ModelError, ReportgenError
from reportgen.run.worker import Worker
from reportgen.store import open_store

WITH_RAY = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs the extra ray: reportgen[ray]"
)
# Ray's own code, on Python 3.11 to 3.13.
RAY_WARNS = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def ray_test(function):
    # Workers begin within seconds, or minutes where others use the machine.
    for mark in (WITH_RAY, pytest.mark.slow, pytest.mark.timeout(1200), *RAY_WARNS):
        function = mark(function)
    return function


@pytest.fixture(scope="module")
def nodes():
    """A cluster of two nodes with one processor each, and the second node, which may be taken away."""
    cluster_utils = pytest.importorskip("ray.cluster_utils", reason="reportgen[ray] is not installed")
    import ray

    head = {"num_cpus": 1, "include_dashboard": False}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
    cluster.add_node(num_cpus=1)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def address(nodes):
    """The cluster's address, with two nodes again if a test before took one away."""
    import ray

    ray.shutdown()
    while len(nodes.list_all_nodes()) < 2:
        nodes.add_node(num_cpus=1)
    return nodes.address


def contents(path):
    """Return by place what a store holds: key, activation at the end, failure."""
    with open_store(path) as store:
        (record,) = store.models()
        found = {}
        for x in record.layers:
            for r in store.renders(record.id, x.name):
                place = (x.name, r.unit, r.recipe, r.sign, r.seed)
                assert place not in found
                found[place] = (r.key, r.telemetry.activation_end, r.failure)
        return found


def same(found, wanted):
    assert {place: row[0] for place, row in found.items()} == {p: row[0] for p, row in wanted.items()}
    for place, (_, end, failure) in found.items():
        assert failure == wanted[place][2] == ""
        assert end == pytest.approx(wanted[place][1], rel=1e-3, abs=1e-5), place


def test_without_ray_the_extra_is_named(monkeypatch, tiny_model, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"reportgen\[ray\]"):
        reportgen.render(tiny_model, store=tmp_path / "s.db", ray="local", **QUICK)


def settings_of(**options):
    from reportgen.config import read_settings

    return read_settings(options)


def test_a_worker_refuses_another_file_of_the_same_name(tiny_model):
    with pytest.raises(ModelError, match="is another file on a worker"):
        Worker(str(tiny_model), "0" * 32, settings_of()).ready()


def test_a_worker_refuses_a_layer_that_it_reads_otherwise(tiny_model, tiny_store):
    import dataclasses

    from reportgen.models.sources import find_source
    from reportgen.plan import make_plan
    from reportgen.run.rendering import plan_request

    settings = settings_of(seeds=1, units=1)
    worker = Worker(str(tiny_model), find_source(tiny_model).digest(), settings)
    assert set(worker.ready()) == {"arithmetic", "device"}
    with open_store(tiny_store) as store:
        plan = make_plan(store.models()[0], plan_request(settings), arithmetic="float32")[0]
    with pytest.raises(ModelError, match="not the same on a worker"):
        worker.render(dataclasses.replace(plan.layer, graph_hash="other"), plan.sets[0])
    worker.halt()
    assert worker.render(plan.layer, plan.sets[0]) == []


@ray_test
def test_two_nodes_render_what_one_machine_does(address, tiny_model, tiny_store, tmp_path):
    store = tmp_path / "s.db"
    (done,) = reportgen.render(tiny_model, store=store, version="v1", seeds=2, ray=address, **QUICK)
    assert (done.rendered, done.failed, done.stopped) == (20, 0, False)
    same(contents(store), contents(tiny_store))
    (again,) = reportgen.render(tiny_model, store=store, version="v1", seeds=2, ray=address, **QUICK)
    assert again.rendered == 0


class Killing:
    """A reporter that takes a node away once so many pictures are there."""

    def __init__(self, nodes, after):
        self.nodes, self.left, self.killed = nodes, after, False

    def rendered(self, pictures):
        self.left -= pictures
        if self.left <= 0 and not self.killed:
            self.killed = True
            node = next(n for n in self.nodes.list_all_nodes() if n is not self.nodes.head_node)
            self.nodes.remove_node(node, allow_graceful=False)

    def say(self, *_):
        """Say nothing."""

    begin = layer = end = say


@ray_test
def test_a_node_killed_in_mid_run_loses_and_doubles_nothing(nodes, address, tmp_path):
    model = save_model(tmp_path / "wide.keras", units=24)
    quick = {"seeds": 3, "least_seeds": 3, "batch": 2, "version": "v1", **QUICK}
    reporter = Killing(nodes, 8)
    (done,) = reportgen.render(model, store=tmp_path / "two.db", ray=address, reporter=reporter, **quick)
    assert reporter.killed
    assert (done.rendered, done.failed, done.stopped) == (130, 0, False)
    reportgen.render(model, store=tmp_path / "one.db", **quick)
    same(contents(tmp_path / "two.db"), contents(tmp_path / "one.db"))


@ray_test
def test_a_killed_driver_goes_on_where_it_was(address, tiny_model, tiny_store, tmp_path):
    script = """
import os, signal, sys
from reportgen import cli
from reportgen.terminal import progress
def rendered(self, n):
    os.kill(os.getpid(), signal.SIGKILL)
progress.Progress.rendered = rendered
sys.argv = ["reportgen", *sys.argv[1:]]
cli.main()
"""
    words = ["render", tiny_model, "--version", "v1", "--seeds", 2, "--ray", address]
    words = [str(word) for word in (*words, *QUICK_WORDS)]
    killed = subprocess.run([sys.executable, "-c", script, *words], cwd=tmp_path, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    before = contents(tmp_path / "reportgen.db")
    assert 0 < len(before) < 20
    (done,) = reportgen.render(
        tiny_model, store=tmp_path / "reportgen.db", version="v1", seeds=2, ray=address, **QUICK
    )
    assert done.rendered == 20 - len(before)
    same(contents(tmp_path / "reportgen.db"), contents(tiny_store))


@ray_test
def test_stopping_hands_out_what_is_complete(address, tiny_model, tmp_path):
    stop = threading.Event()

    class Stopping(Killing):
        def rendered(self, pictures):
            stop.set()

    store = tmp_path / "s.db"
    (done,) = reportgen.render(
        tiny_model, store=store, seeds=4, batch=1, ray=address, reporter=Stopping(None, 0), stop=stop.is_set,
        **QUICK,
    )  # fmt: skip
    assert done.stopped and 0 < done.rendered < 30
    assert len(contents(store)) == done.rendered


@ray_test
def test_a_model_that_no_worker_can_read_is_one_line(address, tmp_path, monkeypatch):
    model = save_model(tmp_path / "m.keras")
    monkeypatch.setattr("reportgen.run.cluster._absolute_name", lambda model: "/nowhere/m.keras")
    with pytest.raises(ReportgenError, match=r"a worker of the cluster: .*m\.keras"):
        reportgen.render(model, store=tmp_path / "s.db", ray=address, **QUICK)


@ray_test
@pytest.mark.parametrize(
    "nothing", ["127.0.0.1:1", "ray://127.0.0.1:1", "[::1]:1", "127.0.0.1:99999", "no where"]
)
def test_an_address_without_a_cluster_is_one_line(run, monkeypatch, tiny_model, nothing):
    import ray

    ray.shutdown()
    code, out, err = run("render", tiny_model, "--ray", nothing, "--units", 1, *QUICK_WORDS)
    assert code == 2 and out == ""
    assert ('there is no Ray cluster at "' in err) or "ray is 'no where'" in err
    assert "Traceback" not in err


@ray_test
def test_a_cluster_of_this_machine_listens_on_the_loopback_alone():
    import ray

    from reportgen.run.cluster import _connect

    ray.shutdown()
    import psutil  # Ray's own copy.

    others = {child.pid for child in psutil.Process().children(recursive=True)}  # Of other tests' clusters.
    _connect(ray, "local")
    try:

        class Worker:
            def number(self):
                return 1

        worker = ray.remote(Worker).remote()
        assert ray.get(worker.number.remote()) == 1
        ours = {x.pid for x in psutil.Process().children(recursive=True)} - others | {psutil.Process().pid}
        listening = {
            x.laddr.ip for x in psutil.net_connections("inet") if x.pid in ours and x.status == "LISTEN"
        }
        assert listening and listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
        assert ray.get_runtime_context().gcs_address.startswith("127.0.0.1:")
    finally:
        ray.shutdown()
