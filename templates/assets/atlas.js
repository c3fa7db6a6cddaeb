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

  // The name of a layer, which may be broken after a slash
  function breakable(name) {
    return name.split("/").reduce(function (found, part, at) {
      return found.concat(at ? ["/", make("wbr"), part] : [part]);
    }, []);
  }

  function draw(what, attributes) {
    var parts = what.split(".");
    return fill(document.createElementNS(SVG, parts[0]), parts.slice(1), attributes, [].slice.call(arguments, 2));
  }

  function fill(element, classes, attributes, children) {
    if (classes.length) element.setAttribute("class", classes.join(" "));
    Object.keys(attributes || {}).forEach(function (name) { element.setAttribute(name, attributes[name]); });
    children.forEach(function (child) {
      if (Array.isArray(child)) element.append.apply(element, child);
      else if (child !== null && child !== undefined) element.append(child);
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
    a: "alt", Bo: "borderline", b: "boxes", c: "caption", C: "channels", q: "citation", Cl: "class_name", Co: "counterparts", O: "counts",
    d: "detail", D: "dots", f: "facts", Q: "faint", i: "file", V: "files", Fi: "first", Fo: "folded", F: "flags", G: "group", H: "head",
    h: "height", In: "incoming", k: "kind", T: "labels", Y: "layers", A: "leads", o: "least", L: "lines", j: "links",
    l: "listed", m: "mark", K: "marks", e: "means", U: "n_units", Na: "name", Ne: "need", Nr: "need_reason", p: "note",
    B: "numbers", Ou: "outgoing", Pa: "parts", P: "pictures", x: "places", g: "plot", r: "reason", M: "recipes", R: "rows",
    s: "sections", E: "seeds", z: "size", So: "sources", S: "starts", y: "step", I: "strips", Ta: "targets", n: "tile",
    J: "tile_kinds", N: "tiles", t: "title", u: "unit", v: "verdict", w: "width", W: "words",
  };
  var ROWS = {
    boxes: ["style", "x", "y", "width", "height"],
    channels: ["name", "colours"],
    counterparts: ["version", "layer", "unit", "state", "href", "change"],
    dots: ["style", "x", "y"],
    facts: ["label", "value", "note", "means"],
    incoming: ["slug", "unit", "sheet", "column", "row", "label", "sign", "strength", "weight", "norm", "thumbnail"],
    labels: ["anchor", "x", "y", "text"],
    layers: ["name", "slug", "kind", "n_units", "short"],
    lines: ["style", "points"],
    links: ["slug", "unit", "sheet", "column", "row", "label", "note", "thumbnail"],
    outgoing: ["slug", "unit", "sheet", "column", "row", "label", "sign", "strength", "weight", "norm", "thumbnail"],
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

  // Pictures

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

  // The words of `box` become the label of a button in it. Those that open a meaning stay behind it, as question marks.

  function labelled(box, button) {
    var terms = [].slice.call(box.querySelectorAll(".term"));
    terms.forEach(function (term) {
      term.before(term.textContent);
      term.setAttribute("aria-label", "What does “" + term.textContent + "” mean?");
      term.textContent = "?";
      term.classList.add("aside");
    });
    button.append.apply(button, [].slice.call(box.childNodes).filter(function (node) { return !terms.includes(node); }));
    terms.forEach(function (term) { term.remove(); });
    box.append.apply(box, [button].concat(terms));
  }

  // A unit by chance: a button says where units are, as `address runs` with {} for the number, parted by |

  function numberOf(listed, at) {
    if (!listed) return at;
    var runs = listed.split(" ");
    for (var i = 0; i < runs.length; i += 1) {
      var ends = runs[i].split("-").map(Number), n = (ends.length > 1 ? ends[1] : ends[0]) - ends[0] + 1;
      if (at < n) return ends[0] + at;
      at -= n;
    }
    return NaN;
  }

  function countOf(listed) {
    return listed.split(" ").reduce(function (n, run) { var ends = run.split("-"); return n + (ends.length > 1 ? ends[1] - ends[0] : 0) + 1; }, 0);
  }

  function randomUnit(button) {
    var groups = button.dataset.random.split("|").map(function (text) {
      var at = text.indexOf(" ");
      return { address: text.slice(0, at), listed: text.slice(at + 1), n: countOf(text.slice(at + 1)) };
    });
    var left = Math.floor(Math.random() * groups.reduce(function (n, group) { return n + group.n; }, 0));
    var group = groups.find(function (each) { left -= each.n; return left < 0; });
    location.href = group.address.replace("{}", numberOf(group.listed, left + group.n)) + (self.Atlas.place ? self.Atlas.place() : "");
  }

  document.querySelectorAll("[data-random]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { randomUnit(button); });
  });
  themeButton();
  copyButtons(document);
  document.querySelectorAll("[data-link]").forEach(function (element) {
    element.append(copyButton("Copy link", function () { return new URL(element.dataset.link || location.hash, location.href).href; }));
  });
  self.Atlas = {
    make: make, breakable: breakable, draw: draw, unpack: unpack, image: image, tile: tile, numberOf: numberOf, copyButton: copyButton, copyButtons: copyButtons, picturePath: picturePath,
    peeking: peeking, labelled: labelled, help: help(),
  };
})();
