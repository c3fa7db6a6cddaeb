"""Options of the commands, by configuration key, and those that a person gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import click

from reportgen.errors import ConfigError, in_brief, suggestion

Command = Callable[..., None]
OptionValue: TypeAlias = Any
"""The value of an option as click read it; the settings check it."""


class OneOf(click.Choice[str]):
    """A choice that is refused like any other setting, with the nearest value."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value if it is one of the choices.

        Raises:
            ConfigError: It is not.
        """
        if value in self.choices:
            return value
        name = param.opts[0] if param is not None else "the value"
        raise ConfigError(
            f"{name} is {in_brief(value)}, wanted one of {', '.join(self.choices)}",
            hint=suggestion(value, self.choices, otherwise=""),
        )


OPTIONS: dict[str, Callable[[Command], Command]] = {
    "store": click.option("--store", metavar="FILE", help="Store of renders and scores.  [reportgen.db]"),
    "site": click.option("--site", metavar="DIR", help="Folder the site is written to.  [site]"),
    "templates": click.option(
        "--templates", metavar="DIR", help="Your own files instead of the site's templates of the same name."
    ),
    "version": click.option(
        "--version", metavar="LABEL", help="Label of this model version.  [its file's hash]"
    ),
    "layers": click.option(
        "--layers", multiple=True, metavar="GLOB", help="Layers by name; several. ::4 is every fourth."
    ),
    "units": click.option(
        "--units", metavar="N|LIST|all", help="First N of each layer, or a list 3,17,40-47."
    ),
    "seeds": click.option("--seeds", type=int, metavar="N", help="Most scored pictures per unit.  [4]"),
    "least_seeds": click.option(
        "--least-seeds",
        type=int,
        metavar="N",
        help="Scored pictures of every unit; more only where its verdict is unsure.  [2]",
    ),
    "signs": click.option("--signs", metavar="happy|sad|both", help="Which signs are rendered.  [both]"),
    "recipe": click.option(
        "--recipe", metavar="NAME", help="default (four to six pictures per unit), or a display recipe."
    ),
    "set": click.option(
        "--set", "set_", multiple=True, metavar="KEY=VALUE", help="One field of a recipe; several."
    ),
    "sweep": click.option(
        "--sweep", metavar="tv=1e-5..1e3", help="Also render with a range of values of a weight, in decades."
    ),
    "input_range": click.option(
        "--input-range",
        metavar="LO,HI",
        help="Values the model's input takes; also imagenet, caffe, or ends by channel 0:0:0,1:1:1.",
    ),
    "channel_order": click.option(
        "--channel-order", metavar="rgb|bgr", help="Order of the channels in the model's input.  [rgb]"
    ),
    "channels": click.option(
        "--channels", metavar="first|last", help="The file's channel axis, if it cannot be derived."
    ),
    "input_size": click.option("--input-size", metavar="HxW", help="For models without a fixed size."),
    "trust_model": click.option(
        "--trust-model", is_flag=True, default=None, help="Run code in the model file (Lambda layers)."
    ),
    "custom": click.option(
        "--custom", multiple=True, metavar="MODULE:NAME", help="Your own layer; needs --trust-model."
    ),
    "hold": click.option(
        "--hold",
        "hold",
        multiple=True,
        metavar="NAME=VALUE",
        help="Value of an input that is not the picture.  [0]",
    ),
    "max_memory": click.option(
        "--max-memory",
        metavar="SIZE",
        help="Refuse larger models, and reduce batches to fit.  [60 % of the available memory]",
    ),
    "device": click.option("--device", metavar="cpu|gpu|auto", help="Device to compute on.  [auto]"),
    "arithmetic": click.option(
        "--arithmetic",
        metavar="NAME",
        help="bfloat16: faster for wide convolutions, slower for others.  [float32]",
    ),
    "batch": click.option(
        "--batch",
        type=int,
        metavar="N",
        help="Pictures optimised at once; becomes part of their keys.  [from the layer's size]",
    ),
    "budget": click.option(
        "--budget",
        metavar="TIME",
        help="Time limit, such as 90s, 20m, 1h30m; units are drawn at random.  [none]",
    ),
    "live": click.option(
        "--live/--no-live",
        default=None,
        help="Write the site early, and again as layers are done.  [with --budget]",
    ),
    "processes": click.option(
        "--processes",
        type=int,
        metavar="N",
        help="Processes of one thread each that render.  [one for each core, if it is worth it]",
    ),
    "ray": click.option(
        "--ray", metavar="ADDRESS", help="Render on a Ray cluster; local starts one here.  [no cluster]"
    ),
    "images": click.option(
        "--images",
        metavar="DIR",
        help="Your own pictures, optionally one folder per class: shows what activates units in them.",
    ),
    "no_crops": click.option(
        "--no-crops", is_flag=True, default=None, help="Store no pixels of --images, only names and places."
    ),
    "judge": click.option(
        "--judge", metavar="DIR", help="Pictures for the report alone.  [a part of --images]"
    ),
    "group": click.option(
        "--group",
        metavar="REGEX",
        help="Pictures whose paths match with equal text (a person, a film) stay in one set.",
    ),
    "class_names": click.option(
        "--class-names",
        metavar="FILE",
        help="One name per line, for each output unit.  [class folders, sorted]",
    ),
    "max_loss": click.option(
        "--max-loss",
        metavar="SHARE",
        help="Largest loss by removal, of accuracy or of unchanged decisions.  [1%]",
    ),
    "compensate": click.option(
        "--compensate/--no-compensate",
        default=None,
        help="Whether weights after removed units are refitted.  [they are]",
    ),
    "decision": click.option(
        "--decision",
        multiple=True,
        metavar="[OUTPUT=]WORD",
        help="How outputs decide: largest unit, each unit yes or no, or number.  [by what they end in]",
    ),
    "removal": click.option(
        "--removal",
        metavar="FILE",
        help="File of measurements of removal, which prune adds to and an atlas without --images reads.",
    ),
    "twin": click.option(
        "--twin",
        is_flag=True,
        default=None,
        help="Also render the network with fresh weights, to compare with.",
    ),
    "rule": click.option(
        "--rule", multiple=True, metavar="RULE", help='A limit, such as "dead <= 5"; several.'
    ),
    "against": click.option("--against", metavar="VERSION", help="The earlier version to compare with."),
    "config": click.option("--config", metavar="FILE", help="Settings.  [reportgen.toml, if it exists]"),
    "json": click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
}

IMPORT = (
    "version",
    "input_range",
    "channel_order",
    "channels",
    "input_size",
    "trust_model",
    "custom",
    "hold",
    "max_memory",
    "device",
    "arithmetic",
)
WHAT = ("layers", "units", "seeds", "least_seeds", "signs", "recipe", "set", "sweep")
REMOVAL = ("judge", "group", "class_names", "max_loss", "compensate", "decision")
PICTURES = ("images", "no_crops", *REMOVAL, "removal", "twin")
SPENT = ("batch", "budget", "processes", "ray")
RENDER = ("store", *IMPORT, *WHAT, *PICTURES, *SPENT)
PLACES = ("store", "site", "templates")
COMMON = ("config", "json")


def with_options(*names: str) -> Callable[[Command], Command]:
    """Return a decorator that gives a command these options, in this order."""

    def decorate(command: Command) -> Command:
        for name in reversed(names):
            command = OPTIONS[name](command)
        return command

    return decorate


def given_options(options: Mapping[str, OptionValue], *, split: bool = False) -> dict[str, OptionValue]:
    """Return the options that were given, by configuration key."""
    words = {key: value for key, value in options.items() if value is not None and value != ()}
    file = words.pop("config", None)
    if pairs := words.pop("set_", None):
        words["set"] = dict(_pair(pair, "--set", "tv=0.1") for pair in pairs)
    if pairs := words.pop("hold", None):
        words["hold"] = dict(_pair(pair, "--hold", "age=0.5") for pair in pairs)
    return {"options": words, "file": file} if split else {**words, "config": file}


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    key, equals, value = text.rpartition("=") if option == "--hold" else text.partition("=")
    if not (key.strip() and equals):
        raise click.UsageError(f"{option} {text!r}: wanted KEY=VALUE such as {example}")
    return key.strip(), value.strip()
