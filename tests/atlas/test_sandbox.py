"""A folder of templates may be anybody's: it lays out values, and reaches nothing else."""

from pathlib import Path

import pytest

from reportgen.atlas import write_atlas
from reportgen.atlas.addresses import Place
from reportgen.atlas.sandbox import Sandbox, rendered
from reportgen.errors import SiteError

KNOWN = Path(__file__).parent  # stands for the folder that holds all templates
VALUES = {
    "place": Place("m", "v", (("a b", "a-b"),)),
    "path": Path("here"),
    "link": lambda target: "../" + target,
    "names": ["b", "a"],
    "table": {"items": 3, "n": 4},
}
INTERNALS = [
    "{{ cycler.__init__.__globals__.os.popen('touch ran') }}",
    "{{ lipsum.__globals__['os'].system('touch ran') }}",
    "{{ link.__code__ }}",
    "{{ link|attr('__globals__') }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ '{0.__class__}'.format(names) }}",
    "{{ names|map(attribute='__class__')|first }}",
    "{{ place.__class__.__init__.__globals__ }}",
    "{{ place['__dict__'] }}",
    "{{ path.write_text('ran') }}",
    "{{ path.parent }}",
    "{{ names.append('c') }}",
    "{{ self._TemplateReference__context }}",
    "{{ namespace.__init__ }}",
    "{{ self.__init__ }}",
]


def render(folder: Path, text: str) -> str:
    (folder / "page.html").write_text(text, encoding="utf-8")
    return rendered(Sandbox((folder, KNOWN), {}, (Place,)), "page.html", VALUES)


@pytest.mark.parametrize("text", INTERNALS)
def test_a_template_that_asks_for_internals_is_refused_with_its_line(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SiteError, match=r'template "page\.html", line 2: SecurityError'):
        render(tmp_path, "\n" + text)
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_a_template_lays_out_values_and_calls_what_it_was_given(tmp_path):
    text = (
        "{{ place.folder }} {{ place.slug('a b') }} {{ link('x') }} {{ names|sort|join(',') }} {{ table.n }}"
    )
    assert render(tmp_path, text + " {{ '{:>3}'.format(4) }}") == "m/m/v a-b ../x a,b 4   4"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ 1 / 0 }}", r'"page.html", line 1: ZeroDivisionError'),
        ("\n\n{{ nothing }}", r'"page.html", line 3: UndefinedError'),
        ("{% if %}", r'"page.html", line 1: TemplateSyntaxError'),
        ("{% include 'none.html' %}", "TemplateNotFound"),
        ("{% include '../../etc/passwd' %}", "TemplateNotFound"),
        ("{% include 'page.html' %}", "RecursionError"),
        ("{{ range(10 ** 9)|list }}", "OverflowError"),
        ("{{ link(1) + 1 }}", "TypeError"),
    ],
)
def test_a_template_that_fails_is_one_line_with_file_and_line(tmp_path, text, said):
    with pytest.raises(SiteError, match=f"template .*{said}") as caught:
        render(tmp_path, text)
    assert str(caught.value).isprintable()


def test_a_template_that_is_no_text_is_one_line(tmp_path):
    (tmp_path / "page.html").write_bytes(b"\xff\xfe")
    with pytest.raises(SiteError, match=r'template "page\.html": UnicodeDecodeError'):
        rendered(Sandbox((tmp_path, KNOWN), {}), "page.html", {})


def test_a_folder_of_templates_with_a_link_out_of_it_is_refused(small_store, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "about.html").symlink_to(tmp_path / "secret")
    with pytest.raises(SiteError, match=r'link "about\.html" leads out of it'):
        write_atlas(small_store, tmp_path / "site", templates=tmp_path / "t")
    assert not any((tmp_path / "site").glob("*"))


def test_a_site_whose_template_fails_is_as_it_was(small_store, tmp_path):
    write_atlas(small_store, tmp_path / "site")
    before = {p: p.read_bytes() for p in (tmp_path / "site").rglob("*") if p.is_file()}
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "about.html").write_text("{{ ''.__class__ }}")
    with pytest.raises(SiteError, match=r'template "about\.html", line 1: SecurityError'):
        write_atlas(small_store, tmp_path / "site", templates=tmp_path / "t")
    assert {p: p.read_bytes() for p in (tmp_path / "site").rglob("*") if p.is_file()} == before
