// A layer's page: filter and order of the sheet, the keyboard, the starts of a unit, and its panel.
(function () {
  "use strict";

  var make = self.Atlas.make, query = self.AtlasQuery, recipe = self.Atlas.recipe, body = document.body;
  var sheet = document.querySelector(".sheet"), panel = document.getElementById("panel");
  var columns = query.held("atlasRows", body.dataset.slug);
  var links = [].slice.call(sheet.querySelectorAll("a"));
  links.forEach(function (a) { if (!a.hasAttribute("href")) a.href = "#" + a.id; });
  var table = columns && query.table(columns, [{ name: body.dataset.layer, kind: body.dataset.kind, n_units: columns.n_units }]);
  var cells = links.map(function (a, i) {
    var img = a.querySelector("img");
    return { a: a, unit: Number(a.id.slice(1)), i: i, img: img, was: img && [img.className, img.getAttribute("src"), a.className, a.dataset.tag, a.dataset.gain] };
  });
  var byUnit = new Map(cells.map(function (c) { return [c.unit, c]; }));
  var visible = cells.slice(), open = null, seed = null, stop = cells[0], title = document.title;

  // Filter and order

  var input = make("input", { type: "search", id: "filter", placeholder: "structured  structure>3  !copy", autocomplete: "off", spellcheck: "false" });
  var select = make("select", {});
  var count = make("output", { role: "status" }), wrong = make("span.wrong", { role: "status" }), none = make("p.nothing", { hidden: "" }), meaning = make("p.note"), bar;
  var ORDERS = [["unit", "unit"], ["-structure", "most structure"], ["structure", "least structure"], ["-consistency", "most consistent"],
    ["consistency", "least consistent"], ["-use", "most used"], ["use", "least used"], ["verdict", "verdict"], ["colour", "colour"], ["copies", "copies together"], ["alike", "groups of similar units"], ["contrast", "least contrast"],
    ["period", "finest pattern"], ["angle", "direction"], ["-need", "most needed"], ["need", "least needed"], ["-need_rank", "removed first"]];

  function tools() {
    ORDERS.forEach(function (o) {
      var name = o[0].replace("-", "");
      var there = name === "unit" || (table && (name === "copies" ? columns.group : columns.words[name] || columns.numbers[name]));
      if (there) select.append(make("option", { value: o[0] }, o[1]));
    });
    var questions = make("button.copy", { type: "button", "aria-label": "Help" }, "?");
    questions.addEventListener("click", function () { self.Atlas.help.toggle(); });
    bar = make("div.tools", {}, make("label", {}, "Filter", input), wrong, make("label", {}, "Order", select));
    bar.append.apply(bar, recipe.mount(pictured).concat([query.download(body.dataset.slug, table, function () { return visible.map(function (c) { return c.i; }); }), random(), questions, count]));
    sheet.before(bar, none);
    document.querySelector(".key").after(meaning);
    input.addEventListener("input", changed);
    select.addEventListener("change", changed);
    document.querySelectorAll(".key li").forEach(function (li) {
      var button = make("button", { type: "button" });
      button.append.apply(button, [].slice.call(li.childNodes));
      button.addEventListener("click", function () { toggle(li.dataset.verdict); });
      li.append(button);
    });
  }

  // The verdicts that the filter asks for, and one more or less of them

  var ASKED = /(?:^|\s)verdict:("[^"]*"|\S*)/i;

  function verdicts() {
    var found = ASKED.exec(input.value);
    return found ? found[1].replace(/"/g, "").toLowerCase().split(",") : [];
  }

  function toggle(word) {
    var now = verdicts(), kept = now.filter(function (v) { return v && v !== word; });
    if (!now.includes(word)) kept.push(word);
    var text = kept.join(",");
    input.value = (input.value.replace(ASKED, "") + (text && " verdict:" + (/\s/.test(text) ? '"' + text + '"' : text))).trim();
    changed();
  }

  // Other parts of the page ask for units by a term; `replaced` matches the terms of theirs that it stands for
  self.Atlas.ask = function (term, replaced) {
    input.value = (input.value.replace(replaced, " ").replace(/\s+/g, " ").trim() + " " + term).trim();
    changed();
  };

  // The address: the unit that is open, the filter, the order. A unit alone leaves both as they are.

  function address(unit) {
    return "#" + [unit !== null && "u" + unit, unit !== null && unit === open && place() && "part=" + place(), input.value.trim() && "q=" + encodeURIComponent(input.value.trim()),
      select.value !== "unit" && "sort=" + select.value, recipe.text()].filter(Boolean).join("&");
  }

  // The part of the open unit that one reads
  function place() { return panel.hidden || !panel.scrollTop ? "" : self.Atlas.unit.placeIn(panel); }

  function write() {
    history.replaceState(null, "", location.pathname + location.search + address(open).replace(/^#$/, ""));
  }

  function changed() {
    apply();
    write();
    inSight();
  }

  function inSight() {
    var top = sheet.getBoundingClientRect().top;
    if (top < bar.offsetHeight || top > innerHeight / 2) scrollTo({ top: scrollY + top - bar.offsetHeight - 16, behavior: "instant" });
  }

  function apply() {
    if (!table) return;
    var found = query.filter(input.value, table), order = query.order(select.value, table);
    visible = [];
    order.forEach(function (i) {
      cells[i].a.hidden = !found.mask[i];
      if (found.mask[i]) visible.push(cells[i]);
    });
    if (links.some(function (_, i) { return sheet.children[i] !== cells[order[i]].a; })) {
      sheet.append.apply(sheet, Array.from(order, function (i) { return cells[i].a; }));
    }
    count.textContent = (visible.length === cells.length ? cells.length + " units" : visible.length + " of " + cells.length + " units");
    self.AtlasQuery.said(found, wrong, none, visible.length, input.value, table);
    var asked = verdicts();
    meaning.textContent = "";
    document.querySelectorAll(".key button").forEach(function (b) {
      var li = b.parentNode, on = asked.includes(li.dataset.verdict);
      b.setAttribute("aria-pressed", on);
      if (on && li.title) meaning.textContent += li.dataset.verdict + ": " + li.title + " ";
    });
    rove(visible.indexOf(byUnit.get(open)) < 0 ? visible[0] : byUnit.get(open));
  }

  // One stop in the order of Tab for the whole sheet; arrows move within it.
  function rove(cell) {
    if (stop) stop.a.tabIndex = -1;
    stop = cell;
    if (cell) cell.a.tabIndex = 0;
  }

  // Seeds: pointing at a unit shows its starts; a number shows that start of every unit in the sheet.

  // Names of pictures are read when they are needed first, and then whatever waited for them is done.
  var names = null, waiting = null;

  function named(then) {
    if (waiting) return waiting.push(then);
    waiting = [then];
    var script = make("script", { src: body.dataset.slug + "/names.js?" + body.dataset.names });
    script.onload = function () {
      names = query.held("atlasNames", body.dataset.slug);
      waiting.forEach(function (each) { each(); });
    };
    document.head.append(script);
  }

  function stripOf(a, later) {
    var cell = byUnit.get(Number(a.id.slice(1)));
    if (!cell) return null;
    return names ? query.strip(names, cell.i) : void named(later);
  }
  var peek = self.Atlas.peeking(sheet, stripOf);

  function showSeed(k) {
    seed = seed === k ? null : k;
    paint();
    count.textContent = seed === null ? "The first start of every unit" : "Start " + seed + " of every unit; press " + (seed + 1) + " again to go back";
  }

  // Somebody chose another recipe, or another contrast
  function pictured() {
    seed = null;
    paint();
    write();
  }

  function paint() {
    if (!names && (seed !== null || !recipe.first())) return named(paint);
    cells.forEach(function (cell) { if (cell.img) draw(cell); });
  }

  function draw(cell) {
    var strip = seed === null ? null : query.strip(names, cell.i), at = strip ? strip.kinds.indexOf(String(seed)) : -1;
    var shown = at >= 0 || recipe.first() ? null : recipe.picture(names, cell.i), sheets = cell.was[1].startsWith(body.dataset.slug + "/");
    if (at >= 0) put(cell, "k" + at + " n" + strip.tiles, self.Atlas.picturePath(strip.file));
    else if (!shown) put(cell, cell.was[0], cell.was[1]);
    else if (sheets) put(cell, cell.was[0], cell.was[1].replace(/\/\w+-/, "/" + recipe.stem() + "-"));
    else put(cell, recipe.classesOf(shown), self.Atlas.picturePath(shown.file));
    if (shown || at >= 0) return recipe.dress(cell.a, shown);
    cell.a.className = cell.was[2] + (cell.unit === open ? " here" : "");
    if (cell.was[3]) cell.a.dataset.tag = cell.was[3]; else delete cell.a.dataset.tag;
    if (cell.was[4]) cell.a.dataset.gain = cell.was[4]; else delete cell.a.dataset.gain;
  }

  function put(cell, classes, src) {
    cell.img.className = classes;
    if (cell.img.getAttribute("src") !== src) cell.img.src = src;
  }

  // The panel. Data files hold deflated JSON, in base64; a browser unpacks it by itself.

  var parts = body.dataset.parts.split(" "), views = new Map(), asked = new Map();
  self.atlasUnits = self.atlasUnits || [];

  function unpack(text) {
    var stream = new Blob([query.bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).json().then(function (list) { self.Atlas.unpack(list).forEach(function (view) { views.set(view.unit, view); }); });
  }

  function load(unit) {
    var at = 0;
    for (var i = 0; i < parts.length; i += 2) if (Number(parts[i + 1]) <= unit) at = i;
    var name = parts[at];
    if (!asked.has(name)) {
      asked.set(name, new Promise(function (resolve, reject) {
        var script = make("script", { src: name });
        script.onload = function () { Promise.all(self.atlasUnits.splice(0).map(unpack)).then(resolve, reject); };
        script.onerror = reject;
        document.head.append(script);
      }));
    }
    return asked.get(name).then(function () { return views.get(unit); }, function () { return null; });
  }

  // `part` of the unit is scrolled to, where it has it
  function show(unit, focus, part) {
    var cell = byUnit.get(unit);
    if (!cell) return missing(unit);
    if (byUnit.has(open)) byUnit.get(open).a.classList.remove("here");
    open = unit;
    peek.hide();
    cell.a.classList.add("here");
    rove(cell);
    load(unit).then(function (view) {
      if (open !== unit) return;
      panel.replaceChildren.apply(panel, view ? content(view) : [panelTools(unit), make("p", {}, "The data of this unit could not be read.")]);
      panel.hidden = false;
      if (!part || !self.Atlas.unit.goTo(panel, part)) panel.scrollTop = 0;
      panel.setAttribute("aria-label", body.dataset.layer + " unit " + unit);
      document.title = body.dataset.layer + " " + unit + " – " + body.dataset.of;
      body.classList.add("open");
      cell.a.scrollIntoView({ block: "nearest" });
      if (focus) panel.focus({ preventScroll: true });
    });
  }

  function missing(unit) {
    close(true);
    var text = body.dataset.layer + " has no unit " + unit + " here; its units go from " + cells[0].unit + " to " + cells[cells.length - 1].unit + ".";
    document.querySelector("main .pages").after(make("p.wrong", { role: "alert" }, text));
  }

  function close(kept) {
    if (open === null) return;
    var cell = byUnit.get(open);
    document.title = title;
    panel.hidden = true;
    open = null;
    body.classList.remove("open");
    cell.a.classList.remove("here");
    if (kept === true) return;
    write();
    cell.a.focus();
    peek.hide();
  }

  function panelTools(unit) {
    var shut = make("button.copy.close", { type: "button" }, "Close");
    shut.addEventListener("click", close);
    var own = "ownPages" in body.dataset ? make("a", { href: body.dataset.slug + "/" + unit + ".html" }, "Own page") : null;
    return make("div.panel-tools", {}, step(-1, "Previous"), step(1, "Next"), random(), self.Atlas.copyButton("Copy link", function () { return location.href; }), own, shut);
  }

  function step(by, label) {
    var button = make("button.copy", { type: "button" }, label);
    button.addEventListener("click", function () { move(by, true); });
    return button;
  }

  // A unit by chance, of those that the filter leaves
  function random() {
    var button = make("button.copy.random", { type: "button" }, "Random");
    button.addEventListener("click", function () {
      var others = visible.filter(function (cell) { return cell.unit !== open; }), next = others[Math.floor(Math.random() * others.length)];
      if (!next) return;
      show(next.unit, true, place());
      write();
    });
    return button;
  }

  function content(view) {
    var last = make("section.sec.k-cite", {}, make("h3", {}, "To cite"), make("p.cite", { "data-copy": "citation" }, view.citation));
    self.Atlas.copyButtons(last);
    last.append(document.getElementById("recipes").cloneNode(true));
    last.lastChild.removeAttribute("id");
    return [
      panelTools(view.unit), make("p.note", {}, body.dataset.of),
      make("h2", {}, self.Atlas.breakable(body.dataset.layer), " ", make("small", {}, "unit " + view.unit + " of " + body.dataset.n + (view.class_name ? ": " + view.class_name : ""))),
      make("p.source", {}, make("a", { href: location.pathname + "#u" + view.unit, target: "_blank", rel: "noopener" }, body.dataset.of + ", " + body.dataset.layer + " unit " + view.unit)),
      self.Atlas.unit.top(view, 3),
      self.Atlas.unit.jump(view, function (name) { return "#u" + view.unit + "&part=" + name; }),
    ].concat(self.Atlas.unit.parts(view, 3), [last]);
  }

  function follow(focus, first) {
    var found = /^#u(\d+)(?:&|$)/.exec(location.hash), given = new URLSearchParams(location.hash.slice(1));
    document.querySelectorAll("main > .wrong").forEach(function (p) { p.remove(); });
    if (["q", "sort", "recipe", "contrast"].some(function (name) { return given.has(name); }) || !location.hash || first) {
      input.value = given.get("q") || "";
      select.value = given.get("sort") || "unit";
      if (select.selectedIndex < 0) select.value = "unit";
      recipe.read(given);
      paint();
      apply();
    }
    if (found && Number(found[1]) === open && !first && given.has("part")) self.Atlas.unit.goTo(panel, given.get("part"));
    else if (found) show(Number(found[1]), focus, given.get("part"));
    else if (open !== null) close();
    else if (visible.length < cells.length) inSight();
    if (open !== null && !given.has("part")) write();
  }

  sheet.addEventListener("click", function (event) {
    var a = event.target.closest("a");
    if (!a || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button) return;
    event.preventDefault();
    var unit = Number(a.id.slice(1));
    if (open === unit) return show(unit, true);
    location.hash = address(unit);
  });
  addEventListener("hashchange", function () { follow(true); });
  panel.addEventListener("scroll", function () { self.Atlas.unit.placeIn(panel); }, { passive: true });

  // Keyboard

  function across() {
    var top = visible.length ? visible[0].a.offsetTop : 0, n = 0;
    while (n < visible.length && visible[n].a.offsetTop === top) n += 1;
    return Math.max(1, n);
  }

  function move(by, inPanel) {
    var from = open !== null ? byUnit.get(open) : byUnit.get(Number((document.activeElement.id || "").slice(1)));
    var at = visible.indexOf(from);
    var next = visible[at < 0 ? 0 : Math.min(visible.length - 1, Math.max(0, at + by))];
    if (!next) return;
    if (open !== null) {
      show(next.unit, inPanel, place());
      write();
    } else {
      rove(next);
      next.a.focus();
    }
  }

  function jump(key) {
    return { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across(), ArrowDown: across(), Home: -1e9, End: 1e9,
      PageUp: -4 * across(), PageDown: 4 * across() }[key];
  }

  function pressedKey(event) {
    var typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName), key = event.key;
    if (document.querySelector("dialog[open]")) return key === "?" && (self.Atlas.help.toggle(), true);
    if (key === "Escape") {
      if (typing) { (byUnit.get(open) || visible[0] || cells[0]).a.focus(); } else if (peek.on()) peek.hide(); else close();
      return true;
    }
    if (query.leaves(event, input, function () { if (visible.length) { rove(visible[0]); visible[0].a.focus(); } })) return true;
    if (typing) return false;
    if (key === "/") { input.focus(); input.select(); return true; }
    if (key === "?") { self.Atlas.help.toggle(); return true; }
    if (key === "[" || key === "]") {
      var link = document.querySelector("a[rel=" + (key === "[" ? "prev" : "next") + "]");
      if (link) link.click();
      return true;
    }
    if (recipe.pressed(key, pictured)) return true;
    if (/^[1-8]$/.test(key)) { showSeed(Number(key) - 1); return true; }
    var by = jump(key), inside = sheet.contains(event.target) || event.target === panel;
    if (!by || !(inside || (event.target === body && open !== null))) return false;
    move(by, panel.contains(document.activeElement));
    return true;
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (pressedKey(event)) event.preventDefault();
  });

  tools();
  cells.forEach(function (c) { c.a.tabIndex = -1; });
  follow(true, true);
})();
