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
      // What holds where a number is left empty
      hint: function (values) {
        Object.keys(controls).forEach(function (name) { if (controls[name].input.type === "number") controls[name].input.placeholder = values[name]; });
      },
    };
  }

  // What is asked for besides the recipe's numbers
  function wish(told) {
    var spec = told.form;
    var versions = told.versions.map(function (v) { return v.model + "/" + v.version; });
    var words = told.versions.map(function (v) { return v.model + " " + v.version + (v.why ? " (cannot be rendered)" : ""); });
    return {
      terms: make("input", { type: "text", id: "terms", autocomplete: "off", spellcheck: "false" }),
      whole: make("button.copy", { type: "button" }, "Whole layer"),
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
    var units = field("Units", make("span.slid.of", {}, own.terms, own.whole), own.terms, "one, a sum such as 3 + 0.5*7, or layer");
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
      make("label.live", {}, own.follow, " Render again at each change"),
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

  // Every value of a request, by name, to tell two apart
  function full(spec, f) {
    var said = { model: f.model, version: f.version, units: sum(f.terms), sign: f.sign, seed: f.seed, start: f.start ? "a picture" : "random", recipe: f.recipe };
    return Object.assign(said, spec.recipes[f.recipe], f.numbers);
  }

  // `changed` is called at every change that a person makes.
  function mount(told, changed) {
    var spec = told.form, own = wish(told), controls = recipeControls(spec.groups), element = draw(own, controls);
    var layer = "", start = null;

    function setStart(hash) {
      start = hash || null;
      own.seed.disabled = Boolean(hash);
      own.startWords.textContent = hash ? "Starts from your picture." : "";
      own.noStart.hidden = !hash;
    }

    function load(f) {
      own.version.value = f.model + "/" + f.version;
      layer = f.layer;
      own.terms.value = sum(f.terms);
      own.sign.value = f.sign;
      own.seed.value = f.seed;
      own.recipe.value = f.recipe;
      own.device.value = f.device;
      setStart(f.start);
      controls.hint(spec.recipes[f.recipe]);
      controls.set(Object.assign({}, spec.recipes[f.recipe], f.numbers));
    }

    function value() {
      var of = told.versions.find(function (v) { return v.model + "/" + v.version === own.version.value; });
      return {
        model: of.model, version: of.version, layer: layer, terms: own.terms.value.trim(), sign: own.sign.value,
        seed: Number(own.seed.value || 0), start: start, recipe: own.recipe.value, numbers: controls.get(), device: own.device.value,
      };
    }

    own.recipe.addEventListener("change", function () {
      controls.hint(spec.recipes[own.recipe.value]);
      controls.set(spec.recipes[own.recipe.value]);
    });
    own.whole.addEventListener("click", function () { own.terms.value = "layer"; changed(); });
    own.noStart.addEventListener("click", function () { setStart(null); changed(); });
    element.addEventListener("submit", function (event) { event.preventDefault(); });
    element.addEventListener("change", function (event) { if (event.target !== own.follow) changed(); });
    load({ model: told.model, version: told.version, layer: "", terms: "", sign: "happy", seed: 0, recipe: "show", device: "auto", numbers: {} });
    return {
      element: element, value: value, load: load, setStart: setStart,
      follows: function () { return own.follow.checked; },
      full: function (f) { return full(spec, f); },
      setUnits: function (name, text) { layer = name; own.terms.value = text; },
      addUnit: function (unit, sign) {
        var before = own.terms.value === "layer" ? "" : own.terms.value;
        own.terms.value = before + (sign > 0 ? (before ? " + " : "") : before ? " - " : "-") + unit;
        changed();
      },
      setWeight: function (weight) { controls.set({ tv: weight }); changed(); },
    };
  }

  self.AtlasForm = { mount: mount };
})();
