// Units as columns, and the words of the filter: shared by a layer's sheet and by the view of all units.
// Columns come packed in scripts (see docs/site.md); a filter is a text, and marks the units it means.
(function () {
  "use strict";

  var NONE = 65535;
  var FLAGS = { borderline: 1, duplicate: 2, mirror: 4, complement: 8, copied: 16, drawn: 32, unheard: 64, constant: 128 };
  var NUMBERS = ["structure", "score", "consistency", "use", "facets", "period", "angle", "need", "need_rank"];
  var OTHER_NAMES = { cluster: "group", copies: "group", color: "colour", p: "score" };
  // What people type, and the site's own words, for a flag or a verdict; a plural means its singular
  var OTHER_WORDS = { "?": "borderline", copy: "duplicate", twin: "duplicate", opposite: "mirror", noise: "static", silent: "dead", facet: "multifaceted", brightness: "flat" };
  var COLOURS = /^(bright|dark|mid-grey|tinted|red|orange|yellow|green|cyan|blue|violet|magenta|black|white)$/;

  function bytes(text) {
    var raw = atob(text), found = new Uint8Array(raw.length);
    for (var i = 0; i < raw.length; i += 1) found[i] = raw.charCodeAt(i);
    return found;
  }

  // What a data script has put under a name, unpacked once; nothing where it is not there yet
  var unpacked = {};

  function held(what, key) {
    var packed = (self[what] || {})[key], at = what + " " + key;
    if (packed && !unpacked[at]) unpacked[at] = self.Atlas.unpack(packed);
    return unpacked[at];
  }

  // A column of numbers: 16 bits each, low bytes first; `at` gives the number, NaN where there is none.
  function numbers(column, n) {
    var raw = bytes(column.places), places = new Uint16Array(n);
    for (var i = 0; i < n; i += 1) places[i] = raw[i] | (raw[n + i] << 8);
    return { places: places, at: function (i) { return places[i] === NONE ? NaN : column.least + places[i] * column.step; }, least: column.least, step: column.step };
  }

  // What is known of units, from a data script's columns; layers are `{name, slug, kind, n_units}` in order.
  function table(columns, layers) {
    var n = columns.n_units, known = {}, unit = columns.unit ? numbers(columns.unit, n) : null;
    var starts = [], at = 0;
    layers.forEach(function (layer) { starts.push(at); at += layer.n_units; });
    var own = {
      n: n, layers: layers, marks: columns.marks, verdicts: Object.keys(columns.marks), starts: starts, flags: bytes(columns.flags), columns: Object.keys(columns.numbers),
      layerOf: function (i) {
        var low = 0, high = starts.length - 1;
        while (low < high) {
          var middle = (low + high + 1) >> 1;
          if (starts[middle] <= i) low = middle; else high = middle - 1;
        }
        return low;
      },
      unit: function (i) { return unit ? Math.round(unit.at(i)) : i - starts[own.layerOf(i)]; },
      column: function (name) {
        if (!known[name]) {
          var found = name === "group" ? columns.group : columns.numbers[name];
          known[name] = found ? numbers(found, n) : null;
        }
        return known[name];
      },
      words: function (name) {
        if (!known["." + name]) known["." + name] = { listed: columns.words[name].listed, places: bytes(columns.words[name].places) };
        return known["." + name];
      },
      word: function (name, i) { return own.words(name).listed[own.words(name).places[i]] || ""; },
      has: function (flag, i) { return (own.flags[i] & FLAGS[flag]) !== 0; },
    };
    return own;
  }

  // Terms: each takes the table and a mask of units, and clears what it does not mean.

  function byWords(name, wanted) {
    var any = name === "verdict" ? wanted.replace(/,+$/, "").split(",") : [wanted];
    return function (t, mask, not) {
      var column = t.words(name), hit = column.listed.map(function (word) {
        return any.some(function (w) { return (word || (name === "verdict" ? "not scored" : "")).toLowerCase().includes(w); });
      });
      for (var i = 0; i < t.n; i += 1) if ((hit[column.places[i]] === true) === not) mask[i] = 0;
    };
  }

  function byLayer(test) {
    return function (t, mask, not) {
      t.layers.forEach(function (layer, at) {
        if (test(layer) === not) mask.fill(0, t.starts[at], t.starts[at] + layer.n_units);
      });
    };
  }

  function byFlag(flag) {
    return function (t, mask, not) {
      for (var i = 0; i < t.n; i += 1) if (((t.flags[i] & FLAGS[flag]) !== 0) === not) mask[i] = 0;
    };
  }

  function byNumber(name, sign, wanted) {
    var inside = { ">": function (v) { return v > wanted; }, "<": function (v) { return v < wanted; },
      ">=": function (v) { return v >= wanted; }, "<=": function (v) { return v <= wanted; },
      "=": function (v) { return Math.abs(v - wanted) < 1e-9 + 0.51 * step; } }[sign], step = 0;
    return function (t, mask, not) {
      var column = t.column(name);
      if (!column) { if (!not) mask.fill(0); return; }
      step = column.step;
      var table = new Uint8Array(65536);
      for (var place = 0; place < NONE; place += 1) table[place] = inside(column.least + place * column.step) ? 1 : 0;
      for (var i = 0; i < t.n; i += 1) if ((table[column.places[i]] === 1) === not) mask[i] = 0;
    };
  }

  function byUnit(low, high) {
    return function (t, mask, not) {
      for (var i = 0; i < t.n; i += 1) { var u = t.unit(i); if ((u >= low && u <= high) === not) mask[i] = 0; }
    };
  }

  function term(word, t) {
    var found = /^([a-z_]+)(>=|<=|>|<|=)(-?[\d.]+)$/.exec(word);
    if (found) {
      var name = OTHER_NAMES[found[1]] || found[1];
      return name === "group" || t.columns.includes(name) || NUMBERS.includes(name) ? byNumber(name, found[2], Number(found[3])) : null;
    }
    if ((found = /^([<>])=?(-?[\d.]+)$/.exec(word))) return byNumber("structure", found[1] + "=", Number(found[2]));
    if ((found = /^#?u?(\d+)$/.exec(word))) return byUnit(Number(found[1]), Number(found[1]));
    if ((found = /^([a-z]+):(.*)$/.exec(word))) return keyed(OTHER_NAMES[found[1]] || found[1], found[2]);
    var one = word.replace(/ies$/, "y").replace(/s$/, ""), known = OTHER_WORDS[word] || OTHER_WORDS[one] || (FLAGS[word] ? word : one);
    if (FLAGS[known]) return byFlag(known);
    if (known && t.verdicts.includes(known)) return byWords("verdict", known);
    if (t.words("verdict").listed.some(function (v) { return v.includes(word); })) return byWords("verdict", word);
    if (t.layers.some(function (layer) { return layer.name.toLowerCase().includes(word); })) {
      return byLayer(function (layer) { return layer.name.toLowerCase().includes(word); });
    }
    return COLOURS.test(word) || t.words("colour").listed.some(function (c) { return c.includes(word); }) ? byWords("colour", word) : null;
  }

  function keyed(key, wanted) {
    var range = /^(\d+)(?:-(\d+))?$/.exec(wanted);
    if (key === "verdict" || key === "colour") return byWords(key, wanted);
    if (key === "layer" || key === "kind") {
      return byLayer(function (layer) {
        var name = String(layer[key === "layer" ? "name" : "kind"]).toLowerCase();
        return wanted[0] === "=" ? name === wanted.slice(1) : name.includes(wanted);
      });
    }
    if (key === "unit" && range) return byUnit(Number(range[1]), Number(range[2] || range[1]));
    if (key === "group" && range) return byNumber("group", "=", Number(range[1]));
    return null;
  }

  // The units a text means: `{mask, unknown}`, a byte a unit, and the words that mean nothing.
  function filter(text, t) {
    var mask = new Uint8Array(t.n).fill(1), unknown = [];
    (text.toLowerCase().match(/!?[a-z]+:"[^"]*"|\S+/g) || []).forEach(function (word) {
      var not = word.length > 1 && word[0] === "!";
      var means = term((not ? word.slice(1) : word).replace(/"/g, ""), t);
      if (means) means(t, mask, not); else unknown.push(word);
    });
    return { mask: mask, unknown: unknown };
  }

  // The order of units by a column, as indices: 16-bit places sort by counting. `key` is a column's name or
  // `verdict`, `colour`, `group`; with a minus in front the largest first. Undefined ones are always last.
  function order(key, t) {
    var down = key[0] === "-", name = down ? key.slice(1) : key, indices = new Uint32Array(t.n), i;
    var places = new Uint16Array(t.n);
    if (name === "verdict" || name === "colour") {
      var column = t.words(name), rank = column.listed.slice().sort(), of = column.listed.map(function (w) { return w === "" ? NONE : rank.indexOf(w); });
      for (i = 0; i < t.n; i += 1) places[i] = of[column.places[i]] === undefined ? NONE : of[column.places[i]];
    } else if (t.column(name)) {
      places = t.column(name).places;
    } else {
      for (i = 0; i < t.n; i += 1) indices[i] = down ? t.n - 1 - i : i;
      return indices;
    }
    var counts = new Uint32Array(65537), place;
    function bucket(p) { return p === NONE ? NONE : down ? NONE - 1 - p : p; }
    for (i = 0; i < t.n; i += 1) counts[bucket(places[i]) + 1] += 1;
    for (place = 0; place < 65536; place += 1) counts[place + 1] += counts[place];
    for (i = 0; i < t.n; i += 1) { var b = bucket(places[i]); indices[counts[b]] = i; counts[b] += 1; }
    return indices;
  }

  // The name of the picture at `i` of names packed 12 bytes each, or an empty text. Names of another `size`
  // in bytes stand in places of a multiple of three, filled up with zeros.
  function stem(packed, i, size) {
    var n = 4 * Math.ceil((size || 12) / 3), text = packed.slice(n * i, n * i + n);
    if (/^A*$/.test(text)) return "";
    return Array.from(atob(text), function (c) { return c.charCodeAt(0).toString(16).padStart(2, "0"); }).slice(0, size || 12).join("");
  }

  // The strip at `i`: its picture's name, how many tiles it has, and what each is: the seed of a start, or a word
  function strip(names, i) {
    names.read = names.read || { counts: bytes(names.counts), kinds: bytes(names.tile_kinds.places) };
    var kinds = names.tile_kinds.listed[names.read.kinds[i]] || "";
    return { file: stem(names.strips, i), tiles: names.read.counts[i], kinds: kinds.split("|") };
  }

  // What a filter meant nothing with, beside its field; and that nothing is left, where the units were
  function said(unknown, wrong, none, n, text) {
    wrong.textContent = unknown.length ? "No unit is called " + unknown.join(", ") : "";
    none.hidden = n > 0;
    none.textContent = n ? "" : text.trim() ? "No unit here matches “" + text.trim() + "”." : "No units.";
  }

  // A structure score as all pages show it
  function tenths(value) {
    return isNaN(value) ? "–" : value.toFixed(1).replace("-0.0", "0.0").replace("-", "−");
  }

  self.AtlasQuery = { held: held, tenths: tenths, said: said, strip: strip, table: table, filter: filter, order: order, stem: stem, bytes: bytes, numbers: NUMBERS };
})();
