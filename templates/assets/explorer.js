// The explorer around its Dash components: the address, the grid of units, and the unit that is open. The grid is
// the atlas's own (units.js), and so are the words of the filter (query.js) and a unit's sections (atlas.js).
(function () {
  "use strict";

  var make = self.Atlas.make, data = JSON.parse(document.getElementById("page-data").textContent);
  var folder = "/" + data.folder + "/", units = null, open = null, asked = 0, bench = null;
  var shown = "", whole = "";  // What the form asks for, where it is not the atlas's picture; the layer that is open as a whole
  var headed = null;  // What stands in the head, also when the unit was closed
  var tab = String(Math.random()).slice(2) + Date.now();

  function set(id, value) { self.dash_clientside.set_props(id, { data: value }); }

  // The address: that of the atlas's page for what is shown. The filter stands behind a question mark where a
  // unit is open, which the atlas leaves alone, and after the number sign where none is. `render` is the form, where
  // it asks for something else than the atlas's picture.

  function unitAt() {
    var page = /^([^/]+)\.html$/.exec(location.pathname.slice(folder.length)), unit = /^#u(\d+)$/.exec(location.hash);
    if (!page || !location.pathname.startsWith(folder)) return null;
    var slug = decodeURIComponent(page[1]), at = table().layers.findIndex(function (layer) { return layer.slug === slug; });
    return at < 0 ? null : { slug: slug, layer: table().layers[at].name, unit: unit ? Number(unit[1]) : null };
  }

  function table() { return units ? units.table : self.AtlasQuery.held("atlasColumns", "units"); }

  function wordsOf(layer) { return "layer:" + (/\s/.test(layer) ? '"=' + layer + '"' : "=" + layer); }

  var place = {
    // A layer's own address shows that layer's units
    read: function () {
      var at = unitAt();
      if (at && at.unit === null && !location.hash && !new URLSearchParams(location.search).has("q")) return new URLSearchParams({ q: wordsOf(at.layer) });
      return new URLSearchParams(location.hash.startsWith("#u") || !location.hash ? location.search : location.hash.slice(1));
    },
    write: function (text) {
      var all = [text, shown && "render=" + encodeURIComponent(shown)].filter(Boolean).join("&");
      history.replaceState(null, "", open || (whole && shown) ? folder + (open ? open.slug : whole) + ".html" + (all && "?" + all) + (open ? "#u" + open.unit : "") : folder + "units.html" + (text && "#" + text));
    },
  };

  place.open = function () { return open ? open.slug + ".html#u" + open.unit : ""; };

  function words() {
    var own = place.read();
    own.delete("render");
    return own.toString().replace(/\+/g, "%20");
  }

  function rendered() { return new URLSearchParams(location.search).get("render") || ""; }

  // The address of what is shown, without the filter
  function link() {
    return new URL(folder + headed.slug + ".html" + (shown && "?render=" + encodeURIComponent(shown)) + (headed.unit === null ? "" : "#u" + headed.unit), location.href).href;
  }

  // What the bench says of itself: what is to be kept in the address, and what the picture is of

  function noted(text) {
    if (text === shown) return;
    shown = text;
    place.write(words());
  }

  function titled(form, of) {
    var heading = document.querySelector("#head h2"), here = form.model === data.model && form.version === data.version;
    var alone = here && open && form.layer === open.layer && String(self.AtlasForm.sum(form.terms)) === String(open.unit);
    if (!heading) return;
    if (!here) of += ", version " + form.version;
    heading.replaceChildren(form.layer + " ", make("span", {}, of));
    document.title = form.layer + " " + of + " – Explorer";
    document.querySelectorAll("#head .of-unit").forEach(function (element) { element.hidden = !alone; });
    var other = document.querySelector("#head .of-other");
    if (other) other.hidden = alone;
  }

  // Browsing

  function drawBrowse(into) {
    var input = make("input", { type: "search", id: "filter", placeholder: "conv structure>3 !copy", autocomplete: "off", spellcheck: "false" });
    var select = make("select", { id: "order" });
    select.append(document.getElementById("orders").content.cloneNode(true));
    into.append(
      make("div.tools", {}, make("label", {}, "Filter", input), make("label", {}, "Order", select), make("output", { id: "count", role: "status" })),
      make("div.grid", { id: "grid", role: "grid", "aria-label": "Units" }));
    units = self.AtlasUnits.mount(self.AtlasQuery.held("atlasColumns", "units"), place);
    document.getElementById("grid").addEventListener("click", function (event) {
      var a = event.target.closest("a[href]");
      if (!a || event.ctrlKey || event.metaKey || event.button) return;
      event.preventDefault();
      var to = new URL(a.href), slug = decodeURIComponent(to.pathname.slice(folder.length).replace(/\.html$/, "")), unit = Number(to.hash.slice(2));
      if ((event.shiftKey || event.altKey) && open && open.slug === slug) bench.addUnit(unit, event.altKey ? -1 : 1);
      else go(slug, unit);
    });
  }

  function filterTo(text) {
    var input = document.getElementById("filter");
    input.value = text;
    units.changed();
  }

  // The table of layers: choosing one shows its units alone, and lets it be rendered as a whole.
  function layer(rows) {
    var row = rows && rows[0];
    var at = unitAt();
    if (!row || (at && at.unit === null && at.slug === row.slug)) return;  // It is shown already.
    if (open && open.slug === row.slug) return filterTo(wordsOf(row.layer));
    open = null;
    shown = "";
    whole = row.slug;
    headed = { slug: row.slug, unit: null };
    asked += 1;
    filterTo(wordsOf(row.layer));
    units.mark();
    bench.setLayer(row.layer, row.units, "");
  }

  // A unit

  function go(slug, unit) {
    var text = words();
    history.pushState(null, "", folder + slug + ".html" + (text && "?" + text) + "#u" + unit);
    follow(true);
  }

  function follow(focus) {
    var at = unitAt();
    var text = rendered();
    open = at && at.unit !== null ? at : null;
    whole = at && !open ? at.slug : "";
    shown = text;
    units.mark();
    if (!open) {
      if (!at) bench.setNothing();
      else {
        headed = at;
        bench.setLayer(at.layer, table().layers.find(function (own) { return own.slug === at.slug; }).n_units, text);
        self.dash_clientside.set_props("layers", { selectedRows: { ids: [at.slug] } });
      }
      return;
    }
    document.title = at.layer + " " + at.unit + " – Explorer";
    var mine = asked += 1;
    fetch(folder + at.slug + "/" + at.unit + ".json").then(function (answer) {
      if (!answer.ok) return answer.text().then(function (text) { throw new Error(text.trim()); });
      return answer.json();
    }).then(function (found) {
      if (mine === asked) drawUnit(at, self.Atlas.unpack(found.view), found.lead, focus, text);
    }, function (error) {
      if (mine === asked) document.getElementById("head").replaceChildren(make("p.wrong", { role: "alert" }, error.message));
    });
  }

  function show() { if (open) units.reveal(open.slug, open.unit); }

  function drawUnit(at, view, lead, focus, text) {
    var head = document.getElementById("head"), evidence = document.getElementById("evidence");
    var heading = make("h2", { tabindex: "-1" }, at.layer + " ", make("span", {}, "unit " + at.unit));
    head.replaceChildren(
      make("div.head-line", {}, heading, self.Atlas.copyButton("Copy link", link)),
      make.apply(null, ["div.of-unit", {}].concat(self.Atlas.unit.head(view))),
      make("p.reason.of-other", { hidden: "" }, "The picture is not of unit " + at.unit + " alone, or of another version: it has no verdict. The evidence below is that of unit " + at.unit + ", " + data.version + "."));
    var sections = make("div.sections");
    sections.append.apply(sections, self.Atlas.unit.first(view, 3));
    evidence.replaceChildren.apply(evidence, [make("h2.small", {}, "Evidence, as in the atlas"), sections].concat(
      self.Atlas.unit.parts(view, 3), [make("p.cite", { "data-copy": "citation" }, view.citation)]));
    self.Atlas.copyButtons(evidence);
    headed = at;
    bench.setUnit(at.layer, at.unit, lead, text);
    if (focus) {
      heading.focus({ preventScroll: true });
      document.querySelector(".bench").scrollTo({ top: 0 });
    }
    if (matchMedia("(max-width: 60rem)").matches) head.scrollIntoView({ block: "start" });
  }

  function close() {
    if (!open) return;
    var last = open, text = words();
    open = null;
    units.mark();
    history.pushState(null, "", folder + "units.html" + (text && "#" + text));
    document.title = "Explorer – " + data.model + " " + data.version;
    var cell = document.querySelector('#grid a[href="' + CSS.escape(last.slug) + ".html#u" + last.unit + '"]');
    (cell || document.getElementById("filter")).focus();
  }

  document.addEventListener("click", function (event) {
    var a = event.target.closest("#evidence a[href]");
    if (!a || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    var to = new URL(a.href), unit = /^#u(\d+)$/.exec(to.hash);
    if (to.origin !== location.origin || !to.pathname.startsWith(folder) || !unit) return;
    event.preventDefault();
    go(decodeURIComponent(to.pathname.slice(folder.length).replace(/\.html$/, "")), Number(unit[1]));
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (document.querySelector(".bench").contains(document.activeElement)) { event.preventDefault(); close(); }
  }, true);
  addEventListener("popstate", function () { if (units) { units.read(); follow(false); show(); } });
  document.getElementById("versions").addEventListener("change", function (event) { location.href = event.target.value; });

  // Dash draws its components when it is ready; the rest follows into the places that it has made.

  function start() {
    var into = document.getElementById("browse");
    if (bench || !into || !document.getElementById("form-place") || !(self.dash_clientside && self.dash_clientside.set_props)) return;
    waiting.disconnect();
    bench = self.AtlasBench.mount(data, set, { noted: noted, titled: titled, link: link });
    drawBrowse(into);
    document.body.style.setProperty("--layers", table().layers.length);
    set("place", { model: data.model, version: data.version, tab: tab });
    document.body.classList.add("ready");
    performance.mark("explorer-ready");
    follow(false);
    show();
  }

  self.dash_clientside = self.dash_clientside || {};
  self.dash_clientside.explorer = {
    layer: function (rows) { if (bench) layer(rows); },
    watch: function (answer) { if (bench && answer) bench.watch(answer); },
    started: function (answer) { if (bench && answer) bench.started(answer); },
  };
  var waiting = new MutationObserver(start);
  waiting.observe(document.body, { childList: true, subtree: true });
  start();
})();
