"""The guard lets in whom it should, and nobody else, whatever the address."""

import pytest
from asking import apart, ask

from reportgen.explorer.guard import MOST_BYTES, PERSON, TOKEN, Door, Guard, policy


async def inside(scope, receive, send):
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"in " + body + scope["state"]["person"].encode()})


@pytest.fixture
def own():
    return Guard(inside, Door(), policy(["'sha256-x'"]))


@pytest.fixture
def shared():
    return Guard(inside, Door("192.168.1.5", "s3cret-token", ("workshop",)), policy([]))


def test_a_page_is_given_with_strict_headers(own):
    answer = ask(own, "/")
    assert answer.status == 200 and answer.text.startswith("in ")
    said = answer.headers["content-security-policy"]
    assert "default-src 'none'" in said and "script-src 'self' 'sha256-x';" in said
    assert "frame-ancestors 'none'" in said and "unsafe-eval" not in said
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8050", "192.168.1.5", "", "[::2]", None]
)
def test_names_of_others_are_not_answered(own, host):
    assert ask(own, "/", host=host).status == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8050", "localhost:8050", "[::1]:8050", "LOCALHOST"])
def test_this_machines_names_are(own, host):
    assert ask(own, "/", host=host).status == 200


def test_another_sites_requests_are_refused(own):
    assert ask(own, "/_dash/_dash-update-component", method="POST").status == 403
    assert (
        ask(own, "/_dash/_dash-update-component", method="POST", origin="http://evil.example").status == 403
    )
    assert ask(own, "/_dash/_dash-update-component", method="POST", origin="null").status == 403
    assert (
        ask(own, "/_dash/_dash-update-component", method="POST", origin="http://127.0.0.1:8050").status == 200
    )
    assert ask(own, "/m/a/v/units.js", sec_fetch_site="cross-site", sec_fetch_mode="no-cors").status == 403
    assert ask(own, "/m/a/v/units.html", sec_fetch_site="cross-site", sec_fetch_mode="navigate").status == 200
    assert ask(own, "/", method="DELETE").status == 405


@pytest.mark.parametrize(
    "path",
    ["/docs", "/openapi.json", "/img/../../etc/passwd", "/img/ABC.webp", "/growth/../x.json", "/assets/../x",
     "/_dash/", "/_favicon.ico", "/_dash/_dash-ws-callback", "/_reload-hash", "/progress/../x/1.webp",
     "//evil"],
)  # fmt: skip
def test_other_addresses_are_not_there(own, path):
    assert ask(own, path).status == 404


def test_a_socket_is_closed(own):
    told = []

    async def send(message):
        told.append(message)

    apart(lambda: own({"type": "websocket", "path": "/_dash/_dash-ws-callback", "headers": []}, None, send))
    assert told[0]["type"] == "websocket.close"


@pytest.mark.parametrize(
    "path",
    ["/", "/m/a/v/units.html", "/m/a/v/units.js", f"/img/{'0' * 32}.webp", "/progress.json", "/assets/a.css",
     f"/img/{'0' * 32}.png", f"/growth/{'0' * 32}.json", f"/growth/{'0' * 32}.webp",
     "/_dash/_dash-layout", "/_dash/_dash-dependencies", "/_dash/_dash-component-suites/dash/x.js"],
)  # fmt: skip
def test_every_address_wants_the_token(shared, path):
    host = "192.168.1.5:8050"
    assert ask(shared, path, host=host).status == 401
    assert ask(shared, path, host=host, query="token=wrong").status == 401
    assert ask(shared, path, host=host, cookie=f"{TOKEN}=wrong").status == 401
    assert ask(shared, path, host=host, cookie=f"{TOKEN}=s3cret-token").status == 200


def test_the_token_moves_from_the_address_into_a_cookie(shared):
    answer = ask(shared, "/m/a/v/x.html", host="192.168.1.5:8050", query="q=static&token=s3cret-token")
    assert answer.status == 200 and "in " not in answer.text
    assert 'data-to="/m/a/v/x.html?q=static"' in answer.text and "s3cret" not in answer.text
    assert "script-src 'sha256-" in answer.headers["content-security-policy"]
    (cookie,) = answer.cookies
    assert cookie.startswith(f"{TOKEN}=s3cret-token") and "HttpOnly" in cookie and "SameSite=Strict" in cookie


def test_a_page_that_goes_on_cannot_be_given_markup(shared):
    path = '/m/"><script>alert(1)</script>/v/x.html'
    answer = ask(shared, path, host="192.168.1.5", query="token=s3cret-token&a=%22%3E%3Cscript%3E")
    assert answer.text.count("<script") == 1 and "<script>location" in answer.text


def test_names_are_refused_where_others_are_served_too(shared):
    cookie = f"{TOKEN}=s3cret-token"
    assert ask(shared, "/", host="evil.example", cookie=cookie).status == 421
    assert ask(shared, "/", host="10.0.0.7:8050", cookie=cookie).status == 200
    assert ask(shared, "/", host="workshop:8050", cookie=cookie).status == 200


def test_everybody_is_known_by_a_random_text_that_only_the_server_sees(own):
    first, second = ask(own, "/"), ask(own, "/")
    names = [a.cookies[0].split(";")[0].removeprefix(f"{PERSON}=") for a in (first, second)]
    assert names[0] != names[1] and "HttpOnly" in first.cookies[0]
    again = ask(own, "/", cookie=f"{PERSON}={names[0]}")
    assert again.text == f"in {names[0]}" and again.cookies == ()


def test_a_body_has_its_limit(own):
    sent = {"method": "POST", "origin": "http://127.0.0.1:8050"}
    path = "/_dash/_dash-update-component"
    assert ask(own, path, body=b"x" * 3_000_000, **sent).text.startswith("in xxx")
    assert ask(own, path, body=b"x" * (MOST_BYTES + 1), **sent).status == 413
