// The form of a request: units, start, and every part of a recipe, drawn from what the server says a recipe has. Its
// value is what the server takes (reportgen/explorer/render_request.py); nothing is checked here.
(function () {
  "use strict";

  var make = self.Atlas.make;

  function choice(values, labels) {
    return make.apply(null, ["select", {}].concat(values.map(function (value, i) {
      return make("option", { value: value }, labels ? labels[i] : value);
    })));
  }

  function field(label, element, control, note) {
    return make("div.field", note ? { title: note } : {}, make("label", { for: control.id }, label), element);
  }

  function named(name, control) {
    control.id = "set-" + name;
    return control;
  }

  // A control of the recipe: `element` to draw, `get` and `set` its value. A slider beside a number moves in powers of
  // ten where it is a weight.
  function controlOf(f) {
    if (f.kind === "choice") return plain(named(f.name, choice(f.choices)));
    if (f.kind === "flag") {
      var box = named(f.name, make("input", { type: "checkbox" }));
      return { element: box, input: box, get: function () { return box.checked; }, set: function (v) { box.checked = v; } };
    }
    var input = named(f.name, make("input", { type: "number", step: f.kind === "whole" ? 1 : "any", min: 0 }));
    var own = plain(input, function (text) { return text === "" ? null : Number(text); });
    if (!f.slider) return own;
    var weight = f.kind === "weight", low = f.slider[0];
    var slider = make("input", { type: "range", min: low, max: f.slider[1], step: f.slider[2] });
    slider.setAttribute("aria-label", f.label + (weight ? ", in powers of ten" : ""));
    function follow() {
      var shown = Number(input.value || input.placeholder);
      slider.value = !weight ? shown : shown > 0 ? Math.log10(shown) : low;
    }
    slider.addEventListener("input", function () {
      input.value = weight ? Number(Math.pow(10, Number(slider.value)).toPrecision(3)) : slider.value;
    });
    input.addEventListener("input", follow);
    return {
      element: make("span.slid", {}, slider, input), input: input, get: own.get,
      set: function (value) { own.set(value); follow(); },
    };
  }

  function plain(input, read) {
    return {
      element: input, input: input,
      get: function () { return read ? read(input.value) : input.value; },
      set: function (value) { input.value = value; },
    };
  }

  // The controls of a recipe by name, and their groups as elements; those after the first fold.
  function recipeControls(groups) {
    var controls = {};
    var elements = groups.map(function (group, i) {
      var fields = group.fields.map(function (f) {
        controls[f.name] = controlOf(f);
        return field(f.label, controls[f.name].element, controls[f.name].input, f.note);
      });
      var drawn = make.apply(null, ["div.fields", {}].concat(fields));
      return i ? make("details", {}, make("summary", {}, group.title), drawn) : drawn;
    });
    return {
      elements: elements,
      get: function () {
        var found = {};
        Object.keys(controls).forEach(function (name) { found[name] = controls[name].get(); });
        return found;
      },
      set: function (values) {
        Object.keys(controls).forEach(function (name) { if (name in values) controls[name].set(values[name]); });
      },
      // What cannot be changed, and why
      lock: function (name, why) {
        controls[name].element.querySelectorAll("input").forEach(function (input) { input.disabled = Boolean(why); });
        controls[name].element.title = why;
      },
      // What holds where a number is left empty
      hint: function (values) {
        Object.keys(controls).forEach(function (name) { if (controls[name].input.type === "number") controls[name].input.placeholder = values[name]; });
      },
    };
  }

  // What is asked for besides the recipe's numbers
  function wish(data) {
    var spec = data.form;
    var versions = data.versions.map(function (v) { return v.model + "/" + v.version; });
    var words = data.versions.map(function (v) { return v.model + " " + v.version + (v.why ? " (cannot be rendered)" : ""); });
    return {
      terms: make("input", { type: "text", id: "terms", autocomplete: "off", spellcheck: "false" }),
      whole: make("button.copy", { type: "button" }, "Whole layer"),
      of: make("span.of-layer"),
      version: named("version", choice(versions, words)),
      recipe: named("recipe", choice(Object.keys(spec.recipes))),
      sign: named("sign", choice(spec.signs)),
      device: named("device", choice(spec.devices)),
      seed: named("seed", make("input", { type: "number", min: 0, step: 1 })),
      follow: make("input", { type: "checkbox", id: "follow", checked: "" }),
      startWords: make("span.start-words"),
      noStart: make("button.copy", { type: "button", hidden: "" }, "Random start again"),
    };
  }

  function draw(own, controls) {
    var units = field("Units", make("span.slid.of", {}, own.terms, own.whole, own.of), own.terms, "one, a sum such as 3 + 0.5*7, or layer");
    units.classList.add("wide");
    var first = make("div.fields", {},
      units,
      field("Sign", own.sign, own.sign, "happy: most active; sad: least"),
      field("Recipe", own.recipe, own.recipe),
      field("Seed", own.seed, own.seed, "of the random start"),
      field("Model", own.version, own.version, "another version, to compare"),
      field("Device", own.device, own.device));
    var last = [
      make("p.start", {}, own.startWords, " ", own.noStart),
      make("label.live", {}, own.follow, " Render at every change"),
    ];
    return make.apply(null, ["form.recipe", { "aria-label": "Recipe" }, first].concat(controls.elements, last));
  }

  // A sum of units as people write it
  function sum(terms) {
    if (!Array.isArray(terms)) return terms;
    return terms.map(function (term, i) {
      var size = Math.abs(term[1]) === 1 ? "" : Math.abs(term[1]) + "*";
      return (term[1] < 0 ? (i ? " - " : "-") : i ? " + " : "") + size + term[0];
    }).join("");
  }

  function same(a, b) { return JSON.stringify(a) === JSON.stringify(b); }

  function isDense(data, f) {
    var of = data.versions.find(function (v) { return v.model === f.model && v.version === f.version; });
    return Boolean(of) && of.dense.includes(f.layer);
  }

  // What a recipe's numbers are where nobody sets them: those of dense layers are others
  function usual(data, f) {
    return Object.assign({}, data.form.recipes[f.recipe], isDense(data, f) ? data.form.dense[f.recipe] : {});
  }

  // Every value of a request, by name, to find in what two differ
  function full(data, f) {
    var values = {
      model: f.model, version: f.version, layer: f.layer, units: sum(f.terms), sign: f.sign, seed: f.start ? "none" : f.seed,
      start: f.start ? "a picture" : "random", recipe: f.recipe,
    };
    return Object.assign(values, usual(data, f), f.numbers);
  }

  // A request as a part of an address, and back: "recipe=show&units=3+%2B+7&seed=7&tv=0.5"
  function toText(data, f) {
    var words = new URLSearchParams({ recipe: f.recipe, units: sum(f.terms) });
    if (f.sign !== "happy") words.set("sign", f.sign);
    if (f.start) words.set("start", f.start); else if (f.seed) words.set("seed", f.seed);
    if (f.model !== data.model || f.version !== data.version) words.set("of", f.model + "/" + f.version);
    if (f.device !== "auto") words.set("device", f.device);
    Object.keys(f.numbers).forEach(function (name) { words.set(name, JSON.stringify(f.numbers[name])); });
    return words.toString();
  }

  function number(text) {
    try { return JSON.parse(text); } catch (error) { return text; }
  }

  // The server says of what does not fit that it does not; here only names that no form has are left out.
  function fromText(data, text, layer) {
    var words = new URLSearchParams(text), recipe = words.get("recipe") || "show", of = words.get("of");
    var version = data.versions.find(function (v) { return v.model + "/" + v.version === of; }) || data;
    if (!data.form.recipes[recipe]) return null;
    var found = {
      model: version.model, version: version.version, layer: layer, terms: words.get("units") || "layer", sign: words.get("sign") === "sad" ? "sad" : "happy",
      seed: Number(words.get("seed") || 0), start: words.get("start"), recipe: recipe, device: words.get("device") || "auto", numbers: {},
    };
    words.forEach(function (value, name) { if (name in data.form.recipes[recipe]) found.numbers[name] = number(value); });
    return found;
  }

  // `changed` is called at every change that a person makes.
  function mount(data, changed) {
    var spec = data.form, own = wish(data), controls = recipeControls(spec.groups), element = draw(own, controls);
    var layer = "", start = null;

    function setStart(hash) {
      start = hash || null;
      own.seed.disabled = Boolean(hash);
      own.startWords.textContent = hash ? "Starts from your picture." : "";
      own.noStart.hidden = !hash;
    }

    function setLayer(name) {
      layer = name;
      own.of.textContent = name ? "of " + name : "";
    }

    // The controls show the numbers of the recipe as they hold for the layer, and those that somebody set.
    function setNumbers(numbers) {
      var base = usual(data, basis());
      controls.hint(base);
      controls.set(Object.assign(base, numbers));
      controls.lock("jitter_px", isDense(data, basis()) ? "Pictures of dense layers are never shifted." : "");
    }

    function basis() {
      var of = data.versions.find(function (v) { return v.model + "/" + v.version === own.version.value; });
      return { model: of.model, version: of.version, layer: layer, recipe: own.recipe.value };
    }

    function load(f) {
      own.version.value = f.model + "/" + f.version;
      setLayer(f.layer);
      own.terms.value = sum(f.terms);
      own.sign.value = f.sign;
      own.seed.value = f.seed;
      own.recipe.value = f.recipe;
      own.device.value = f.device;
      setStart(f.start);
      setNumbers(f.numbers);
    }

    function value() {
      var base = basis(), shown = usual(data, base), numbers = controls.get();
      Object.keys(numbers).forEach(function (name) { if (numbers[name] === null || same(numbers[name], shown[name])) delete numbers[name]; });
      return Object.assign(base, {
        terms: own.terms.value.trim(), sign: own.sign.value, seed: Number(own.seed.value || 0), start: start, numbers: numbers, device: own.device.value,
      });
    }

    own.recipe.addEventListener("change", function () { setNumbers({}); });
    own.whole.addEventListener("click", function () { own.terms.value = "layer"; changed(); });
    own.noStart.addEventListener("click", function () { setStart(null); changed(); });
    element.addEventListener("submit", function (event) { event.preventDefault(); });
    element.addEventListener("change", function (event) { if (event.target !== own.follow) changed(); });
    var plainest = { model: data.model, version: data.version, layer: "", terms: "", sign: "happy", seed: 0, start: null, recipe: "show", device: "auto", numbers: {} };
    load(plainest);
    return {
      element: element, value: value, load: load, setStart: setStart,
      plain: function (name, terms) { return Object.assign({}, plainest, { layer: name, terms: terms }); },
      follows: function () { return own.follow.checked; },
      full: function (f) { return full(data, f); },
      isNumber: function (name) { return name in spec.recipes[plainest.recipe]; },
      toText: function (f) { return toText(data, f); },
      fromText: function (text, name) { return fromText(data, text, name); },
      addUnit: function (unit, sign) {
        var before = own.terms.value === "layer" ? "" : own.terms.value;
        own.terms.value = before + (sign > 0 ? (before ? " + " : "") : before ? " - " : "-") + unit;
        changed();
      },
      setWeight: function (weight) { controls.set({ tv: weight }); changed(); },
    };
  }

  self.AtlasForm = { mount: mount, sum: sum };
})();
