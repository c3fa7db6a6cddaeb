// What every page can do beyond being read: theme, copying, help; and the pieces that a layer's page and the
// view of all units are made of. Everything shown comes from the page or from data files, and goes into the
// page as text, never as markup.
(function () {
  "use strict";

  var SVG = "http://www.w3.org/2000/svg";

  // make("p.note", {id: "x"}, "text", child, ...)
  function make(what, attributes) {
    var parts = what.split(".");
    return fill(document.createElement(parts[0]), parts.slice(1), attributes, [].slice.call(arguments, 2));
  }

  function draw(what, attributes) {
    var parts = what.split(".");
    return fill(document.createElementNS(SVG, parts[0]), parts.slice(1), attributes, [].slice.call(arguments, 2));
  }

  function fill(element, classes, attributes, children) {
    if (classes.length) element.setAttribute("class", classes.join(" "));
    Object.keys(attributes || {}).forEach(function (name) { element.setAttribute(name, attributes[name]); });
    children.forEach(function (child) {
      if (child !== null && child !== undefined) element.append(child);
    });
    return element;
  }

  // Theme

  function themeButton() {
    var root = document.documentElement, nav = document.querySelector(".mast nav");
    if (!nav) return;
    var button = make("button", { type: "button" });
    function dark() {
      return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    }
    function label() { button.textContent = dark() ? "Light" : "Dark"; button.title = "Use " + (dark() ? "light" : "dark") + " colours"; }
    button.addEventListener("click", function () {
      root.dataset.theme = dark() ? "light" : "dark";
      try { localStorage.setItem("atlas-theme", root.dataset.theme); } catch (error) { /* it then holds for this page */ }
      label();
    });
    label();
    nav.append(button);
  }

  // Copying

  function copyButton(label, textOf, shown) {
    var button = make("button.copy", { type: "button" }, label);
    button.addEventListener("click", function () {
      var done = function (word) {
        button.textContent = word;
        setTimeout(function () { button.textContent = label; }, 1600);
      };
      var failed = function () {
        if (shown) getSelection().selectAllChildren(shown);
        done(shown ? "Selected" : "Not allowed");
      };
      if (navigator.clipboard) navigator.clipboard.writeText(textOf()).then(function () { done("Copied"); }, failed);
      else failed();
    });
    return button;
  }

  function copyButtons(within) {
    within.querySelectorAll("[data-copy]").forEach(function (element) {
      element.after(copyButton("Copy " + element.dataset.copy, function () { return element.textContent; }, element));
    });
  }

  // What data files hold short, with its whole names: reportgen/atlas/packing.py has the same table

  var LETTERS = {
    a: "alt", b: "boxes", c: "caption", C: "channels", q: "citation", O: "counts", d: "detail", D: "dots",
    f: "facts", Q: "faint", i: "file", V: "files", F: "flags", G: "group", H: "head", h: "height", k: "kind", T: "labels", Y: "layers",
    A: "leads", o: "least", L: "lines", j: "links", l: "listed", m: "mark", K: "marks", e: "means", U: "n_units",
    p: "note", B: "numbers", P: "pictures", x: "places", g: "plot", r: "reason", M: "recipes", R: "rows", s: "sections",
    E: "seeds", z: "size", S: "starts", y: "step", I: "strips", X: "text", n: "tile", J: "tile_kinds", N: "tiles",
    t: "title", u: "unit", v: "verdict", w: "width", W: "words",
  };
  var ROWS = {
    boxes: ["style", "x", "y", "width", "height"], channels: ["name", "colours"], dots: ["style", "x", "y"],
    facts: ["label", "value", "note"], labels: ["anchor", "x", "y", "text"],
    layers: ["name", "slug", "kind", "n_units"], lines: ["style", "points"],
    links: ["slug", "unit", "sheet", "column", "row", "label", "note", "thumbnail"],
  };

  var KEYED = ["marks", "numbers", "recipes", "words"];

  function unpack(packed) {
    if (Array.isArray(packed)) return packed.map(unpack);
    if (packed === null || typeof packed !== "object") return packed;
    var found = {};
    Object.keys(packed).forEach(function (letter) {
      var name = LETTERS[letter], value = packed[letter], own = {};
      if (ROWS[name]) found[name] = value.map(function (row) { return unpackRow(row, ROWS[name]); });
      else if (KEYED.includes(name)) {
        Object.keys(value).forEach(function (key) { own[key] = unpack(value[key]); });
        found[name] = own;
      } else found[name] = unpack(value);
    });
    return found;
  }

  function unpackRow(row, names) {
    var found = {};
    names.forEach(function (name, at) { found[name] = at < row.length ? row[at] : ""; });
    return found;
  }

  // A unit's sections: the same as templates/parts.html draws

  function image(i) {
    var found = make("img" + (i.tiles ? ".k" + i.tile + ".n" + i.tiles : ""), { src: picturePath(i.file), width: i.width, height: i.height, alt: i.alt });
    found.decoding = "async";
    return found;
  }

  function tile(sheet, column, row) {
    return make("span.tile", {}, make("img.c" + column + ".r" + row, { src: sheet, alt: "" }));
  }

  // What is said of a tile by its kind: the seed of a start, or a word
  function captionOf(kind) { return /^\d+$/.test(kind) ? "start " + kind : kind; }

  // A stem is a name in the folder of pictures, or a path where it begins with a slash.
  function picturePath(stem) {
    if (stem[0] === "/") return stem + ".webp";
    return document.body.dataset.root + document.body.dataset.pictures + "/" + stem + ".webp";
  }

  var sections = {
    pics: function (s) {
      return make.apply(null, ["ul.pics.z-" + s.size, {}].concat(s.pictures.map(function (i) {
        return make("li", {}, image(i), make("span", {}, i.caption));
      })));
    },
    facts: function (s) {
      return make.apply(null, ["dl.facts", {}].concat(s.facts.map(function (fact) {
        return make("div", {}, make("dt", {}, fact.label), make("dd", {}, make("b", {}, fact.value), " ", make("span", {}, fact.note)));
      })));
    },
    units: function (s) {
      return make.apply(null, ["ul.units", {}].concat(s.links.map(function (u) {
        var label = make("span", {}, u.label), shown = null;
        if (u.thumbnail) shown = make("img", { src: picturePath(u.thumbnail), width: 64, height: 64, alt: "" });
        else if (u.sheet) shown = tile(u.sheet, u.column, u.row);
        var named = u.slug && shown ? make("a", { href: u.slug + ".html#u" + u.unit }, shown, label) : label;
        return make("li", {}, named, u.note ? " " : null, u.note ? make("b", {}, u.note) : null);
      })));
    },
    plot: function (s) {
      var g = s.plot;
      return draw.apply(null, ["svg.plot", { viewBox: "0 0 " + g.width + " " + g.height, role: "img", "aria-label": g.alt }].concat(
        (g.boxes || []).map(function (b) { return draw("rect.g-" + b.style, { x: b.x, y: b.y, width: b.width, height: b.height }); }),
        (g.lines || []).map(function (l) { return draw("polyline.g-" + l.style, { points: l.points }); }),
        (g.dots || []).map(function (d) { return draw("circle.g-" + d.style, { cx: d.x, cy: d.y, r: 5 }); }),
        (g.labels || []).map(function (t) { return draw("text", { x: t.x, y: t.y, "text-anchor": t.anchor }, t.text); })));
    },
    table: function (s) {
      var head = make.apply(null, ["tr", {}].concat(s.head.map(function (h) { return make("th", { scope: "col" }, h); })));
      var rows = s.rows.map(function (row) {
        return make.apply(null, ["tr", {}].concat(row.map(function (cell, at) {
          return at ? make("td", {}, cell) : make("th", { scope: "row" }, cell);
        })));
      });
      return make("div.scroll", { tabindex: 0, role: "region", "aria-label": s.title },
        make("table", {}, make("thead", {}, head), make.apply(null, ["tbody", {}].concat(rows))));
    },
    kernel: function (s) {
      return make.apply(null, ["ul.kernels", {}].concat(s.channels.map(function (channel) {
        var codes = channel.colours.match(/.{6}/g) || [];
        var svg = draw.apply(null, ["svg.kernel", { viewBox: "0 0 " + s.width + " " + s.height, role: "img", "aria-label": s.alt + "; " + channel.name }].concat(
          codes.map(function (code, at) {
            return draw("rect", { x: at % s.width, y: Math.floor(at / s.width), width: 1, height: 1, fill: "#" + code });
          })));
        return make("li", {}, svg, make("span", {}, channel.name));
      })));
    },
  };

  // Words that the method page explains link there; the explorer has no such page
  function section(s) {
    var page = s.means && document.querySelector("a[href$='method.html']"), means = page && make("a", { href: page.href + "#" + s.means }, "What this means");
    var note = s.note || means ? make("p.note", {}, s.note, means && " ", means || null) : null;
    return make("section.sec.k-" + s.kind, {}, make("h3", {}, s.title), note, sections[s.kind](s));
  }

  // The other pictures of a unit, below or above what the pointer or the keyboard is at, from one strip or one by one.
  // `stripOf` gives them, null where there are none, or nothing where it will call back once it knows them.

  function peeking(sheet, stripOf) {
    var shown = make("div.peek", { hidden: "" }), at = null, wait = 0;
    document.body.append(shown);

    function hide() {
      clearTimeout(wait);
      shown.hidden = true;
      at = null;
    }

    function show(cell) {
      var strip = stripOf(cell, function () { if (at === cell) show(cell); });
      if (strip === undefined) return;
      if (!strip || !(strip.file || strip.each) || strip.tiles < 2) return hide();
      var box = cell.getBoundingClientRect(), side = Math.min(96, (innerWidth - 28) / strip.tiles - 4), tiles = [];
      for (var i = 0; i < strip.tiles; i += 1) {
        var img = make("img" + (strip.each ? "" : ".k" + i + ".n" + strip.tiles), { alt: "", src: picturePath(strip.each ? strip.each[i] : strip.file), width: side, height: side });
        tiles.push(make("span", {}, img, strip.kinds && captionOf(strip.kinds[i])));
      }
      shown.replaceChildren.apply(shown, tiles);
      shown.hidden = false;
      var below = box.bottom + 4, tall = shown.offsetHeight;
      shown.style.left = Math.max(8, Math.min(box.left, innerWidth - shown.offsetWidth - 8)) + scrollX + "px";
      shown.style.top = (below + tall > innerHeight ? box.top - tall - 4 : below) + scrollY + "px";
    }

    function soon(event) {
      var cell = event.target.closest && event.target.closest("a");
      if (!cell || cell === at || !sheet.contains(cell)) return;
      clearTimeout(wait);
      at = cell;
      wait = setTimeout(function () { show(cell); }, shown.hidden ? 180 : 40);
    }

    sheet.addEventListener("pointerover", soon);
    sheet.addEventListener("focusin", soon);
    sheet.addEventListener("pointerleave", hide);
    sheet.addEventListener("focusout", hide);
    addEventListener("scroll", function () { if (!shown.hidden) hide(); }, { passive: true, capture: true });
    return { hide: hide, on: function () { return !shown.hidden; } };
  }

  // Help: the dialog that a page has, opened by its button and by ?

  function help() {
    var dialog = document.getElementById("help");
    if (!dialog) return { toggle: function () { return false; } };
    document.querySelectorAll("[data-help]").forEach(function (button) {
      button.hidden = false;
      button.addEventListener("click", function () { dialog.showModal(); });
    });
    dialog.querySelector("button").addEventListener("click", function () { dialog.close(); });
    dialog.addEventListener("click", function (event) { if (event.target === dialog) dialog.close(); });
    return { toggle: function () { if (dialog.open) dialog.close(); else dialog.showModal(); } };
  }

  themeButton();
  copyButtons(document);
  document.querySelectorAll("[data-link]").forEach(function (element) {
    element.append(copyButton("Copy link", function () { return new URL(element.dataset.link || location.hash, location.href).href; }));
  });
  self.Atlas = {
    make: make, draw: draw, unpack: unpack, section: section, copyButton: copyButton, copyButtons: copyButtons, picturePath: picturePath,
    peeking: peeking, help: help(),
  };
})();
