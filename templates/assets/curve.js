// A curve of activation over steps with its axes, as it grows. Two that stand side by side can have one scale.
(function () {
  "use strict";

  var make = self.Atlas.make, draw = self.Atlas.draw;

  // As the unit's page has it (plots.number)
  function activation(value) {
    var size = Math.abs(value);
    if (value !== 0 && (size >= 1e5 || size < 1e-3)) return number(Number(value.toPrecision(2)));
    return String(size < 100 ? Number(value.toPrecision(3)) : Math.round(value)).replace("-", "−");
  }

  function number(value) {
    if (typeof value !== "number" || value === 0) return String(value);
    var size = Math.abs(value);
    if (size >= 1e-3 && size < 1e4) return String(Number(value.toPrecision(4)));
    return String(Number(value.toPrecision(3)).toExponential()).replace("e+", "e");
  }

  // Round numbers from `low` to `high`, three to five of them
  function ticks(low, high) {
    var reach = high - low || Math.abs(high) || 1, size = Math.pow(10, Math.floor(Math.log10(reach / 2)));
    var step = [1, 2, 5, 10].map(function (k) { return k * size; }).find(function (own) { return reach / own <= 3.5; }) || reach;
    var found = [];
    for (var k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1) found.push(Number((k * step).toPrecision(6)));
    return found;
  }

  // The values that a curve and its finished picture have, and how far it goes
  function extent(points, steps, end) {
    var values = points.map(function (p) { return p[1]; }).concat(typeof end === "number" ? [end] : []);
    if (!values.length) return null;
    return { low: Math.min.apply(null, values), high: Math.max.apply(null, values), steps: Math.max(steps, points.length ? points[points.length - 1][0] : 0, 1) };
  }

  function joined(a, b) {
    if (!a || !b) return a || b;
    return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high), steps: Math.max(a.steps, b.steps) };
  }

  // `show` draws points [step, activation] under their steps' transforms; `end` is what the finished picture itself
  // gives, a dot; `scale` is an extent; `mark` a step to be pointed at.
  function curve() {
    var grid = draw("path.grid-lines", {}), line = draw("polyline", { points: "" }), at = draw("path.at", {});
    var svg = draw("svg.curve", { viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img" }, grid, line, at);
    var dot = make("i.end", { hidden: "" }), ups = make("div.ups", { "aria-hidden": "true" }), across = make("div.across", { "aria-hidden": "true" }), now = make("p.now");
    var element = make("div.curve-place", {}, now, ups, make("div.plot", {}, svg, dot), across);

    function show(points, steps, end, scale, mark) {
      var own = scale || extent(points, steps, end) || { low: 0, high: 1, steps: Math.max(steps, 1) };
      var room = (own.high - own.low || Math.abs(own.high) || 1) * 0.06, low = own.low - room, high = own.high + room;
      function x(step) { return 100 * step / own.steps; }
      function y(value) { return 100 * (high - value) / (high - low); }
      var rows = ticks(low, high);
      ups.replaceChildren.apply(ups, rows.map(function (value) { return place(make("span", {}, number(value)), "top", y(value)); }));
      across.replaceChildren(place(make("span", {}, "0"), "left", 0), make("em", {}, "step"), place(make("span", {}, String(own.steps)), "left", 100));
      grid.setAttribute("d", rows.map(function (value) { return "M0 " + y(value).toFixed(2) + "H100"; }).join(""));
      at.setAttribute("d", mark === undefined ? "" : "M" + x(mark).toFixed(2) + " 0V100");
      line.setAttribute("points", points.map(function (p) { return x(p[0]).toFixed(2) + "," + y(p[1]).toFixed(2); }).join(" "));
      dot.hidden = typeof end !== "number";
      if (!dot.hidden) {
        place(dot, "top", y(end));
        place(dot, "left", x(points.length ? Math.min(steps, points[points.length - 1][0] + 1) : steps));
      }
      element.classList.toggle("blank", !points.length && dot.hidden);
      describe(points, end);
    }

    function describe(points, end) {
      var last = points.length - 1, said = typeof end === "number" ? "activation " + activation(end) : last < 0 ? "" : "activation " + activation(points[last][1]) + " so far";
      now.textContent = said || "activation";
      svg.setAttribute("aria-label", "Activation over steps" + (last < 0 ? "" : ", from " + number(points[0][1]) + " to " + number(points[last][1]) + " under the steps’ transforms") + (said && "; " + said));
    }

    show([], 1);
    return { element: element, show: show };
  }

  function place(element, side, percent) {
    element.style[side] = percent.toFixed(2) + "%";
    return element;
  }

  self.AtlasCurve = { make: curve, extent: extent, joined: joined, number: number };
})();
