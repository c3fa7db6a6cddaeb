"""The whole way on a tiny model, with an installed reportgen: from checking the file to a gate and a report.

Run by `.ci/try-wheel` in an environment that has the wheel and nothing of a checkout; writes into the
current folder, which must be empty. Prints a line for each command, and ends with 1 where one does not do
what it should.
"""

import json
import subprocess
import sys
from pathlib import Path

import keras

import reportgen

REPORTGEN = str(Path(sys.executable).with_name("reportgen"))
QUICK = [
    word
    for name, value in (("steps", 24), ("min_steps", 16), ("window", 8))
    for prefix in ("", "show.")
    for word in ("--set", f"{prefix}{name}={value}")
]


def run(*words, code=0):
    """Run a command, and return what it printed; ends everything where its exit code is another."""
    done = subprocess.run([REPORTGEN, *words], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != code:
        ended = f"exit code {done.returncode}, wanted {code}"
        sys.exit(f"reportgen {' '.join(words)}: {ended}\n{done.stdout}{done.stderr}")
    print(f"ok: reportgen {' '.join(words[:3])}")
    return done.stdout


def save_networks():
    """Save a tiny network, and the same with a filter that is always zero."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(3, 3, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(2, activation="softmax", name="head"),
        ]
    )
    network.save("net.keras")
    kernel, bias = network.get_layer("conv").get_weights()
    kernel[..., 1], bias[1] = 0, -1
    network.get_layer("conv").set_weights([kernel, bias])
    network.save("dead.keras")


def check(condition, said):
    if not condition:
        sys.exit(f"wrong: {said}")


def main():
    package = Path(reportgen.__file__).parent
    check(not list(Path().iterdir()), "the current folder is not empty")
    check(
        (package / "py.typed").exists() and (package / "_templates" / "base.html").exists(),
        "files of the package",
    )
    check(reportgen.__version__ in run("--version"), "the version")
    save_networks()
    run("check-model", "net.keras")
    check("dead: conv: 1 of 3 units (1)" in run("check-model", "dead.keras", code=4), "a dead unit")
    inspected = json.loads(run("inspect", "net.keras", "--json"))
    check(inspected["parity"]["same"], "parity")
    some = ["--seeds", "2", "--signs", "happy", *QUICK]
    run("atlas", "net.keras", "--version", "v1", *some)
    run("render", "dead.keras", "--version", "v2", *some)
    run("score")
    run("site")
    check("no problem found" in run("check", "site"), "the site")
    check(
        "died" in run("compare", "net/v1", "dead/v2", "--markdown", "--pictures", "changes.png"),
        "the comparison",
    )
    gate = [
        "gate",
        "reportgen.db@dead/v2",
        "--against",
        "net/v1",
        "--junit",
        "gate.xml",
        "--badge",
        "gate.svg",
    ]
    run(*gate, "--rule", "died <= 1")
    run(*gate, "--rule", "died <= 0", code=4)
    run("export", "--out", "units.csv")
    check(len(Path("units.csv").read_text().splitlines()) == 1 + 2 * 5, "the verdict table")
    unit = reportgen.open("reportgen.db", model="dead")["conv"][1]
    check(unit.verdict == "dead", "the verdict of the dead unit")
    print(f"the whole way holds: Python {sys.version.split()[0]}, reportgen {reportgen.__version__}")


if __name__ == "__main__":
    main()
