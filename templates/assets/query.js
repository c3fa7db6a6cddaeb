// Units as columns, and the words of the filter: shared by a layer's sheet and by the view of all units.
// Columns come packed in scripts (see docs/site.md); a filter is a text, and marks the units it means.
(function () {
  "use strict";

  var NONE = 65535;
  var FLAGS = { borderline: 1, duplicate: 2, mirror: 4, complement: 8, copied: 16, drawn: 32, unused: 64, constant: 128 };
  var NUMBERS = ["structure", "score", "p", "contrast", "consistency", "use", "facets", "period", "angle", "need", "need_rank"];
  var OTHER_NAMES = { cluster: "group", copy: "copies", color: "colour" };
  // What people type, and the site's own words, for a flag or a verdict; a plural means its singular
  var OTHER_WORDS = { "?": "borderline", copy: "duplicate", twin: "duplicate", opposite: "mirror", unheard: "unused", noise: "static", silent: "dead", facet: "multifaceted", brightness: "flat" };
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
          var found = name === "copies" ? columns.group : columns.numbers[name];
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
      step = column.step;
      var table = new Uint8Array(65536);
      for (var place = 0; place < NONE; place += 1) table[place] = inside(column.least + place * column.step) ? 1 : 0;
      for (var i = 0; i < t.n; i += 1) if ((table[column.places[i]] === 1) === not) mask[i] = 0;
    };
  }

  // A number that was not measured for any of these units
  function nowhere(t, mask, not) { if (!not) mask.fill(0); }

  function byUnit(low, high) {
    return function (t, mask, not) {
      for (var i = 0; i < t.n; i += 1) { var u = t.unit(i); if ((u >= low && u <= high) === not) mask[i] = 0; }
    };
  }

  function term(word, t) {
    var found = /^([a-z_]+)(>=|<=|>|<|=)(-?[\d.]+)$/.exec(word);
    if (found) {
      var name = OTHER_NAMES[found[1]] || found[1];
      if (t.columns.includes(name)) return byNumber(name, found[2], Number(found[3]));
      return NUMBERS.includes(name) ? nowhere : null;
    }
    if ((found = /^([<>])=?(-?[\d.]+)$/.exec(word))) return t.columns.includes("structure") ? byNumber("structure", found[1] + "=", Number(found[2])) : null;
    if ((found = /^#?u?(\d+)$/.exec(word))) return byUnit(Number(found[1]), Number(found[1]));
    if ((found = /^([a-z]+):(.*)$/.exec(word))) return keyed(OTHER_NAMES[found[1]] || found[1], found[2], t);
    if (word === "superfluous") return byWords("superfluous", "e");
    var one = word.replace(/ies$/, "y").replace(/s$/, ""), known = OTHER_WORDS[word] || OTHER_WORDS[one] || (FLAGS[word] ? word : one);
    if (FLAGS[known]) return byFlag(known);
    if (known && t.verdicts.includes(known)) return byWords("verdict", known);
    if (t.words("verdict").listed.some(function (v) { return v.includes(word); })) return byWords("verdict", word);
    if (t.layers.some(function (layer) { return layer.name.toLowerCase().includes(word); })) {
      return byLayer(function (layer) { return layer.name.toLowerCase().includes(word); });
    }
    return COLOURS.test(word) || t.words("colour").listed.some(function (c) { return c.includes(word); }) ? byWords("colour", word) : null;
  }

  // Units of the group that a unit of that number is in, of those that answer much alike in its layer
  function byLikeness(wanted) {
    return function (t, mask, not) {
      var column = t.column("alike"), of = t.layers.map(function (layer, at) {
        for (var i = t.starts[at]; i < t.starts[at] + layer.n_units; i += 1) if (t.unit(i) === wanted) return column.places[i];
        return NONE;
      });
      for (var i = 0; i < t.n; i += 1) {
        var own = of[t.layerOf(i)];
        if ((t.unit(i) === wanted || (own !== NONE && column.places[i] === own)) === not) mask[i] = 0;
      }
    };
  }

  function keyed(key, wanted, t) {
    var range = /^(\d+)(?:-(\d+))?$/.exec(wanted);
    if (key === "verdict" || key === "colour" || key === "superfluous") return byWords(key, wanted);
    if (key === "layer" || key === "kind") {
      return byLayer(function (layer) {
        var name = String(layer[key === "layer" ? "name" : "kind"]).toLowerCase();
        return wanted[0] === "=" ? name === wanted.slice(1) : name.includes(wanted);
      });
    }
    if (key === "unit" && range) return byUnit(Number(range[1]), Number(range[2] || range[1]));
    if (key === "copies" && range) return t.column("copies") ? byNumber("copies", "=", Number(range[1])) : nowhere;
    if (key === "group" && range) return t.column("alike") ? byNumber("alike", "=", Number(range[1])) : nowhere;
    if (key === "like" && range) return t.column("alike") ? byLikeness(Number(range[1])) : nowhere;
    return null;
  }

  // The units a text means: `{mask, unknown, absent}`, a byte a unit, the words that mean nothing, and those that ask
  // for what was not measured.
  function filter(text, t) {
    var mask = new Uint8Array(t.n).fill(1), unknown = [], absent = [];
    (text.toLowerCase().match(/!?[a-z]+:"[^"]*"|\S+/g) || []).forEach(function (word) {
      var not = word.length > 1 && word[0] === "!";
      var means = term((not ? word.slice(1) : word).replace(/"/g, ""), t);
      if (means) means(t, mask, not); else unknown.push(word);
      if (means === nowhere) absent.push(word);
    });
    return { mask: mask, unknown: unknown, absent: absent };
  }

  // The order of units by a column, as indices: 16-bit places sort by counting. `key` is a column's name or
  // `verdict`, `colour`, `copies`; with a minus in front the largest first. Undefined ones are always last.
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

  // The word that somebody may have meant: the nearest of those that a filter of these units knows, or nothing

  var WORDS = ["superfluous", "copied", "complement"].concat(Object.keys(FLAGS).filter(function (flag) { return flag !== "drawn"; }), Object.keys(OTHER_WORDS));
  var KEYS = ["verdict", "colour", "layer", "kind", "unit", "group", "copies", "like", "superfluous"];

  function nearest(word, t) {
    var parts = /^(!?)([a-z_]+)([:<>=].*)?$/.exec(word), known, best = "", least = 3;
    if (!parts) return "";
    known = parts[3] ? (parts[3][0] === ":" ? KEYS : t.columns) : WORDS.concat(t.verdicts, t.layers.map(function (layer) { return layer.name.toLowerCase(); }));
    known.forEach(function (one) {
      var apart = distance(parts[2], one);
      if (one && apart > 0 && apart < Math.min(least, 1 + parts[2].length / 3)) { best = one; least = apart; }
    });
    return best && parts[1] + best + (parts[3] || "");
  }

  // Letters to put in, leave out, change or exchange with the next, to make one word of another
  function distance(a, b) {
    var rows = [], i, j;
    for (i = 0; i <= a.length; i += 1) {
      rows[i] = [i];
      for (j = 1; j <= b.length; j += 1) {
        rows[i][j] = i === 0 ? j : Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
    return rows[a.length][b.length];
  }

  function why(word, t) {
    var meant = nearest(word, t);
    return "“" + word + "” means nothing here and is left out" + (meant ? "; did you mean “" + meant + "”?" : "");
  }

  // What a filter meant nothing with, beside its field; and that nothing is left, where the units were
  function said(found, wrong, none, n, text, t) {
    var absent = found.absent.map(function (word) { return "“" + word + "”: no unit here has a value for that"; });
    wrong.textContent = found.unknown.map(function (word) { return why(word, t); }).concat(absent).join(". ");
    none.hidden = n > 0;
    none.textContent = n ? "" : text.trim() ? "No unit here matches “" + text.trim() + "”." : "No units.";
  }

  // Units as CSV, in the order shown: what the columns hold, rounded as they are
  function csv(t, indices) {
    function cell(value) {
      var text = String(value);
      if (/^[=+\-@\t\r]/.test(text) && isNaN(text)) text = "'" + text;
      return /[",\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
    }
    var names = t.columns.filter(function (name) { return name !== "alike"; }), alike = t.column("alike");
    var lines = [["layer", "unit", "verdict", "borderline", "superfluous", "group"].concat(names)];
    Array.prototype.forEach.call(indices, function (i) {
      var group = alike ? alike.at(i) : NaN;
      lines.push([t.layers[t.layerOf(i)].name, t.unit(i), t.word("verdict", i), t.has("borderline", i), t.word("superfluous", i), isNaN(group) ? "" : group]
        .concat(names.map(function (name) {
          var column = t.column(name), value = column.at(i);
          return isNaN(value) ? "" : Number(value.toFixed(Math.max(0, Math.ceil(-Math.log10(column.step)))));
        })));
    });
    return lines.map(function (line) { return line.map(cell).join(","); }).join("\n") + "\n";
  }

  // A button that gives the units shown as a table
  function download(name, t, indices) {
    var button = self.Atlas.make("button.copy", { type: "button", title: "The units shown, as CSV" }, "Download");
    button.addEventListener("click", function () {
      var address = URL.createObjectURL(new Blob([csv(t, indices())], { type: "text/csv" }));
      self.Atlas.make("a", { href: address, download: name + ".csv" }).click();
      setTimeout(function () { URL.revokeObjectURL(address); }, 1000);
    });
    return button;
  }

  // Down and Enter lead from the filter to the units, Escape leaves it as it is; true where a key did
  function leaves(event, input, go) {
    if (event.target !== input || !["Enter", "ArrowDown", "Escape"].includes(event.key)) return false;
    go();
    return true;
  }

  // The second link of a page leads to its filter; the address, which holds what is filtered, stays.
  document.querySelectorAll("[data-to-filter]").forEach(function (link) {
    link.hidden = false;
    link.addEventListener("click", function (event) {
      event.preventDefault();
      document.getElementById("filter").focus();
    });
  });

  // A structure score as all pages show it
  function tenths(value) {
    return isNaN(value) ? "–" : value.toFixed(1).replace("-0.0", "0.0").replace("-", "−");
  }

  self.AtlasQuery = { held: held, tenths: tenths, csv: csv, download: download, leaves: leaves, said: said, strip: strip, table: table, filter: filter, order: order, stem: stem, bytes: bytes, numbers: NUMBERS };
})();
