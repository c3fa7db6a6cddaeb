// What a page can do beyond being read: theme, copying, and on a layer's page the filter, the keyboard
// and the panel of a unit. Everything it shows comes from the page or from the layer's data files, and
// goes into the page as text, never as markup.
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

  // A unit's sections: the same as templates/parts.html draws

  function picturePath(stem) {
    return document.body.dataset.root + document.body.dataset.pictures + "/" + stem + ".webp";
  }

  var sections = {
    pics: function (s) {
      return make.apply(null, ["ul.pics.z-" + s.z, {}].concat(s.i.map(function (i) {
        return make("li", {}, make("img", { src: picturePath(i.s), width: i.w, height: i.h, alt: i.a }), make("span", {}, i.c));
      })));
    },
    facts: function (s) {
      return make.apply(null, ["dl.facts", {}].concat(s.i.map(function (row) {
        return make("div", {}, make("dt", {}, row[0]), make("dd", {}, make("b", {}, row[1]), " ", make("span", {}, row[2])));
      })));
    },
    units: function (s) {
      return make.apply(null, ["ul.units", {}].concat(s.i.map(function (i) {
        var label = make("span", {}, i[3]);
        var named = i[0] && i[2]
          ? make("a", { href: i[0] + ".html#u" + i[1] }, make("img", { src: picturePath(i[2]), width: 64, height: 64, alt: "" }), label)
          : label;
        return make("li", {}, named, i[4] ? " " : null, i[4] ? make("b", {}, i[4]) : null);
      })));
    },
    plot: function (s) {
      var g = s.g;
      return draw.apply(null, ["svg.plot", { viewBox: "0 0 " + g.w + " " + g.h, role: "img", "aria-label": g.a }].concat(
        g.S.map(function (b) { return draw("rect.g-" + b[0], { x: b[1], y: b[2], width: b[3], height: b[4] }); }),
        g.L.map(function (l) { return draw("polyline.g-" + l[0], { points: l[1] }); }),
        g.D.map(function (d) { return draw("circle.g-" + d[0], { cx: d[1], cy: d[2], r: 5 }); }),
        g.T.map(function (t) { return draw("text", { x: t[1], y: t[2], "text-anchor": t[0] }, t[3]); })));
    },
    table: function (s) {
      var head = make.apply(null, ["tr", {}].concat(s.h.map(function (h) { return make("th", { scope: "col" }, h); })));
      var rows = s.i.map(function (row) {
        return make.apply(null, ["tr", {}].concat(row.map(function (cell, at) {
          return at ? make("td", {}, cell) : make("th", { scope: "row" }, cell);
        })));
      });
      return make("div.scroll", { tabindex: 0, role: "region", "aria-label": s.t },
        make("table", {}, make("thead", {}, head), make.apply(null, ["tbody", {}].concat(rows))));
    },
    kernel: function (s) {
      return make.apply(null, ["ul.kernels", {}].concat(s.i.map(function (tile) {
        var codes = tile[1].match(/.{6}/g) || [];
        var svg = draw.apply(null, ["svg.kernel", { viewBox: "0 0 " + s.w + " " + s.h, role: "img", "aria-label": s.a + "; " + tile[0] }].concat(
          codes.map(function (code, at) {
            return draw("rect", { x: at % s.w, y: Math.floor(at / s.w), width: 1, height: 1, fill: "#" + code });
          })));
        return make("li", {}, svg, make("span", {}, tile[0]));
      })));
    },
  };

  function section(s) {
    return make("section.sec.k-" + s.k, {}, make("h3", {}, s.t), s.p === undefined ? null : make("p.note", {}, s.p), sections[s.k](s));
  }

  // A layer's page

  function layerPage() {
    var body = document.body, sheet = document.querySelector(".sheet"), panel = document.getElementById("panel");
    var cells = [].slice.call(sheet.querySelectorAll("a")).map(function (a) {
      return {
        a: a, unit: Number(a.id.slice(1)), verdict: a.lastChild.textContent.replace("?", ""),
        borderline: a.lastChild.textContent.endsWith("?"), score: Number(a.querySelector("b").textContent.replace("−", "-")),
      };
    });
    var byUnit = new Map(cells.map(function (c) { return [c.unit, c]; }));
    var order = cells.slice(), visible = cells.slice(), pressed = new Set(), open = null;

    // Filter and order

    var input = make("input", { type: "text", id: "filter", placeholder: "structured  >3  17", autocomplete: "off", spellcheck: "false" });
    var select = make("select", {},
      make("option", { value: "unit" }, "unit"), make("option", { value: "most" }, "most structure"),
      make("option", { value: "least" }, "least structure"), make("option", { value: "verdict" }, "verdict"));
    var count = make("output", { role: "status" });

    function matches(cell, words) {
      if (pressed.size && !pressed.has(cell.verdict)) return false;
      return words.every(function (word) {
        var bound = /^([<>])=?(-?[\d.]+)$/.exec(word);
        if (bound) return bound[1] === ">" ? cell.score >= Number(bound[2]) : cell.score <= Number(bound[2]);
        if (/^#?u?\d+$/.test(word)) return cell.unit === Number(word.replace(/\D/g, ""));
        if (word === "borderline" || word === "?") return cell.borderline;
        return cell.verdict.includes(word);
      });
    }

    function apply() {
      var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      visible = order.filter(function (cell) {
        var hit = matches(cell, words);
        cell.a.hidden = !hit;
        return hit;
      });
      count.textContent = visible.length === cells.length ? cells.length + " units" : visible.length + " of " + cells.length + " units";
      rove(visible[0] && visible.indexOf(byUnit.get(open)) < 0 ? visible[0] : byUnit.get(open) || visible[0]);
    }

    function sort() {
      var by = {
        unit: function (a, b) { return a.unit - b.unit; },
        most: function (a, b) { return value(b) - value(a) || a.unit - b.unit; },
        least: function (a, b) { return (isNaN(a.score) - isNaN(b.score)) || a.score - b.score || a.unit - b.unit; },
        verdict: function (a, b) { return a.verdict.localeCompare(b.verdict) || a.unit - b.unit; },
      };
      function value(cell) { return isNaN(cell.score) ? -Infinity : cell.score; }
      order = cells.slice().sort(by[select.value]);
      sheet.append.apply(sheet, order.map(function (c) { return c.a; }));
      apply();
    }

    // One stop in the order of Tab for the whole sheet; arrows move within it.
    function rove(cell) {
      cells.forEach(function (c) { c.a.tabIndex = c === cell ? 0 : -1; });
    }

    document.querySelectorAll(".key li").forEach(function (li) {
      var button = make("button", { type: "button", "aria-pressed": "false" });
      button.append.apply(button, [].slice.call(li.childNodes));
      button.addEventListener("click", function () {
        var on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", on);
        pressed[on ? "add" : "delete"](li.dataset.verdict);
        apply();
      });
      li.append(button);
    });
    sheet.before(make("div.tools", {}, make("label", {}, "Filter", input), make("label", {}, "Order", select), count));
    input.addEventListener("input", apply);
    select.addEventListener("change", sort);

    // The panel

    var parts = body.dataset.parts.split(" "), views = new Map(), asked = new Map();
    self.atlasUnits = self.atlasUnits || [];

    function load(unit, then) {
      var at = 0;
      for (var i = 0; i < parts.length; i += 2) if (Number(parts[i + 1]) <= unit) at = i;
      var name = parts[at];
      if (views.has(unit)) return then(views.get(unit));
      if (!asked.has(name)) {
        asked.set(name, new Promise(function (resolve, reject) {
          var script = make("script", { src: name });
          script.onload = function () {
            self.atlasUnits.splice(0).forEach(function (list) { list.forEach(function (v) { views.set(v.u, v); }); });
            resolve();
          };
          script.onerror = reject;
          document.head.append(script);
        }));
      }
      asked.get(name).then(function () { then(views.get(unit)); }, function () { then(null); });
    }

    function show(unit, focus) {
      var cell = byUnit.get(unit);
      if (!cell) return;
      if (byUnit.has(open)) byUnit.get(open).a.classList.remove("here");
      open = unit;
      cell.a.classList.add("here");
      rove(cell);
      load(unit, function (view) {
        if (open !== unit) return;
        panel.replaceChildren.apply(panel, view ? content(view) : [tools(unit), make("p", {}, "The data of this unit could not be read.")]);
        panel.hidden = false;
        panel.scrollTop = 0;
        panel.setAttribute("aria-label", "Unit " + unit);
        body.classList.add("open");
        cell.a.scrollIntoView({ block: "nearest" });
        if (focus) panel.focus({ preventScroll: true });
      });
    }

    function close() {
      if (open === null) return;
      var cell = byUnit.get(open);
      panel.hidden = true;
      open = null;
      body.classList.remove("open");
      cell.a.classList.remove("here");
      history.replaceState(null, "", location.pathname + location.search);
      cell.a.focus();
    }

    function tools(unit) {
      var shut = make("button.copy.close", { type: "button" }, "Close");
      shut.addEventListener("click", close);
      var own = "ownPages" in body.dataset ? make("a", { href: body.dataset.slug + "/" + unit + ".html" }, "Own page") : null;
      return make("div.panel-tools", {}, step(-1, "Before"), step(1, "Next"), copyButton("Copy link", function () { return location.href; }), own, shut);
    }

    function step(by, label) {
      var button = make("button.copy", { type: "button" }, label);
      button.addEventListener("click", function () { move(by, true); });
      return button;
    }

    function content(view) {
      var cite = make("p.cite", { "data-copy": "citation" }, view.c);
      var last = make("section.sec.k-cite", {}, make("h3", {}, "To cite"), cite);
      copyButtons(last);
      return [
        tools(view.u), make("h2", {}, "Unit " + view.u),
        make("p.verdict." + view.m, {}, make("i"), make("b", {}, view.v || "not scored"), view.d ? ", " + view.d : null),
        make("p.reason", {}, view.r),
      ].concat(view.s.map(section), [last]);
    }

    function follow(focus) {
      var found = /^#u(\d+)$/.exec(location.hash);
      if (found) show(Number(found[1]), focus);
      else if (open !== null) close();
    }

    sheet.addEventListener("click", function (event) {
      var a = event.target.closest("a");
      if (!a || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button) return;
      event.preventDefault();
      if (location.hash === "#" + a.id) show(Number(a.id.slice(1)), true);
      else location.hash = a.id;
    });
    addEventListener("hashchange", function () { follow(true); });

    // Keyboard

    function columns() {
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
        history.replaceState(null, "", "#u" + next.unit);
        show(next.unit, inPanel);
      } else {
        rove(next);
        next.a.focus();
      }
    }

    document.addEventListener("keydown", function (event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      var typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
      if (event.key === "Escape") {
        if (typing) { input.value = ""; apply(); (byUnit.get(open) || visible[0] || cells[0]).a.focus(); } else close();
      } else if (typing) {
        return;
      } else if (event.key === "/") {
        input.focus();
        input.select();
      } else if (event.key === "[" || event.key === "]") {
        var link = document.querySelector("a[rel=" + (event.key === "[" ? "prev" : "next") + "]");
        if (link) link.click();
      } else {
        var by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns() }[event.key];
        var inside = sheet.contains(event.target) || event.target === panel;
        if (!by || !(inside || (event.target === document.body && open !== null))) return;
        move(by, panel.contains(document.activeElement));
      }
      event.preventDefault();
    });

    apply();
    follow(true);
  }

  themeButton();
  copyButtons(document);
  if (document.body.classList.contains("at-layer")) layerPage();
})();
