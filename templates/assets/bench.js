// The bench: the form of a recipe, an easel for what is being rendered and one for what is kept beside it, and the
// strip of a sweep. The server says what is asked for and how it stands; nothing is computed here.
(function () {
  "use strict";

  var make = self.Atlas.make, draw = self.Atlas.draw;
  var POLL_MS = 120, CALM_MS = 1000;

  function number(value) {
    if (typeof value !== "number") return String(value);
    return Math.abs(value) >= 1e4 || (value && Math.abs(value) < 1e-3) ? value.toExponential(value === Math.pow(10, Math.round(Math.log10(Math.abs(value)))) ? 0 : 2) : String(Number(value.toPrecision(4)));
  }

  // A curve of activation over steps, as it grows

  function curve() {
    var line = draw("polyline", { points: "" }), svg = draw("svg.curve", { viewBox: "0 0 200 48", preserveAspectRatio: "none", role: "img", "aria-label": "Activation over steps" }, line);
    var now = make("span.now");
    return {
      element: make("div.curve-place", {}, svg, now),
      show: function (points, steps) {
        if (!points.length) { line.setAttribute("points", ""); now.textContent = ""; return; }
        var values = points.map(function (p) { return p[1]; }), low = Math.min.apply(null, values), high = Math.max.apply(null, values);
        var reach = Math.max(steps, points[points.length - 1][0], 1);
        line.setAttribute("points", points.map(function (p) {
          return (200 * p[0] / reach).toFixed(1) + "," + (46 - 44 * (high > low ? (p[1] - low) / (high - low) : 0.5)).toFixed(1);
        }).join(" "));
        now.textContent = "activation " + number(values[values.length - 1]);
        svg.setAttribute("aria-label", "Activation over steps, from " + number(values[0]) + " to " + number(values[values.length - 1]));
      },
    };
  }

  // An easel: a picture, its curve, and how it stands

  function easel(name, title, hint) {
    var img = make("img", { alt: "", width: 240, height: 240, hidden: "" }), empty = make("p.empty", {}, hint);
    var bar = make("progress", { max: 1, value: 0, hidden: "", "aria-label": "Steps, " + title }), state = make("output.state", { role: "status" }), steps = make("span.steps");
    var line = curve(), what = make("p.what"), refreshes = 0, first = 0;
    var take = make("button.copy", { type: "button", hidden: "" }, "Take these settings");
    var own = {
      element: make("figure.easel", { id: name, "aria-label": title }, make("div.frame", {}, img, empty), bar, line.element, make("figcaption", {}, state, steps, what, take)),
      take: take, form: null, ticket: null,
      picture: function (src, alt) { img.src = src; img.alt = alt; img.hidden = false; empty.hidden = true; },
      atlas: function (key, words) {
        own.form = null; own.ticket = null; own.key = key; own.words = words; own.told = null; take.hidden = true; bar.hidden = true; line.show([], 1); steps.textContent = "";
        own.element.dataset.state = "";
        if (key) own.picture("/img/" + key + ".webp", words); else { img.hidden = true; empty.hidden = false; }
        state.textContent = key ? "As in the atlas" : "";
        what.textContent = "";
      },
      // What another easel shows, as it is now
      keep: function (other) {
        own.atlas(other.key, other.words);
        if (!other.form) return;
        own.form = other.form;
        take.hidden = false;
        state.textContent = "Kept";
        if (other.told) line.show(other.told.curve, other.told.steps);
      },
      begin: function (answer) {
        own.form = answer.form; own.ticket = answer.tickets[0]; own.words = answer.words; own.key = ""; own.told = null; own.shown = 0; refreshes = 0; first = 0; own.began = performance.now();
        take.hidden = false; bar.hidden = false; bar.removeAttribute("value");
        state.textContent = "asked"; steps.textContent = ""; own.element.dataset.refreshes = 0;
      },
      difference: function (text) { what.textContent = text; },
      show: function (told) {
        own.element.dataset.state = told.state;
        own.told = told;
        var says = stateWords(told, refreshes);
        if (state.textContent !== says[0]) state.textContent = says[0];
        steps.textContent = says[1];
        if (told.steps) { bar.max = told.steps; bar.value = told.step; }
        line.show(told.curve, told.steps);
        if (told.n && told.n !== own.shown) {
          own.shown = told.n; refreshes += 1;
          if (!first) { first = performance.now() - own.began; own.element.dataset.firstMs = Math.round(first); }
          own.element.dataset.refreshes = refreshes;
          own.picture("/progress/" + own.ticket.id + "/" + told.n + ".webp", own.words + ", as it is being rendered");
        }
        if (told.ended) {
          bar.hidden = true;
          if (told.state === "done" && told.key) {
            own.key = told.key;
            own.picture("/img/" + told.key + ".webp", own.words);
          }
        }
      },
    };
    return own;
  }

  function stateWords(told, refreshes) {
    if (told.state === "waiting") return [told.place ? "Waiting, " + told.place + " before it" : "Next in turn", ""];
    if (told.state === "starting") return ["Getting ready", told.seconds.toFixed(1) + " s"];
    if (told.state === "rendering") return ["Rendering", "step " + told.step + " of " + told.steps + ", " + told.seconds.toFixed(1) + " s"];
    if (told.state === "done") return ["Done", told.seconds.toFixed(1) + " s" + (told.message ? "; " + told.message : refreshes ? "" : ", from the store")];
    if (told.state === "failed") return ["Failed: " + told.message, ""];
    return [told.state === "replaced" ? "Replaced by a newer one" : "Cancelled", told.step ? "at step " + told.step : ""];
  }

  // The form, drawn from what the server says a recipe has

  function form(told, changed) {
    var spec = told.form, inputs = {}, state = { model: told.model, version: told.version, layer: "", terms: "0", sign: "happy", seed: 0, start: null, recipe: "show", device: "auto" };
    var terms = make("input", { type: "text", id: "terms", autocomplete: "off", spellcheck: "false" });
    var whole = make("button.copy", { type: "button" }, "Whole layer");
    var version = choice(told.versions.map(function (v) { return v.model + "/" + v.version; }), told.versions.map(function (v) { return v.model + " " + v.version + (v.why ? " (cannot be rendered)" : ""); }));
    var recipe = choice(Object.keys(spec.recipes)), sign = choice(spec.signs), device = choice(spec.devices), seed = make("input", { type: "number", min: 0, step: 1 });
    var live = make("input", { type: "checkbox", id: "follow", checked: "" }), startWords = make("span.start-words"), noStart = make("button.copy", { type: "button", hidden: "" }, "Random start again");

    function choice(values, labels) {
      return make.apply(null, ["select", {}].concat(values.map(function (v, i) { return make("option", { value: v }, labels ? labels[i] : v); })));
    }
    function field(label, name, element, note) { return make("div.field", note ? { title: note } : {}, make("label", { for: "set-" + name }, label), element); }
    function own(name, element) { element.id = "set-" + name; return element; }

    function control(f) {
      if (f.kind === "choice") return inputs[f.name] = own(f.name, choice(f.choices));
      if (f.kind === "flag") return inputs[f.name] = own(f.name, make("input", { type: "checkbox" }));
      var input = inputs[f.name] = own(f.name, make("input", { type: "number", step: f.kind === "whole" ? 1 : "any", min: 0 }));
      if (!f.slider) return input;
      var slider = make("input", { type: "range", min: f.slider[0], max: f.slider[1], step: f.slider[2], "aria-label": f.label + (f.kind === "weight" ? ", in powers of ten" : "") });
      var toSlider = function () { slider.value = f.kind === "weight" ? (Number(input.value) > 0 ? Math.log10(Number(input.value)) : f.slider[0]) : input.value; };
      slider.addEventListener("input", function () { input.value = f.kind === "weight" ? Number(Math.pow(10, Number(slider.value)).toPrecision(3)) : slider.value; });
      input.addEventListener("input", toSlider);
      input.follow = toSlider;
      return make("span.slid", {}, slider, input);
    }

    function fill(values) {
      spec.groups.forEach(function (g) { g.fields.forEach(function (f) {
        var input = inputs[f.name];
        if (f.kind === "flag") input.checked = values[f.name]; else input.value = values[f.name];
        if (input.follow) input.follow();
      }); });
    }

    function numbers() {
      var found = {};
      spec.groups.forEach(function (g) { g.fields.forEach(function (f) {
        var input = inputs[f.name];
        found[f.name] = f.kind === "flag" ? input.checked : f.kind === "choice" ? input.value : input.value === "" ? null : Number(input.value);
      }); });
      return found;
    }

    function value() {
      var of = told.versions.find(function (v) { return v.model + "/" + v.version === version.value; });
      return {
        model: of.model, version: of.version, layer: state.layer, terms: terms.value.trim() || "0", sign: sign.value, seed: Number(seed.value || 0), start: state.start,
        recipe: recipe.value, numbers: numbers(), device: device.value,
      };
    }

    function load(f) {
      version.value = f.model + "/" + f.version; state.layer = f.layer;
      terms.value = Array.isArray(f.terms) ? sum(f.terms) : f.terms;
      sign.value = f.sign; seed.value = f.seed; recipe.value = f.recipe; device.value = f.device;
      setStart(f.start);
      fill(Object.assign({}, spec.recipes[f.recipe], f.numbers));
    }

    function setStart(hash) {
      state.start = hash || null;
      seed.disabled = Boolean(hash);
      startWords.textContent = hash ? "Starts from your picture." : "";
      noStart.hidden = !hash;
    }

    recipe.addEventListener("change", function () { fill(spec.recipes[recipe.value]); });
    whole.addEventListener("click", function () { terms.value = "layer"; changed(); });
    noStart.addEventListener("click", function () { setStart(null); changed(); });
    var first = make("div.fields", {}, make("div.field", {}, make("label", { for: "terms" }, "Units"), make("span.slid.of", {}, terms, whole)),
      field("Sign", "sign", own("sign", sign), "happy: most active; sad: least"), field("Recipe", "recipe", own("recipe", recipe)), field("Seed", "seed", own("seed", seed), "of the random start"),
      field("Model", "version", own("version", version), "another version, to compare"), field("Device", "device", own("device", device)));
    var groups = spec.groups.map(function (g, i) {
      var fields = make.apply(null, ["div.fields", {}].concat(g.fields.map(function (f) { return field(f.label, f.name, control(f), f.note); })));
      return i ? make("details", {}, make("summary", {}, g.title), fields) : fields;
    });
    var element = make.apply(null, ["form.recipe", { "aria-label": "Recipe" }, first].concat(groups, [make("p.start", {}, startWords, " ", noStart), make("label.live", {}, live, " Render again at each change")]));
    element.addEventListener("submit", function (event) { event.preventDefault(); });
    element.addEventListener("change", function (event) { if (event.target !== live) changed(); });
    recipe.value = "show"; seed.value = 0; version.value = told.model + "/" + told.version;
    fill(spec.recipes.show);
    return {
      element: element, value: value, load: load, setStart: setStart, live: function () { return live.checked; },
      setUnits: function (layer, text) { state.layer = layer; terms.value = text; },
      terms: terms, layer: function () { return state.layer; },
      weight: function (name, w) { inputs[name].value = w; if (inputs[name].follow) inputs[name].follow(); changed(); },
      full: function (f) { return Object.assign({ model: f.model, version: f.version, terms: Array.isArray(f.terms) ? sum(f.terms) : f.terms, sign: f.sign, seed: f.seed, start: f.start ? "a picture" : "random", recipe: f.recipe }, spec.recipes[f.recipe], f.numbers); },
    };
  }

  function sum(terms) {
    return terms.map(function (t, i) {
      var size = Math.abs(t[1]) === 1 ? "" : Math.abs(t[1]) + "*";
      return (t[1] < 0 ? (i ? " - " : "-") : i ? " + " : "") + size + t[0];
    }).join("");
  }

  // What is being rendered: asked after together, only while something is

  function watcher(set) {
    var open = new Map(), timer = 0, asking = false, troubled = false;

    function tick() {
      timer = 0;
      if (!open.size || asking) return;
      asking = true;
      fetch("/progress.json?of=" + Array.from(open.keys()).join(",")).then(function (answer) {
        if (!answer.ok) throw new Error("answered " + answer.status);
        return answer.json();
      }).then(function (told) {
        troubled = false;
        open.forEach(function (show, id) {
          var own = told[id] || { state: "failed", ended: true, message: "the explorer does not know this request any more", curve: [], steps: 0, step: 0, seconds: 0, n: 0 };
          show(own);
          if (own.ended) open.delete(id);
        });
        set("running", Array.from(open.keys()));
      }).catch(function () {
        troubled = true;
        open.forEach(function (show) { show({ state: "waiting", place: 0, ended: false, message: "", curve: [], steps: 0, step: 0, seconds: 0, n: 0 }); });
      }).finally(function () {
        asking = false;
        document.body.classList.toggle("troubled", troubled);
        if (open.size) timer = timer || setTimeout(tick, troubled ? CALM_MS : POLL_MS);
      });
    }

    return {
      add: function (ticket, show) { open.set(ticket.id, show); set("running", Array.from(open.keys())); if (!timer) timer = setTimeout(tick, 0); },
      drop: function (id) { open.delete(id); },
    };
  }

  function mount(told, outside) {
    var live = easel("live", "What is rendered", "Render draws here."), beside = easel("beside", "Kept beside", "Keep beside puts a picture here, to compare with what comes.");
    var watch = watcher(outside.set), count = 0;
    var fields = form(told, changed);
    document.getElementById("easels").append(live.element, beside.element);
    document.getElementById("keep").addEventListener("click", function () { if (live.key) { beside.keep(live); compare(); } });
    document.getElementById("form-place").append(fields.element);
    ["toml", "command"].forEach(function (id) {
      var pre = document.getElementById(id);
      pre.after(self.Atlas.copyButton("Copy", function () { return pre.textContent; }, pre));
    });
    [live, beside].forEach(function (own) {
      own.take.addEventListener("click", function () { fields.load(own.form); tell(); });
    });
    // Dash's own field for files has no name, and comes late.
    var name = function () {
      var file = document.querySelector("#upload input");
      if (file) file.setAttribute("aria-label", "A picture to start from");
      return Boolean(file);
    };
    if (!name()) new MutationObserver(function (_, own) { if (name()) own.disconnect(); }).observe(document.querySelector(".bench"), { childList: true, subtree: true });
    var why = told.versions.find(function (v) { return v.model === told.model && v.version === told.version; }).why;
    if (why) document.querySelector(".actions").after(make("p.wrong", {}, "It can be looked at here, not rendered: " + why));

    function tell() { outside.set("form", fields.value()); }

    // Every change is told; what is on the easel is asked for anew, where the reader wants that.
    function changed() {
      tell();
      if (!fields.live() || !live.form) return;
      count += 1;
      outside.set("again", { form: fields.value(), n: count });
    }

    // In what the two pictures differ
    function compare() {
      [live, beside].forEach(function (own) { own.difference(own.form ? own.words : ""); });
      if (!live.form || !beside.form) return;
      var a = fields.full(live.form), b = fields.full(beside.form), differs = Object.keys(b).filter(function (k) { return a[k] !== b[k]; });
      [[live, a], [beside, b]].forEach(function (pair) {
        pair[0].difference(pair[0].words + "; " + (differs.map(function (k) { return k + " " + number(pair[1][k]); }).join(", ") || "the same settings"));
      });
    }

    function strip(answer) {
      var place = document.getElementById("sweep-strip");
      var list = make("ul.sweep", { "aria-label": "Sweep of total variation, " + answer.words });
      answer.tickets.forEach(function (ticket) {
        var img = make("img", { alt: "", width: 96, height: 96 }), state = make("span.state"), shown = 0;
        var button = make("button", { type: "button", title: "Take this weight" }, img, make("b", {}, "tv " + ticket.note), state);
        var item = make("li", { "data-state": "waiting" }, button);
        button.addEventListener("click", function () { fields.weight("tv", Number(ticket.note)); });
        list.append(item);
        watch.add(ticket, function (told) {
          item.dataset.state = told.state;
          state.textContent = told.state === "done" ? "" : told.state === "failed" ? "failed: " + told.message : told.state;
          if (told.n && told.n !== shown) { shown = told.n; img.src = "/progress/" + ticket.id + "/" + shown + ".webp"; }
          if (told.state === "done" && told.key) { img.src = "/img/" + told.key + ".webp"; img.alt = answer.words + ", tv " + ticket.note; }
        });
      });
      place.replaceChildren(make("h2.small", {}, "Weight sweep: " + answer.words), list);
    }

    return {
      setUnit: function (layer, number, key) {
        fields.setUnits(layer, String(number));
        clear(key, layer + " unit " + number + ", as in the atlas");
      },
      setLayer: function (layer, n) {
        fields.setUnits(layer, "layer");
        document.getElementById("head").replaceChildren(make("h2", {}, layer), make("p.note", {}, "The layer as a whole" + (n ? ", " + n + " units" : "") + ". Choose a unit in the grid, or render all of it."));
        document.getElementById("evidence").replaceChildren();
        clear("", "");
      },
      setNothing: function () {
        fields.setUnits("", "");
        document.getElementById("head").replaceChildren(make("h2", {}, "Choose a unit"), make("p.note", {}, "In the grid, or a layer in the table to render all of it."));
        document.getElementById("evidence").replaceChildren();
        clear("", "");
      },
      addUnit: function (number, sign) {
        fields.terms.value = (fields.terms.value === "layer" ? "" : fields.terms.value) + (sign > 0 ? " + " : " - ") + number;
        changed();
      },
      watch: function (answer) {
        if (answer.wrong || !answer.tickets) return;
        if (answer.what === "sweep") return strip(answer);
        var ticket = answer.tickets[0];
        if (live.ticket) watch.drop(live.ticket.id);
        if (!live.form && live.key && !beside.key) beside.keep(live);  // The atlas's own picture, to compare with.
        live.begin(answer);
        compare();
        watch.add(ticket, function (told) { if (live.ticket === ticket) live.show(told); });
      },
      started: function (answer) { if (answer.start) { fields.setStart(answer.start); changed(); } },
    };

    // Another unit: what is on its way for the last one goes on, unseen, until its turn is over.
    function clear(key, words) {
      if (live.ticket) watch.drop(live.ticket.id);
      live.atlas(key, words);
      beside.atlas("", "");
      document.getElementById("sweep-strip").replaceChildren();
      tell();
    }
  }

  self.AtlasBench = { mount: mount };
})();
