// The bench: an easel for what is being rendered and one for what is kept beside it, and the strip of a sweep. The
// server says what is asked for and how it stands; nothing is computed here.
(function () {
  "use strict";

  var make = self.Atlas.make, draw = self.Atlas.draw;
  var POLL_MS = 120, CALM_MS = 1000;

  function number(value) {
    if (typeof value !== "number" || value === 0) return String(value);
    var size = Math.abs(value), power = Math.log10(size);
    if (size >= 1e-3 && size < 1e4) return String(Number(value.toPrecision(4)));
    return value.toExponential(power === Math.round(power) ? 0 : 2);
  }

  // A curve of activation over steps, as it grows

  function curve() {
    var line = draw("polyline", { points: "" }), now = make("span.now");
    var svg = draw("svg.curve", { viewBox: "0 0 200 48", preserveAspectRatio: "none", role: "img", "aria-label": "Activation over steps" }, line);

    // Points are under the transforms of their steps; `end` is what the finished picture itself gives
    function show(points, steps, end) {
      var values = points.map(function (p) { return p[1]; }), last = points.length - 1;
      var low = Math.min.apply(null, values), high = Math.max.apply(null, values), reach = last < 0 ? 1 : Math.max(steps, points[last][0], 1);
      line.setAttribute("points", points.map(function (p) {
        return (200 * p[0] / reach).toFixed(1) + "," + (46 - 44 * (high > low ? (p[1] - low) / (high - low) : 0.5)).toFixed(1);
      }).join(" "));
      var told = typeof end === "number" ? "activation " + number(end) : last < 0 ? "" : "activation " + number(values[last]) + " so far";
      now.textContent = told;
      svg.setAttribute("aria-label", "Activation over steps" + (last < 0 ? "" : ", from " + number(values[0]) + " to " + number(values[last]) + (told && "; " + told)));
    }
    return { element: make("div.curve-place", {}, svg, now), show: show };
  }

  // An easel: a picture, its curve, and how it stands

  function easelParts(name, title, hint) {
    var parts = {
      img: make("img", { alt: "", width: 240, height: 240, hidden: "" }), empty: make("p.empty", {}, hint),
      bar: make("progress", { max: 1, value: 0, hidden: "", "aria-label": "Steps, " + title }),
      state: make("output.state", { role: "status" }), steps: make("span.steps"), what: make("p.what"),
      take: make("button.copy", { type: "button", hidden: "" }, "Take these settings"), line: curve(),
    };
    parts.element = make("figure.easel", { id: name, "aria-label": title },
      make("div.frame", {}, parts.img, parts.empty), parts.bar, parts.line.element,
      make("figcaption", {}, parts.state, parts.steps, parts.what, parts.take));
    return parts;
  }

  function easel(name, title, hint) {
    var parts = easelParts(name, title, hint), refreshes = 0, began = 0, shown = 0;
    var own = { element: parts.element, take: parts.take, form: null, made: null, ticket: null, key: "", words: "", told: null };

    function picture(src, alt) {
      parts.img.src = src;
      parts.img.alt = alt;
      parts.img.hidden = false;
      parts.empty.hidden = true;
    }

    // The atlas's own picture and the form that would ask for it, or nothing where there is none
    own.atlas = function (key, words, made) {
      Object.assign(own, { form: null, made: made || null, ticket: null, key: key, words: words, told: null });
      parts.take.hidden = true;
      parts.bar.hidden = true;
      parts.line.show([], 1);
      parts.steps.textContent = "";
      parts.what.textContent = "";
      parts.state.textContent = key ? "As in the atlas" : "";
      own.element.dataset.state = "";
      if (key) return picture("/img/" + key + ".webp", words);
      parts.img.hidden = true;
      parts.empty.hidden = false;
    };

    // What another easel shows, as it is now
    own.keep = function (other) {
      own.atlas(other.key, other.words, other.made);
      if (!other.form) return;
      own.form = other.form;
      parts.take.hidden = false;
      parts.state.textContent = "Kept";
      if (other.told) parts.line.show(other.told.curve, other.told.steps, other.told.activation);
    };

    own.begin = function (answer) {
      Object.assign(own, { form: answer.form, made: answer.form, ticket: answer.tickets[0], words: answer.words, key: "", told: null });
      refreshes = 0;
      shown = 0;
      began = performance.now();
      parts.take.hidden = false;
      parts.bar.hidden = false;
      parts.bar.removeAttribute("value");
      parts.state.textContent = "Asked";
      parts.steps.textContent = "";
      own.element.dataset.refreshes = 0;
      own.element.dataset.state = "waiting";  // What it shows is of before.
    };

    own.differs = function (text) { parts.what.textContent = text; };

    own.show = function (told) {
      var says = stateWords(told, refreshes);
      own.told = told;
      own.element.dataset.state = told.state;
      if (parts.state.textContent !== says[0]) parts.state.textContent = says[0];
      parts.steps.textContent = says[1];
      if (told.steps) { parts.bar.max = told.steps; parts.bar.value = told.step; }
      parts.line.show(told.curve, told.steps, told.activation);
      if (told.preview && told.preview !== shown) refresh(told.preview);
      if (!told.ended) return;
      parts.bar.hidden = true;
      if (told.state !== "done" || !told.key) return;
      own.key = told.key;
      picture("/img/" + told.key + ".webp", own.words);
    };

    function refresh(n) {
      shown = n;
      refreshes += 1;
      if (refreshes === 1) own.element.dataset.firstMs = Math.round(performance.now() - began);
      own.element.dataset.refreshes = refreshes;
      picture("/progress/" + own.ticket.id + "/" + n + ".webp", own.words + ", as it is being rendered");
    }
    return own;
  }

  function stateWords(told, refreshes) {
    var seconds = told.seconds.toFixed(1) + " s";
    if (told.state === "waiting") return [told.place ? "Waiting, " + told.place + " before it" : "Next in turn", ""];
    if (told.state === "gone") return ["The explorer is gone; trying again", ""];
    if (told.state === "starting") return ["Getting ready", seconds];
    if (told.state === "rendering") return ["Rendering", "step " + told.step + " of " + told.steps + ", " + seconds];
    if (told.state === "done") return ["Done", told.message ? seconds + "; " + told.message : refreshes ? seconds : "from the store"];
    if (told.state === "failed") return ["Failed: " + told.message, ""];
    return [told.state === "replaced" ? "Replaced by a newer one" : "Cancelled", told.message || (told.step ? "at step " + told.step : "")];
  }

  // What is being rendered: asked after together, only while something is. `running` is told which requests are.

  function told(state, message) {
    return { state: state, ended: state === "failed", message: message, place: 0, curve: [], steps: 0, step: 0, seconds: 0, n: 0 };
  }

  function watcher(running) {
    var open = new Map(), timer = 0, asking = false, troubled = false;

    function receive(answers) {
      open.forEach(function (show, id) {
        var own = answers[id] || told("failed", "the explorer does not know this request any more");
        show(own);
        if (own.ended) open.delete(id);
      });
      running(Array.from(open.keys()));
    }

    function tick() {
      timer = 0;
      if (!open.size || asking) return;
      asking = true;
      fetch("/progress.json?of=" + Array.from(open.keys()).join(",")).then(function (answer) {
        if (!answer.ok) throw new Error("answered " + answer.status);
        return answer.json();
      }).then(function (answers) {
        troubled = false;
        receive(answers);
      }).catch(function () {
        troubled = true;
        open.forEach(function (show) { show(told("gone", "")); });
      }).finally(function () {
        asking = false;
        document.body.classList.toggle("troubled", troubled);
        if (open.size) timer = timer || setTimeout(tick, troubled ? CALM_MS : POLL_MS);
      });
    }

    return {
      add: function (ticket, show) {
        open.set(ticket.id, show);
        running(Array.from(open.keys()));
        if (!timer) timer = setTimeout(tick, 0);
      },
      drop: function (id) { open.delete(id); },
    };
  }

  // The strip of a sweep: a picture for each weight, which a click takes

  function strip(answer, watch, take) {
    var list = make("ul.sweep", { "aria-label": "Sweep of total variation, " + answer.words });
    answer.tickets.forEach(function (ticket) {
      var img = make("img", { alt: "", width: 96, height: 96 }), state = make("span.state"), shown = 0;
      var button = make("button", { type: "button", title: "Take this weight" }, img, make("b", {}, "tv " + ticket.note), state);
      var item = make("li", { "data-state": "waiting" }, button);
      button.addEventListener("click", function () { take(Number(ticket.note)); });
      list.append(item);
      watch.add(ticket, function (told) {
        item.dataset.state = told.state;
        state.textContent = told.state === "done" ? "" : told.state === "failed" ? "failed: " + told.message : told.state;
        if (told.preview && told.preview !== shown) {
          shown = told.preview;
          img.src = "/progress/" + ticket.id + "/" + shown + ".webp";
        }
        if (told.state !== "done" || !told.key) return;
        img.src = "/img/" + told.key + ".webp";
        img.alt = answer.words + ", tv " + ticket.note;
      });
    });
    return [make("h2.small", {}, "Weight sweep: " + answer.words), list];
  }

  // Dash's own field for files has no name, and comes late.
  function nameUpload() {
    function name() {
      var file = document.querySelector("#upload input");
      if (file) file.setAttribute("aria-label", "A picture to start from");
      return Boolean(file);
    }
    if (name()) return;
    new MutationObserver(function (_, own) { if (name()) own.disconnect(); })
      .observe(document.querySelector(".bench"), { childList: true, subtree: true });
  }

  function mount(told, set) {
    var live = easel("live", "What is rendered", "Render draws here.");
    var beside = easel("beside", "Kept beside", "Keep beside puts a picture here, to compare with what comes.");
    var watch = watcher(function (ids) { set("running", ids); }), fields = self.AtlasForm.mount(told, changed), count = 0;

    function tell() { set("form", fields.value()); }

    // Every change is told; what is on the easel is asked for anew, where the reader wants that.
    function changed() {
      tell();
      if (!fields.follows() || !live.form) return;
      count += 1;
      set("again", { form: fields.value(), n: count });
    }

    // In what the two pictures differ
    function compare() {
      [live, beside].forEach(function (own) { own.differs(own.form ? own.words : ""); });
      if (!live.made || !beside.made) return;
      var a = fields.full(live.made), b = fields.full(beside.made);
      var names = Object.keys(b).filter(function (k) { return a[k] !== b[k]; });
      [[live, a], [beside, b]].forEach(function (pair) {
        var said = names.map(function (k) { return k + " " + number(pair[1][k]); }).join(", ");
        pair[0].differs((pair[0].form ? pair[0].words + "; " : "") + (said || "the same settings"));
      });
    }

    // Something else is chosen: what is on its way for the last one is no longer looked at.
    function choose(layer, terms, key, words, made) {
      if (live.ticket) watch.drop(live.ticket.id);
      fields.setUnits(layer, terms);
      live.atlas(key, words, made);
      beside.atlas("", "");
      document.getElementById("sweep-strip").replaceChildren();
      tell();
    }

    function introduce(title, note) {
      document.getElementById("head").replaceChildren(make("h2", {}, title), make("p.note", {}, note));
      document.getElementById("evidence").replaceChildren();
    }

    function begin(answer) {
      var ticket = answer.tickets[0];
      if (live.ticket) watch.drop(live.ticket.id);
      if (!live.form && live.key && !beside.key) beside.keep(live);  // The atlas's own picture, to compare with.
      live.begin(answer);
      compare();
      watch.add(ticket, function (told) { if (live.ticket === ticket) live.show(told); });
    }

    document.getElementById("easels").append(live.element, beside.element);
    document.getElementById("form-place").append(fields.element);
    document.getElementById("keep").addEventListener("click", function () {
      if (!live.key) return;
      beside.keep(live);
      compare();
    });
    [live, beside].forEach(function (own) {
      own.take.addEventListener("click", function () { fields.load(own.form); tell(); });
    });
    ["toml", "command"].forEach(function (id) {
      var pre = document.getElementById(id);
      pre.after(self.Atlas.copyButton("Copy", function () { return pre.textContent; }, pre));
    });
    nameUpload();
    var stage = document.querySelector(".stage");
    new ResizeObserver(function () { stage.parentElement.style.setProperty("--stage", stage.offsetHeight + "px"); }).observe(stage);
    var why = told.versions.find(function (v) { return v.model === told.model && v.version === told.version; }).why;
    if (why) document.querySelector(".actions").after(make("p.wrong", {}, "It can be looked at here, not rendered: " + why));

    return {
      setUnit: function (layer, unit, key, made) { choose(layer, String(unit), key, layer + " unit " + unit + ", as in the atlas", made); },
      setLayer: function (layer, n) {
        introduce(layer, "The layer as a whole" + (n ? ", " + n + " units" : "") + ". Choose a unit in the grid, or render all of it.");
        choose(layer, "layer", "", "");
      },
      setNothing: function () {
        introduce("Choose a unit", "In the grid, or a layer in the table to render all of it.");
        choose("", "", "", "");
      },
      addUnit: fields.addUnit,
      watch: function (answer) {
        if (answer.wrong || !answer.tickets) return;
        if (answer.what === "picture") return begin(answer);
        var place = document.getElementById("sweep-strip");
        place.replaceChildren.apply(place, strip(answer, watch, fields.setWeight));
        place.scrollIntoView({ block: "nearest" });  // It may be behind the stage, which stays in sight.
      },
      started: function (answer) {
        if (!answer.start) return;
        fields.setStart(answer.start);
        changed();
      },
    };
  }

  self.AtlasBench = { mount: mount };
})();
