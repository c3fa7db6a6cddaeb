import ast
import re
from pathlib import Path

import reportgen

PACKAGE = Path(reportgen.__file__).parent
STATEMENT = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE FROM|REPLACE INTO|CREATE|DROP|ALTER|PRAGMA|ATTACH|VACUUM|WITH)\s"
)
CALLS = {"execute", "executemany", "executescript"}


def sql_of(tree: ast.AST) -> list[int]:
    """Return the lines on which SQL is written, run or imported."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if STATEMENT.match(text):
                found.append(node.lineno)
            case ast.Call(func=ast.Attribute(attr=name)) if name in CALLS:
                found.append(node.lineno)
            case ast.Import(names=names) if any(name.name == "sqlite3" for name in names):
                found.append(node.lineno)
            case ast.ImportFrom(module="sqlite3"):
                found.append(node.lineno)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="store"), attr="read")):
                found.append(node.lineno)
    return sorted(set(found))


def test_the_search_finds_sql_in_each_of_its_forms():
    text = (
        'import sqlite3\nfrom sqlite3 import connect\nquery = f"SELECT {a} FROM b"\n'
        "db.execute(query)\nstore.read(query)\n'a text'\n"
    )
    assert sql_of(ast.parse(text)) == [1, 2, 3, 4, 5]


def test_no_sql_stands_outside_the_store():
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if PACKAGE / "store" not in path.parents]
    found = {
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in files
        for line in sql_of(ast.parse(path.read_text()))
    }
    assert len(files) > 100
    assert not found
