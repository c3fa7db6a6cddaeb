// Which recipe a grid of units shows, the same for all of them, and whether the contrast of pictures that are hard
// to see is raised: a switch, the words of the address, and links that keep both from page to page.
(function () {
  "use strict";

  var RECIPES = {
    scored: ["Scored", "what the verdicts are about"],
    display: ["Display", "made to be looked at; it draws patterns for noise too"],
  };
  var STEMS = { scored: "sheet", display: "display" };
  var make = self.Atlas.make, body = document.body, switches = [];
  var there = (body.dataset.recipes || "").split(" ").filter(function (name) { return RECIPES[name]; });
  var chosen = there[0] || "scored", raised = false;

  function read(given) {
    var asked = given.get("recipe");
    chosen = there.includes(asked) || (!there.length && RECIPES[asked]) ? asked : there[0] || "scored";
    raised = given.get("contrast") === "raised";
    show();
  }

  // The choice as it stands in an address; nothing where it is what every page begins with
  function text() {
    return [chosen !== (there[0] || "scored") && "recipe=" + chosen, raised && "contrast=raised"].filter(Boolean).join("&");
  }

  function show() {
    body.classList.toggle("raised", raised);
    switches.forEach(function (each) { each(); });
  }

  function button(word, title, on, press) {
    var found = make("button", { type: "button", title: title }, word);
    found.addEventListener("click", press);
    switches.push(function () { found.setAttribute("aria-pressed", on()); });
    return found;
  }

  // The switch; `changed` is called when somebody has chosen. A grid without tiles of their own has one recipe alone.
  function mount(changed, plain) {
    var group = make("div.switch", { role: "group", "aria-label": "Pictures" });
    if (there.length > 1) {
      there.forEach(function (name) {
        group.append(button(RECIPES[name][0], RECIPES[name][1], function () { return chosen === name; }, function () { choose(name, changed); }));
      });
    }
    var contrast = button("Raise contrast", "of pictures that are hard to see; also on pointing at one", function () { return raised; }, function () { raise(changed); });
    var meaning = make("span.switch-note", {});
    switches.push(function () { meaning.textContent = there.length > 1 && chosen === "display" ? RECIPES.display[1] : ""; });
    show();
    return plain ? [group, meaning] : [group, make("div.switch", {}, contrast), meaning];
  }

  function choose(name, changed) {
    chosen = name;
    show();
    changed();
  }

  function raise(changed) {
    raised = !raised;
    show();
    changed();
  }

  // `d` and `c` on the keyboard
  function pressed(key, changed) {
    if (key === "c") raise(changed);
    else if (key === "d" && there.length > 1) choose(there[(there.indexOf(chosen) + 1) % there.length], changed);
    else return false;
    return true;
  }

  function of(names, recipe, i) {
    var own = names.recipes[recipe], query = self.AtlasQuery, file = own && query.stem(own.files, i, names.size);
    if (!file) return null;
    own.read = own.read || { tile: query.bytes(own.tile), tiles: query.bytes(own.tiles), faint: query.bytes(own.faint.places) };
    var faint = own.faint.listed[own.read.faint[i]];
    return { file: file, tile: own.read.tile[i], tiles: own.read.tiles[i], faint: faint ? faint.split("|") : null, tag: "" };
  }

  // The picture of unit `i` in the chosen recipe; where it has none, another, and it says so. Null without any.
  function picture(names, i) {
    var found = of(names, chosen, i), lead;
    if (found) return found;
    found = of(names, chosen === "scored" ? "display" : "scored", i);
    if (!found && (lead = self.AtlasQuery.stem(names.leads, i, names.size))) found = { file: lead, tile: 0, tiles: 1, faint: null };
    if (found) found.tag = "no " + chosen + " picture";
    return found;
  }

  // Say of a tile what is to be said of its picture
  function dress(a, shown) {
    var faint = shown && shown.faint, tag = shown ? [shown.tag, faint && faint[0]].filter(Boolean).join(", ") : "";
    a.className = a.className.replace(/\s*\b(faint|[lg]\d+)\b/g, "") + (faint ? " faint l" + faint[1] + " g" + faint[2] : "");
    if (tag) a.dataset.tag = tag; else delete a.dataset.tag;
    if (faint) a.dataset.gain = faint[2]; else delete a.dataset.gain;
  }

  function classesOf(shown) { return shown.tiles > 1 ? "k" + shown.tile + " n" + shown.tiles : ""; }

  // Links to pages of a model version keep the choice; those to a place on this page are left alone.
  function keep(event) {
    var a = event.target.closest && event.target.closest("a[href]"), words = text();
    if (!a || !/\/m\/[^/]+\/[^/]+\/[^?#]*\.html$/.test(a.pathname) || a.protocol !== location.protocol) return;
    if (a.pathname === location.pathname || !/^(#u\d+|#q=|#sort=|#recipe=|#contrast=|$)/.test(a.hash)) return;
    var kept = a.hash.slice(1).split("&").filter(function (part) { return part && !/^(recipe|contrast)=/.test(part); });
    a.hash = kept.concat(words || []).join("&");
  }

  read(new URLSearchParams(location.hash.slice(1)));
  addEventListener("pointerdown", keep, true);
  addEventListener("click", keep, true);
  self.Atlas.recipe = {
    mount: mount, read: read, text: text, pressed: pressed, picture: picture, dress: dress, classesOf: classesOf,
    stem: function () { return STEMS[chosen]; }, first: function () { return chosen === (there[0] || "scored"); },
  };
})();
