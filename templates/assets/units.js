// The view of all units of a model version: a grid that draws what is on the screen and no more, a filter
// and an order that stand in the address, and the keyboard. Names of pictures are read layer by layer, as
// they come into sight. The page of all units mounts it, and so does the explorer.
(function () {
  "use strict";

  // Draw the grid of `all` (columns of units) into the page's grid, filter, order and count. `place`
  // says where filter and order stand: `read` gives them as parameters, `write` takes them as text; and `open`,
  // where there is such a thing, which unit is, by its address from here.
  function mount(all, place) {
    var make = self.Atlas.make, query = self.AtlasQuery, recipe = self.Atlas.recipe, table = query.table(all, all.layers);
    var grid = document.getElementById("grid"), input = document.getElementById("filter"), select = document.getElementById("order");
    var count = document.getElementById("count"), found = new Uint32Array(0), CELL = 104, TALL = 132;
    var across = 1, gap = 8, focused = 0, rows = new Map(), spare = [], asked = {}, wanted = new Set(), timer = 0, top = 0;
    var marks = table.marks, inside = make("div.rows", { role: "presentation" });
    var wrong = make("span.wrong", { role: "status" }), none = make("p.nothing", { hidden: "" });
    [].slice.call(select.options).forEach(function (o) {
      var name = o.value.replace("-", "");
      if (query.numbers.concat("alike", "copies").includes(name) && !table.column(name)) o.remove();
    });
    grid.append(inside);
    grid.before(none);
    input.parentNode.after(" ", wrong);
    select.parentNode.after.apply(select.parentNode, recipe.mount(function () { place.write(address()); repaint(); }).concat([query.download("units", table, function () { return found; })]));

    // Which units, in which order

    function address() {
      var parts = [];
      if (input.value.trim()) parts.push("q=" + encodeURIComponent(input.value.trim()));
      if (select.value !== "unit") parts.push("sort=" + select.value);
      if (recipe.text()) parts.push(recipe.text());
      return parts.join("&");
    }

    function readAddress() {
      var given = place.read();
      recipe.read(given);
      input.value = given.get("q") || "";
      var sort = given.get("sort") || "unit";
      select.value = [].some.call(select.options, function (o) { return o.value === sort; }) ? sort : "unit";
    }

    function apply() {
      var hit = query.filter(input.value, table), order = query.order(select.value, table), n = 0;
      var kept = new Uint32Array(table.n);
      for (var i = 0; i < order.length; i += 1) if (hit.mask[order[i]]) { kept[n] = order[i]; n += 1; }
      found = kept.subarray(0, n);
      count.textContent = (n === table.n ? n.toLocaleString("en") + " units" : n.toLocaleString("en") + " of " + table.n.toLocaleString("en") + " units");
      query.said(hit, wrong, none, n, input.value, table);
      grid.hidden = !n;
      focused = 0;
      grid.scrollTop = 0;
      layout();
    }

    // Rows that are on the screen; those that leave it are used again

    function layout() {
      across = Math.max(1, Math.floor((inside.clientWidth + 8) / CELL));
      gap = across > 1 ? Math.min(24, (inside.clientWidth - 8 - across * 96) / (across - 1)) : 8;
      inside.style.height = Math.ceil(found.length / across) * TALL + "px";
      grid.setAttribute("aria-rowcount", Math.ceil(found.length / across));
      grid.setAttribute("aria-colcount", across);
      rows.forEach(function (row) { row.element.remove(); });
      rows.clear();
      spare = [];
      draw();
    }

    function newRow() {
      var row = { element: make("div.row", { role: "row" }), cells: [] };
      for (var k = 0; k < across; k += 1) {
        var img = make("img", { alt: "", width: 96, height: 96 }), label = make("span"), score = make("b"), word = make("em");
        img.decoding = "async";
        var a = make("a", { tabindex: "-1" }, img, label, score, word);
        row.cells.push({ a: a, img: img, label: label, score: score, word: word, box: make("div", { role: "gridcell", "aria-colindex": k + 1 }, a) });
        row.element.append(row.cells[k].box);
      }
      return row;
    }

    // In passing, rows that came into sight stay empty: nobody reads them, and filling them is what a frame costs
    function draw(passing) {
      var first = Math.max(0, Math.floor(grid.scrollTop / TALL) - 1);
      var last = Math.min(Math.ceil(found.length / across) - 1, Math.ceil((grid.scrollTop + grid.clientHeight) / TALL) + 1);
      rows.forEach(function (row, at) { if (at < first || at > last) { rows.delete(at); spare.push(row); } });
      for (var at = first; at <= last; at += 1) {
        var row = rows.get(at);
        if (!row) {
          row = spare.pop() || newRow();
          putRow(row, at);
          rows.set(at, row);
          if (!row.element.parentNode) inside.append(row.element);
        }
        if (row.empty && !passing) fillRow(row);
      }
      spare.forEach(function (row) { row.element.remove(); });
      clearTimeout(timer);
      timer = setTimeout(settle, 60);
    }

    function scrolled() {
      var far = Math.abs(grid.scrollTop - top) > grid.clientHeight;
      top = grid.scrollTop;
      draw(far);
    }

    function settle() {
      rows.forEach(function (row) { if (row.empty) fillRow(row); });
      askPictures();
    }

    function putRow(row, at) {
      row.at = at;
      row.empty = true;
      row.element.classList.add("empty");
      row.element.style.gap = gap + "px";
      row.element.style.transform = "translateY(" + at * TALL + "px)";
      row.element.setAttribute("aria-rowindex", at + 1);
      row.cells.forEach(function (cell) { cell.place = -1; });
    }

    function fillRow(row) {
      row.empty = false;
      row.element.classList.remove("empty");
      row.cells.forEach(function (cell, k) {
        var place = row.at * across + k, there = place < found.length;
        cell.box.hidden = !there;
        cell.place = there ? place : -1;
        if (there) fillCell(cell, found[place]);
        cell.a.tabIndex = place === focused ? 0 : -1;
      });
    }

    function fillCell(cell, i) {
      var layer = all.layers[table.layerOf(i)], unit = table.unit(i), verdict = table.word("verdict", i);
      var structure = table.column("structure"), value = structure ? structure.at(i) : NaN;
      cell.i = i;
      cell.a.href = layer.slug + ".html#u" + unit;
      cell.a.className = marks[verdict] || "o";
      markOpen(cell);
      cell.label.textContent = unit;
      cell.score.textContent = query.tenths(value);
      cell.word.textContent = layer.short;
      cell.word.title = layer.name;
      cell.a.setAttribute("aria-label", layer.name + " unit " + unit + ", " + (verdict || "not scored") + (isNaN(value) ? "" : ", structure " + query.tenths(value)));
      picture(cell, layer);
    }

    function markOpen(cell) {
      if (place.open && cell.a.getAttribute("href") === place.open()) cell.a.setAttribute("aria-current", "true");
      else cell.a.removeAttribute("aria-current");
    }

    function picture(cell, layer) {
      var names = query.held("atlasNames", layer.slug), shown = null;
      if (names) shown = recipe.picture(names, cell.i - table.starts[table.layerOf(cell.i)]);
      else if (table.has("drawn", cell.i)) wanted.add(layer.slug);
      recipe.dress(cell.a, shown);
      cell.img.className = shown ? recipe.classesOf(shown) : "";
      if (shown) cell.img.src = self.Atlas.picturePath(shown.file);
      else cell.img.removeAttribute("src");
    }

    function repaint() {
      rows.forEach(function (row) {
        row.cells.forEach(function (cell) { if (cell.place >= 0 && !row.empty) picture(cell, all.layers[table.layerOf(cell.i)]); });
      });
    }

    // The layers whose pictures are in sight and whose names are not known yet
    function askPictures() {
      wanted.forEach(function (slug) {
        if (asked[slug]) return;
        asked[slug] = true;
        var script = make("script", { src: slug + "/names.js" });
        script.onload = function () {
          rows.forEach(function (row) {
            row.cells.forEach(function (cell) {
              if (cell.place >= 0 && all.layers[table.layerOf(cell.i)].slug === slug) picture(cell, all.layers[table.layerOf(cell.i)]);
            });
          });
        };
        document.head.append(script);
      });
      wanted.clear();
    }

    // Keyboard

    function focusOn(place) {
      if (!found.length) return;
      focused = Math.max(0, Math.min(found.length - 1, place));
      var at = Math.floor(focused / across), top = at * TALL;
      if (top < grid.scrollTop) grid.scrollTop = top;
      else if (top + TALL > grid.scrollTop + grid.clientHeight) grid.scrollTop = top + TALL - grid.clientHeight;
      draw();
      rows.forEach(function (row) { row.cells.forEach(function (c) { c.a.tabIndex = c.place === focused ? 0 : -1; }); });
      rows.get(at).cells[focused % across].a.focus({ preventScroll: true });
    }

    // Bring a unit into sight, where the filter shows it
    function reveal(slug, unit) {
      var at = all.layers.findIndex(function (layer) { return layer.slug === slug; });
      var place = found.findIndex(function (i) { return table.layerOf(i) === at && table.unit(i) === unit; });
      if (place < 0) return;
      focused = place;
      grid.scrollTop = Math.max(0, Math.floor(place / across) * TALL - grid.clientHeight / 2 + TALL / 2);
      layout();
    }

    // The first unit of the layer before or after, in the order shown
    function otherLayer(by) {
      var place = focused, of = function (p) { return table.layerOf(found[p]); }, now = of(place);
      while (place + by >= 0 && place + by < found.length && of(place) === now) place += by;
      now = of(place);
      while (by < 0 && place > 0 && of(place - 1) === now) place -= 1;
      focusOn(place);
    }

    function jump(key) {
      var page = Math.max(1, Math.floor(grid.clientHeight / TALL) - 1) * across;
      return { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across, Home: -1e9, End: 1e9, PageUp: -page, PageDown: page }[key];
    }

    function pressedKey(event) {
      var typing = /^(INPUT|SELECT)$/.test(event.target.tagName), key = event.key;
      if (document.querySelector("dialog[open]")) return key === "?" && (self.Atlas.help.toggle(), true);
      if (key === "Escape") {
        if (peek.on()) peek.hide();
        else if (event.target === input || event.target === select) focusOn(0);
        return true;
      }
      if (query.leaves(event, input, function () { focusOn(0); })) return true;
      if (typing) return false;
      if (key === "/") { input.focus(); input.select(); return true; }
      if (key === "?") { self.Atlas.help.toggle(); return true; }
      if (recipe.pressed(key, function () { place.write(address()); repaint(); })) return true;
      if (key === "[" || key === "]") { if (found.length) otherLayer(key === "[" ? -1 : 1); return true; }
      var by = jump(key);
      if (!by || !grid.contains(event.target)) return false;
      focusOn(focused + by);
      return true;
    }

    function changed() {
      place.write(address());
      apply();
    }

    // On paper every unit that the filter shows is a line of a list: a grid of what is on the screen would hide
    // the others, and pictures that were never in sight cannot be fetched in time.
    var printed = make("div.printed"), MOST_PRINTED = 10000;
    function print() {
      var n = Math.min(found.length, MOST_PRINTED), structure = table.column("structure"), at = -1, line = null;
      var whole = n === found.length ? n.toLocaleString("en") + " units" : "The first " + n.toLocaleString("en") + " of " + found.length.toLocaleString("en") + " units; a filter shows others";
      printed.replaceChildren(make("p", {}, whole + ". Pictures are on the pages of the layers."));
      for (var k = 0; k < n; k += 1) {
        var i = found[k], value = structure ? structure.at(i) : NaN;
        if (table.layerOf(i) !== at) {
          at = table.layerOf(i);
          line = make("p", {}, make("b", {}, all.layers[at].name), " ");
          printed.append(line);
        }
        line.append(make("span", {}, table.unit(i) + " " + (table.word("verdict", i) || "not scored") + (isNaN(value) ? "" : " " + query.tenths(value))), " ");
      }
    }
    grid.after(printed);
    addEventListener("beforeprint", print);

    function stripOf(a) {
      var cell = null;
      rows.forEach(function (row) { row.cells.forEach(function (c) { if (c.a === a) cell = c; }); });
      var layer = cell && all.layers[table.layerOf(cell.i)], names = layer && query.held("atlasNames", layer.slug);
      if (!names) return null;
      var at = cell.i - table.starts[table.layerOf(cell.i)];
      if (names.starts) return { kinds: names.seeds[at].map(String), each: names.starts[at].map(function (packed) { return query.stem(packed, 0, names.size); }), tiles: names.starts[at].length };
      return query.strip(names, at);
    }

    var peek = self.Atlas.peeking(grid, stripOf);
    grid.addEventListener("scroll", scrolled, { passive: true });
    grid.addEventListener("focusin", function (event) {
      rows.forEach(function (row) { row.cells.forEach(function (c) { if (c.a === event.target) focused = c.place; }); });
    });
    document.addEventListener("keydown", function (event) {
      if (!event.ctrlKey && !event.metaKey && !event.altKey && pressedKey(event)) event.preventDefault();
    });
    input.addEventListener("input", changed);
    select.addEventListener("change", changed);
    new ResizeObserver(function () { layout(); }).observe(grid);
    readAddress();
    apply();
    return {
      apply: apply, draw: draw, table: table, changed: changed, focusOn: focusOn,
      filter: function () { return query.filter(input.value, table); }, order: function () { return query.order(select.value, table); },
      read: function () { readAddress(); repaint(); apply(); },
      reveal: reveal,
      mark: function () { rows.forEach(function (row) { row.cells.forEach(markOpen); }); },
    };
  }

  self.AtlasUnits = { mount: mount };
  if (document.getElementById("grid") && self.atlasColumns) {
    self.Atlas.units = mount(self.AtlasQuery.held("atlasColumns", "units"), {
      read: function () { return new URLSearchParams(location.hash.slice(1)); },
      write: function (text) { history.replaceState(null, "", location.pathname + location.search + (text && "#" + text)); },
    });
    addEventListener("hashchange", self.Atlas.units.read);
    document.body.classList.add("ready");
  }
})();
