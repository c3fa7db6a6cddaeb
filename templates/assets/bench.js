// The bench: an easel for what is being rendered and one for what is kept to compare with it, the form, and strips.
// The server says what is asked for and how it stands; nothing is computed here.
(function () {
  "use strict";

  var make = self.Atlas.make, number = self.AtlasCurve.number;
  var POLL_MS = 120, CALM_MS = 1000;

  // What is being rendered: asked after together, only while something is. `running` is called with those that are.

  // How a request stands of which nothing else is known
  function without(state, message) {
    return { state: state, ended: state === "failed", message: message, place: 0, curve: [], steps: 0, step: 0, seconds: 0 };
  }

  function watcher(running) {
    var open = new Map(), timer = 0, asking = false, troubled = false;

    // Only those that were asked after: another may have come meanwhile.
    function receive(answers, asked) {
      asked.forEach(function (id) {
        var show = open.get(id);
        if (!show) return;
        var own = answers[id] || without("failed", "the explorer does not know this request any more");
        show(own);
        if (own.ended) open.delete(id);
      });
      running(Array.from(open.keys()));
    }

    function tick() {
      timer = 0;
      if (!open.size || asking) return;
      var asked = Array.from(open.keys());
      asking = true;
      fetch("/progress.json?of=" + asked.join(",")).then(function (answer) {
        if (!answer.ok) throw new Error("answered " + answer.status);
        return answer.json();
      }).then(function (answers) {
        troubled = false;
        receive(answers, asked);
      }).catch(function () {
        troubled = true;
        open.forEach(function (show) { show(without("gone", "")); });
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

  // What differs between two requests, in the words of each. Of two recipes the numbers differ anyway: only those
  // that somebody set are listed then.
  function differences(fields, a, b) {
    var left = fields.full(a), right = fields.full(b);
    var names = Object.keys(right).filter(function (k) {
      return JSON.stringify(left[k]) !== JSON.stringify(right[k]) && (a.recipe === b.recipe || !fields.isNumber(k) || k in a.numbers || k in b.numbers);
    });
    function words(own) { return names.map(function (k) { return k + " " + number(own[k]); }).join(", "); }
    return { n: names.length, left: words(left), right: words(right) };
  }

  function copyButtons() {
    ["toml", "command"].forEach(function (id) {
      var pre = document.getElementById(id);
      pre.after(self.Atlas.copyButton("Copy", function () { return pre.textContent; }, pre));
    });
  }

  // `data` is what the page was drawn from, `set` writes a store of Dash. `page` takes the title (`titled(form, words)`)
  // and what the address should keep (`noted(text)`), and gives the `link` to it.
  function mount(data, set, page) {
    var live = self.AtlasEasel.make("live", "The picture", "Render draws here.");
    var kept = self.AtlasEasel.make("kept", "Kept for comparison", "“Keep for comparison” puts a picture here, next to those that follow.");
    var watch = watcher(function (ids) { set("running", ids); }), fields = self.AtlasForm.mount(data, changed), count = 0, base = null, stored = false;
    var growth = self.AtlasStrips.growth(live, function () { ask(live.made, true); });
    var pending = make("p.pending", { role: "status" }), sweeping = null;
    var why = whyNot(data);

    function whyNot(of) {
      return data.versions.find(function (v) { return v.model === of.model && v.version === of.version; }).why;
    }

    function ask(form, grow) {
      count += 1;
      set("again", { form: form, growth: Boolean(grow), n: count });
    }

    // At every change the picture is requested again, where the reader wants that.
    function changed() {
      publish();
      var form = fields.value();
      if (fields.follows() && form.layer && !whyNot(form)) ask(form);
    }

    function publish() {
      set("form", fields.value());
      compare();
    }

    // In what the form differs from the picture, and the two pictures from each other; one scale where they compare.
    function compare() {
      var form = fields.value(), off = live.made ? differences(fields, form, live.made) : null;
      pending.textContent = !off || !off.n ? "" : "Not rendered yet: " + off.left + ".";
      document.getElementById("render").classList.toggle("due", Boolean(pending.textContent));
      page.noted(form.layer && (differences(fields, form, base).n || (live.made && !stored)) ? fields.toText(form) : "");
      var both = live.made && kept.made, between = both ? differences(fields, live.made, kept.made) : null;
      live.differs(between ? between.left || "the same settings" : "");
      kept.differs(between ? between.right || "the same settings" : "");
      live.draw(scale());
      kept.draw(scale());
      ready();
    }

    // Only a finished picture can be kept.
    function ready() { document.getElementById("keep").disabled = !live.key; }

    function scale() {
      if (!live.made || !kept.made) return undefined;
      var a = fields.full(live.made), b = fields.full(kept.made);
      if (a.layer !== b.layer || a.objective !== b.objective) return undefined;  // Their numbers are not of one kind.
      return self.AtlasCurve.joined(live.extent(), kept.extent()) || undefined;
    }

    function quit() { if (live.ticket) watch.drop(live.ticket.id); }

    // Something else is chosen: what is on its way for the last one is no longer looked at.
    function choose(form, lead, of, text) {
      var given = text && form.layer ? fields.fromText(text, form.layer) : null;
      quit();
      stored = Boolean(lead && lead.form);
      base = stored ? lead.form : form;
      fields.load(given || base);
      if (lead) live.atlas(lead, of); else live.clear();
      if (!kept.pinned) kept.clear();
      growth.clear(Boolean(lead && lead.form) && !why);
      document.getElementById("sweep-strip").replaceChildren();
      publish();
      if (given && (!stored || differences(fields, given, base).n) && data.renders) ask(given);
    }

    function introduce(title, note, linked) {
      var heading = make("h2", {}, title), link = linked ? self.Atlas.copyButton("Copy link", page.link) : null;
      document.getElementById("head").replaceChildren(make("div.head-line", {}, heading, link), make("p.note", {}, note));
      document.getElementById("evidence").replaceChildren();
    }

    function begin(answer) {
      var ticket = answer.tickets[0];
      quit();
      if (!live.ticket && live.key && !kept.key && answer.what === "picture") kept.keep(live, false);  // The atlas's own.
      var other = answer.form.model !== data.model || answer.form.version !== data.version;
      live.begin(answer, answer.form.layer + ", " + answer.words + (other ? ", version " + answer.form.version : ""));
      growth.clear(false);
      page.titled(answer.form, answer.words);
      compare();
      watch.add(ticket, function (now) {
        if (live.ticket !== ticket) return;
        live.show(now);
        live.draw(scale());
        ready();
        if (!now.ended) return;
        if (now.grown) growth.load(now.key); else growth.clear(now.state === "done");
        kept.draw(scale());
      });
    }

    growth.scale = scale;
    document.getElementById("easels").append(live.element, kept.element);
    document.getElementById("growth").append(growth.element);
    document.getElementById("form-place").append(fields.element);
    document.querySelector(".actions").append(pending);
    document.getElementById("keep").addEventListener("click", function () {
      if (!live.key) return;
      kept.keep(live, true);
      compare();
    });
    document.getElementById("sweep").addEventListener("click", function () {
      sweeping = self.AtlasStrips.sweep(data.weights);
      document.getElementById("sweep-strip").replaceChildren.apply(document.getElementById("sweep-strip"), sweeping.elements);
      document.getElementById("sweep-strip").scrollIntoView({ block: "nearest" });  // It may be behind the stage, which stays in sight.
    });
    [live, kept].forEach(function (own) {
      own.take.addEventListener("click", function () { fields.load(own.made); changed(); });
    });
    copyButtons();
    nameUpload();
    var stage = document.querySelector(".stage");
    new ResizeObserver(function () { stage.parentElement.style.setProperty("--stage", stage.offsetHeight + "px"); }).observe(stage);
    if (why) document.querySelector(".actions").after(make("p.wrong", {}, "It can be looked at here, not rendered: " + why));

    return {
      setUnit: function (layer, unit, lead, text) { choose(fields.plain(layer, String(unit)), lead, layer + ", unit " + unit, text); },
      setLayer: function (layer, n, text) {
        introduce(layer, "The layer as a whole" + (n ? ", " + n + " units" : "") + ". Choose a unit in the grid, or render all of it.", true);
        choose(fields.plain(layer, "layer"), null, "", text);
      },
      setNothing: function () {
        introduce("Choose a unit", "In the grid, or a layer in the table to render all of it.");
        choose(fields.plain("", ""), null, "");
      },
      addUnit: fields.addUnit,
      watch: function (answer) {
        if (answer.wrong || !answer.tickets) {
          if (answer.what === "sweep") document.getElementById("sweep-strip").replaceChildren();
          return;
        }
        if (answer.what !== "sweep") return begin(answer);
        if (sweeping) sweeping.begin(answer, watch, fields.setWeight);
        sweeping = null;
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
