// The wall: how large a unit is, and which one the pointer or the keyboard is at.
(function () {
  "use strict";

  // How many full rows of sixteen fit the width, from the largest units to the smallest
  var LEVELS = [0.25, 0.5, 1, 2, 3, 4, 6, 8], ACROSS = 16, make = self.Atlas.make, recipe = self.Atlas.recipe, body = document.body;
  var wall = document.querySelector(".wall"), tools = document.querySelector("[data-zoom]");
  var rows = wall.firstElementChild, words = {}, marks = self.atlasMarks.wall, sheets = [].slice.call(rows.querySelectorAll("a[data-first]"));
  var frame = make("div.spot", { hidden: "" }), label = make("div.peek", { hidden: "", role: "status" });

  function zoom(by) {
    var level = LEVELS.indexOf(Number(getComputedStyle(rows).getPropertyValue("--k")));
    rows.style.setProperty("--k", LEVELS[Math.max(0, Math.min(LEVELS.length - 1, level - by))]);
    if (sheets.length) tools.querySelector("output").textContent = Math.round(measured(sheets[0]).side) + " px a unit";
    hide();
  }

  // The verdict's mark of the unit in place `k` of a sheet; nothing where there is no unit
  function mark(a, k) {
    var found = marks[sheets.indexOf(a)].charAt(k);
    return found === "-" ? "" : found;
  }

  function pictured() {
    sheets.forEach(function (a) {
      var img = a.firstElementChild, src = img.getAttribute("src").replace(/\/\w+-(\d+\.webp)$/, "/" + recipe.stem() + "-$1");
      if (img.getAttribute("src") !== src) img.src = src;
    });
  }

  function chosen() {
    var words = recipe.text();
    history.replaceState(null, "", location.pathname + location.search + (words && "#" + words));
    pictured();
  }

  function hide() { frame.hidden = label.hidden = true; }

  // Where a link's units begin, and how wide one is
  function measured(a) {
    var box = a.getBoundingClientRect();
    return { left: box.left, top: box.top, side: box.width / (Number(getComputedStyle(a).getPropertyValue("--across")) || ACROSS) };
  }

  // Be at the unit in place `k` of the sheet that `a` shows; where there is none, at the layer.
  function spot(a, k) {
    var there = mark(a, k), box = measured(a), side = box.side;
    a.hash = there ? "#u" + (Number(a.dataset.first) + k) : "";
    if (!there) return hide();
    a.dataset.at = k;
    var left = box.left + side * (k % ACROSS), top = box.top + side * Math.floor(k / ACROSS);
    label.textContent = a.closest("figure").querySelector("figcaption a").title + " unit " + (Number(a.dataset.first) + k) + ": " + words[there];
    frame.hidden = label.hidden = false;
    frame.style.width = frame.style.height = side + "px";
    put(frame, left, top);
    var below = top + side + 6;
    put(label, Math.max(8, Math.min(left, innerWidth - label.offsetWidth - 16)), below + label.offsetHeight > innerHeight ? top - label.offsetHeight - 6 : below);
  }

  function put(box, left, top) {
    box.style.left = left + scrollX + "px";
    box.style.top = top + scrollY + "px";
  }

  function pointed(event) {
    var a = event.target.closest("a[data-first]");
    if (!a) return hide();
    var box = measured(a), side = box.side;
    spot(a, Math.floor((event.clientY - box.top) / side) * ACROSS + Math.floor((event.clientX - box.left) / side));
  }

  function moved(event) {
    var a = event.target.closest("a[data-first]"), at = a && Number(a.dataset.at || 0);
    var apart = a && a.closest(".apart"), places = apart ? [].slice.call(apart.children) : [], here = apart ? places.indexOf(a) : at, n = apart ? places.length : a && a.dataset.n;
    var by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -ACROSS, ArrowDown: ACROSS, Home: -here, End: n - 1 - here }[event.key];
    if (event.key === "+" || event.key === "=") zoom(1);
    else if (event.key === "-") zoom(-1);
    else if (event.key === "Escape") hide();
    else if (recipe.pressed(event.key, chosen)) event.preventDefault();
    else if (a && by !== undefined) {
      event.preventDefault();
      if (here + by < 0 || here + by >= n) return;
      if (apart) places[here + by].focus(); else spot(a, at + by);
    }
  }

  document.querySelectorAll("[data-mark]").forEach(function (li) { words[li.dataset.mark] = li.dataset.verdict; });
  wall.querySelectorAll(".apart a + a").forEach(function (a) { a.tabIndex = -1; });
  tools.hidden = false;
  tools.prepend.apply(tools, recipe.mount(chosen, true));
  pictured();
  tools.querySelectorAll("button").forEach(function (b) { b.addEventListener("click", function () { zoom(Number(b.dataset.zoomBy)); }); });
  body.append(frame, label);
  body.addEventListener("keydown", function (event) { if (!event.ctrlKey && !event.metaKey && !event.altKey) moved(event); });
  wall.addEventListener("pointermove", pointed);
  wall.addEventListener("pointerleave", hide);
  wall.addEventListener("click", function (event) { if (event.detail) pointed(event); });
  wall.addEventListener("focusin", function (event) {
    var a = event.target.closest("a[data-first]");
    if (a && a.matches(":focus-visible")) spot(a, Number(a.dataset.at || 0)); else hide();
  });
  wall.addEventListener("focusout", hide);
  addEventListener("scroll", hide, { passive: true, capture: true });
  wall.tabIndex = 0;
})();
