// Plots and tables that answer: columns that sort, cells of the strip that open their unit.
(function () {
  "use strict";

  var make = self.Atlas.make, draw = self.Atlas.draw;

  // Tables whose heads name by what they sort: `number`, or `order` for the order of the page

  function sortable(table) {
    var rows = [].slice.call(table.tBodies[0].rows), heads = [].slice.call(table.tHead.rows[0].cells);
    heads.forEach(function (head, at) {
      if (!head.dataset.by) return;
      var button = make("button", { type: "button" });
      self.Atlas.labelled(head, button);
      button.addEventListener("click", function () {
        var down = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : head.dataset.by === "number";
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        rows.sort(function (a, b) { return compared(a.cells[at].dataset.value, b.cells[at].dataset.value, down); });
        table.tBodies[0].append.apply(table.tBodies[0], rows);
      });
    });
  }

  // What has no number comes last, whichever way
  function compared(a, b, down) {
    if (a === "" || b === "") return (a === "") - (b === "");
    return down ? b - a : a - b;
  }

  // The strip: from a place on it to the unit that lies there

  function strip(figure) {
    var svg = figure.querySelector("svg"), said = figure.querySelector("output"), tall = svg.viewBox.baseVal.height;
    var mark = draw("rect.cell", { width: 1, height: 1, visibility: "hidden" });
    svg.append(mark);

    function at(event) {
      var a = event.target.closest && event.target.closest("a");
      if (!a) return null;
      var box = svg.getBoundingClientRect(), left = Number(a.querySelector("rect").getAttribute("x"));
      var x = Math.floor((event.clientX - box.left) / box.width * svg.viewBox.baseVal.width), y = Math.floor((event.clientY - box.top) / box.height * tall);
      var place = (x - left) * tall + y;
      return place >= 0 && place < Number(a.dataset.n) ? { a: a, x: x, y: y, unit: self.Atlas.numberOf(a.dataset.units, place) } : null;
    }

    svg.addEventListener("pointermove", function (event) {
      var cell = at(event);
      mark.setAttribute("visibility", cell ? "visible" : "hidden");
      if (!cell) return;
      mark.setAttribute("x", cell.x);
      mark.setAttribute("y", cell.y);
      said.textContent = cell.a.querySelector("title").textContent.split(": ")[0] + " " + cell.unit;
    });
    svg.addEventListener("pointerleave", function () { mark.setAttribute("visibility", "hidden"); said.textContent = ""; });
    // A layer that has a page of its own; a place on this one is led to by its link
    svg.addEventListener("click", function (event) {
      var cell = at(event);
      if (!cell || !cell.a.getAttribute("href").endsWith(".html") || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button || !event.clientX) return;
      event.preventDefault();
      location.href = cell.a.getAttribute("href") + "#u" + cell.unit;
    });
  }

  // A stretch of a plot, drawn with the pointer, filters the grid by what lies across

  function brush(svg) {
    var data = svg.dataset, left = Number(data.left), right = Number(data.right), low = Number(data.low), high = Number(data.high);
    var band = draw("rect.brushed", { y: 0, height: svg.viewBox.baseVal.height, visibility: "hidden" }), from = null;
    svg.prepend(band);
    svg.classList.add("brushes");

    function x(event) {
      var box = svg.getBoundingClientRect();
      return Math.min(right, Math.max(left, (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width));
    }
    function value(at) { return (low + (at - left) / (right - left) * (high - low)).toFixed(2); }

    svg.addEventListener("pointerdown", function (event) {
      if (event.button || event.pointerType === "touch" || event.target.closest("a")) return;
      from = x(event);
      svg.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    svg.addEventListener("pointermove", function (event) {
      if (from === null) return;
      var to = x(event);
      band.setAttribute("x", Math.min(from, to));
      band.setAttribute("width", Math.abs(to - from));
      band.setAttribute("visibility", "visible");
    });
    svg.addEventListener("pointerup", function (event) {
      if (from === null) return;
      var to = x(event), ends = [Math.min(from, to), Math.max(from, to)], mine = new RegExp("(^|\\s)" + data.across + "(>=|<=)-?[\\d.]+", "g");
      from = null;
      var drawn = ends[1] - ends[0] > 4, terms = [];
      document.querySelectorAll(".brushed").forEach(function (other) { if (other !== band || !drawn) other.setAttribute("visibility", "hidden"); });
      if (drawn && ends[0] > left) terms.push(data.across + ">=" + value(ends[0]));
      if (drawn && ends[1] < right) terms.push(data.across + "<=" + value(ends[1]));
      self.Atlas.ask(terms.join(" "), mine);
    });
  }

  // What a dot or a thumbnail of a plot represents, next to it: the unit's tile of the grid

  var shown = make("div.peek.of-dot", { hidden: "" });

  function hide() { shown.hidden = true; }

  function pointing(svg) {
    svg.addEventListener("pointerover", function (event) {
      var a = event.target.closest("a"), tile = a && document.getElementById((a.getAttribute("href") || "").slice(1));
      var img = tile && tile.querySelector("img");
      if (!img) return hide();
      var box = a.getBoundingClientRect(), copy = img.parentNode === tile ? img.cloneNode() : img.parentNode.cloneNode(true);
      (copy.querySelector("img") || copy).removeAttribute("loading");
      shown.replaceChildren(make("figure.pointed", {}, copy, make("figcaption", {}, a.querySelector("title").textContent)));
      shown.hidden = false;
      shown.style.left = Math.max(8, Math.min(box.right + 8, innerWidth - shown.offsetWidth - 8)) + scrollX + "px";
      shown.style.top = Math.max(8, box.top - shown.offsetHeight - 6) + scrollY + "px";
    });
    svg.addEventListener("pointerleave", hide);
  }

  if (self.Atlas.ask) document.querySelectorAll("svg[data-across]").forEach(brush);
  document.body.append(shown);
  addEventListener("scroll", hide, { passive: true });
  document.querySelectorAll(".at-layer :is(.cloud, .alike-map > .scroll > svg)").forEach(pointing);
  document.querySelectorAll("[data-sortable]").forEach(sortable);
  document.querySelectorAll(".heat").forEach(strip);
})();
