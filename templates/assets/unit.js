// A unit: its first screen, its parts and sections, drawn from the same values as templates/parts.html draws them from;
// and the place on its page, which is kept from unit to unit.
(function () {
  "use strict";

  var make = self.Atlas.make, draw = self.Atlas.draw, image = self.Atlas.image, tile = self.Atlas.tile, breakable = self.Atlas.breakable;

  // A list of things, each made by `each`
  function all(what, attributes, list, each) {
    var found = make(what, attributes);
    found.append.apply(found, (list || []).map(each));
    return found;
  }

  // A technical word, which opens its meaning where the page has one
  function term(key, text) {
    if (!key || !document.getElementById("t-" + key)) return text;
    return make("button.term", { type: "button", popovertarget: "t-" + key }, text);
  }

  function linked(u, label) {
    var shown = null;
    if (u.thumbnail) shown = make("img", { src: self.Atlas.picturePath(u.thumbnail), width: 64, height: 64, alt: "" });
    else if (u.sheet) shown = tile(u.sheet, u.column, u.row);
    return u.slug && shown ? make("a", { href: u.slug + ".html#u" + u.unit }, shown, label) : label;
  }

  function edges(list, way, said) {
    var listed = all("ul." + way, { "aria-label": said }, list, function (e) {
      return make("li", {}, linked(e, make("span", {}, breakable(e.label))), " ", make("b", {}, e.weight + (e.sign === "±" ? " ±" : "")),
        e.norm ? " " : null, e.norm ? make("small", {}, e.norm) : null);
    });
    var svg = draw("svg." + way, { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" });
    list.forEach(function (e, at) {
      var y = ((at + 0.5) * 100 / list.length).toFixed(1), kind = { "+": "plus", "−": "minus" }[e.sign] || "both";
      svg.append(draw("path.w" + e.strength + "." + kind, { d: way === "in" ? "M0 " + y + "C50 " + y + " 50 50 100 50" : "M0 50C50 50 50 " + y + " 100 " + y }));
    });
    return [listed, svg];
  }

  var sections = {
    pics: function (s) {
      return all("ul.pics.z-" + s.size, {}, s.pictures, function (i) { return make("li", {}, image(i), make("span", {}, i.caption)); });
    },
    facts: function (s) {
      return all("dl.facts", {}, s.facts, function (fact) {
        return make("div", {}, make("dt", {}, term(fact.means, fact.label)), make("dd", {}, make("b", {}, fact.value), " ", make("span", {}, fact.note)));
      });
    },
    units: function (s) {
      return all("ul.units", {}, s.links, function (u) {
        return make("li", {}, linked(u, make("span", {}, u.label)), u.note ? " " : null, u.note ? make("b", {}, u.note) : null);
      });
    },
    flow: function (s) {
      var own = s.pictures[0], found = make("div.flow");
      if (s.incoming.length) found.append(make("p.in", {}, breakable("Fed by " + (s.sources || ""))));
      if (s.incoming.length) found.append.apply(found, edges(s.incoming, "in", "Fed by " + (s.sources || "")));
      found.append(make("figure", {}, own ? image(own) : null, make("figcaption", {}, own ? own.caption : "this unit")));
      if (s.outgoing.length) found.append(make("p.out", {}, breakable("Feeds " + (s.targets || ""))));
      if (s.outgoing.length) found.append.apply(found, edges(s.outgoing, "out", "Feeds " + (s.targets || "")));
      return found;
    },
    versions: function (s) {
      return all("ul.versions-of", {}, s.counterparts, function (c) {
        return make("li", {}, make("b", {}, c.version), " ", c.href && make("a", { href: c.href }, c.layer + " " + c.unit), c.href && " ",
          make("a", { href: c.change }, c.state));
      });
    },
    plot: function (s) {
      var g = s.plot, svg = draw("svg.plot", { viewBox: "0 0 " + g.width + " " + g.height, role: "img", "aria-label": g.alt });
      (g.boxes || []).forEach(function (b) { svg.append(draw("rect.g-" + b.style, { x: b.x, y: b.y, width: b.width, height: b.height })); });
      (g.lines || []).forEach(function (l) { svg.append(draw("polyline.g-" + l.style, { points: l.points })); });
      (g.dots || []).forEach(function (d) { svg.append(draw("circle.g-" + d.style, { cx: d.x, cy: d.y, r: 5 })); });
      (g.labels || []).forEach(function (t) { svg.append(draw("text", { x: t.x, y: t.y, "text-anchor": t.anchor }, t.text)); });
      return svg;
    },
    table: function (s) {
      var head = all("tr", {}, s.head, function (h) { return make("th", { scope: "col" }, h); });
      var rows = all("tbody", {}, s.rows, function (row) {
        return all("tr", {}, row, function (cell, at) { return at ? make("td", {}, cell) : make("th", { scope: "row" }, cell); });
      });
      return make("div.scroll", { tabindex: 0, role: "region", "aria-label": s.title }, make("table", {}, make("thead", {}, head), rows));
    },
    kernel: function (s) {
      return all("ul.kernels", {}, s.channels, function (channel) {
        var svg = draw("svg.kernel", { viewBox: "0 0 " + s.width + " " + s.height, role: "img", "aria-label": s.alt + "; " + channel.name });
        (channel.colours.match(/.{6}/g) || []).forEach(function (code, at) {
          svg.append(draw("rect", { x: at % s.width, y: Math.floor(at / s.width), width: 1, height: 1, fill: "#" + code }));
        });
        return make("li", {}, svg, make("span", {}, channel.name));
      });
    },
  };

  function section(s, level) {
    return make("section.sec.k-" + s.kind, {}, make("h" + level, {}, term(s.means, s.title)), s.note ? make("p.note", {}, s.note) : null, sections[s.kind](s));
  }

  function drawn(list, level) { return list.map(function (s) { return section(s, level); }); }

  // What stands first of a unit: the verdict and its reason, whether it is needed, pictures
  function head(view) {
    return [
      make("p.verdict." + view.mark, {}, make("i"), make("b", {}, term("v-" + view.mark, view.verdict || "not scored")),
        view.detail ? ", " + view.detail : null, view.borderline ? ", " : null, view.borderline ? term("borderline", "borderline") : null),
      make("p.reason", {}, view.reason),
      make("p.needed", {}, make("b", {}, term("superfluous", view.need)), view.need_reason ? " " + view.need_reason : null),
    ];
  }

  function top(view, level) {
    var pictures = view.first.filter(function (s) { return s.kind === "pics"; }), others = view.first.filter(function (s) { return s.kind !== "pics"; });
    var shown = make("div.shown");
    shown.append.apply(shown, drawn(pictures, level));
    return make.apply(null, ["div.unit-top", {}, all("div.said", {}, head(view), function (x) { return x; }), shown].concat(drawn(others, level)));
  }

  function parts(view, level) {
    return view.parts.map(function (part) {
      var listed = make("div.sections", { "data-part": part.name }), heading = make("h" + level, {}, part.title);
      listed.append.apply(listed, drawn(part.sections, level + 1));
      return part.folded ? make("details.part", {}, make("summary", {}, heading), listed) : make("div.part", {}, heading, listed);
    });
  }

  // Links to the parts; `address` gives that of each
  function jump(view, address) {
    return all("nav.jump", { "aria-label": "Parts of this unit" }, view.parts, function (part) {
      return make("a", { href: address(part.name), "data-to": part.name }, part.title);
    });
  }

  function nameOf(part) { return part.lastElementChild.dataset.part || part.lastElementChild.id; }

  // The name of the part that one reads within `within`; empty above the first, where the bar does not stick yet
  function placeIn(within) {
    var bar = within.querySelector(".jump"), found = "";
    if (!bar) return found;
    var box = bar.getBoundingClientRect(), start = within === document.querySelector("main") ? 0 : within.getBoundingClientRect().top;
    if (box.top - start - parseFloat(getComputedStyle(bar).top) < 2) {
      within.querySelectorAll(".part").forEach(function (part) { if (part.getBoundingClientRect().top <= box.bottom + 64) found = nameOf(part); });
    }
    within.querySelectorAll(".jump a").forEach(function (a) {
      var to = a.dataset.to || a.hash.slice(1);
      if (to === (found || "main")) a.setAttribute("aria-current", "true"); else a.removeAttribute("aria-current");
    });
    return found;
  }

  function goTo(within, name) {
    var part = [].slice.call(within.querySelectorAll(".part")).find(function (each) { return nameOf(each) === name; });
    if (part && part.tagName === "DETAILS") part.open = true;
    if (part) part.scrollIntoView({ behavior: "instant" });
    return Boolean(part);
  }

  // A unit's own page: the next unit opens at the same part

  function ownPage() {
    var main = document.querySelector("main"), waiting = false;
    function place() {
      var name = scrollY > 0 ? placeIn(main) : "";
      return name ? "#" + name : "";
    }
    self.Atlas.place = place;
    document.querySelectorAll(".around a").forEach(function (a) {
      a.addEventListener("click", function () { a.hash = place(); });
    });
    document.addEventListener("keydown", function (event) {
      if (event.target !== document.body || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      var a = document.querySelector(".around a[rel=" + ({ ArrowLeft: "prev", ArrowRight: "next" }[event.key] || "none") + "]");
      if (a) { event.preventDefault(); a.click(); }
    });
    addEventListener("scroll", function () {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(function () { waiting = false; placeIn(main); });
    }, { passive: true });
    if (location.hash) goTo(main, location.hash.slice(1));
    addEventListener("hashchange", function () { goTo(main, location.hash.slice(1)); });
    placeIn(main);
  }

  self.Atlas.unit = { top: top, head: head, first: function (view, level) { return drawn(view.first, level); }, parts: parts, jump: jump, placeIn: placeIn, goTo: goTo };
  if (document.body.classList.contains("at-unit")) ownPage();
})();
