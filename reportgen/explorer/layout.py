"""The components of the explorer's page: a table, some buttons, and places that the client draws into.

Few on purpose: each costs about fifteen milliseconds before a page can be used. The grid of units, a unit's
panel and the form are drawn by the site's own scripts (decision 0014).
"""

from __future__ import annotations

import dash_ag_grid
from dash import dcc, html

from reportgen.explorer.start_pictures import MOST_UPLOAD_BYTES

MOST_COMPONENTS = 100

_COLUMNS = (
    ("layer", "Layer", 92, 20), ("units", "Units", 54, 2), ("structured", "Structured", 82, 3),
    ("static", "Static", 54, 2), ("flat", "Flat", 46, 2), ("dead", "Dead", 52, 2), ("other", "Other", 54, 2),
    ("field", "Sees", 98, 4),
)  # fmt: skip


def layout() -> html.Div:
    """Return the page's components."""
    stage = [
        html.Div(id="easels"),
        html.Div(id="growth"),
        actions(),
        html.P(id="wrong", className="wrong", role="alert"),
    ]
    work = [
        html.Div(stage, className="stage"),
        html.Div(id="sweep-strip"),
        html.Div(id="form-place"),
        upload(),
        for_the_atlas(),
    ]
    bench = html.Div(
        className="bench",
        role="region",
        children=[html.Div(id="head"), html.Div(work), html.Div(id="evidence")],
    )
    setattr(bench, "aria-label", "Unit and recipe")
    return html.Div(
        className="explorer",
        children=[
            # What the client sends to Dash, and Dash to the client.
            *(dcc.Store(id=name) for name in ("place", "form", "again", "running", "tickets", "start")),
            html.Div(
                className="browse",
                children=[html.Div(layer_table(), className="layers-place"), html.Div(id="browse")],
            ),
            bench,
        ],
    )


def layer_table() -> dash_ag_grid.AgGrid:
    """Return the table of layers; its rows come later."""
    return dash_ag_grid.AgGrid(
        id="layers",
        className="layer-table",
        columnDefs=[
            {
                "field": name,
                "tooltipField": "title" if name in ("layer", "field") else "all",
                "headerName": title,
                "minWidth": least,
                "flex": share,
                "sortable": True,
                "resizable": False,
                "suppressMovable": True,
            }
            for name, title, least, share in _COLUMNS
        ],
        rowData=[],
        getRowId="params.data.slug",
        dashGridOptions={
            "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
            "rowHeight": 28,
            "headerHeight": 30,
            "animateRows": False,
            "suppressNoRowsOverlay": True,
        },
    )


def actions() -> html.Div:
    """Return the buttons."""
    buttons = (
        ("render", "Render", "primary", "Render the picture that the form describes"),
        ("keep", "Keep for comparison", "", "Show this picture on the right, next to those that follow"),
        ("cancel", "Cancel", "", "Stop the rendering"),
        ("sweep", "Compare nine weights", "", "The same with weights of total variation from 1e-5 to 1e3"),
    )
    return html.Div(
        className="actions",
        children=[
            html.Button(label, id=name, type="button", className=f"copy {kind}".strip(), title=title)
            for name, label, kind, title in buttons
        ],
    )


def upload() -> dcc.Upload:
    """Return where a picture to start from is dropped."""
    return dcc.Upload(
        id="upload",
        className="upload",
        className_active="upload over",
        className_reject="upload refused",
        style={},
        style_active={},
        style_reject={},
        accept="image/*",
        max_size=MOST_UPLOAD_BYTES,
        children="Start from a picture: drop one here, or click to choose it",
    )


def for_the_atlas() -> html.Details:
    """Return the recipe as settings and as a command, to take away."""
    return html.Details(
        className="use",
        children=[
            html.Summary("Use for the atlas"),
            html.P("These settings in reportgen.toml, or this command:", className="note"),
            html.Pre(id="toml", tabIndex=0),
            html.Pre(id="command", tabIndex=0),
            html.P(id="not-said", className="note"),
        ],
    )


def count_components(component: object) -> int:
    """Return how many Dash components a component is made of, itself included."""
    children = getattr(component, "children", None)
    inside = children if isinstance(children, (list, tuple)) else [children]
    return 1 + sum(count_components(c) for c in inside if hasattr(c, "to_plotly_json"))
