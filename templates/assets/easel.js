// An easel: a picture, what it is of, its curve, and how it stands. What it shows and the form that asks for it
// belong together: `made` is always the form of the picture in the frame, or of the one that is on its way.
(function () {
  "use strict";

  var make = self.Atlas.make, curves = self.AtlasCurve;

  function parts(name, title, hint) {
    var own = {
      img: make("img", { alt: "", width: 240, height: 240, hidden: "" }), empty: make("p.empty", {}, hint),
      bar: make("progress", { max: 1, value: 0, hidden: "", "aria-label": "Steps, " + title }),
      of: make("p.of", {}), state: make("output.state", { role: "status" }), steps: make("span.steps"), what: make("p.what"),
      take: make("button.copy", { type: "button", title: "Fill in the form as it was for this picture" }, "Use these settings"),
      png: make("a.copy", { title: "The picture without loss, its recipe inside" }, "Download PNG"), line: curves.make(),
    };
    own.element = make("figure.easel", { id: name, "aria-label": title },
      own.of, make("div.frame", {}, own.img, own.empty), own.bar, own.line.element,
      make("figcaption", {}, make("p.stands", {}, own.state, own.steps), own.what, make("p.takes.idle", {}, own.take, own.png)));
    return own;
  }

  var NOTHING = { made: null, ticket: null, key: "", told: null, pinned: false, of: "" };

  // `told` is how a request stands (see desk.told), or what is known of a picture of the atlas in the same words.
  function easel(name, title, hint) {
    var own = Object.assign({ element: null }, NOTHING), drawn = parts(name, title, hint), refreshes = 0, began = 0, shown = 0;
    own.element = drawn.element;
    own.take = drawn.take;

    function picture(src, alt) {
      drawn.img.src = src;
      drawn.img.alt = alt;
      drawn.img.hidden = false;
      drawn.empty.hidden = true;
    }

    function noPicture(words) {
      drawn.img.hidden = true;
      drawn.img.removeAttribute("src");
      drawn.empty.hidden = false;
      drawn.empty.textContent = words;
    }

    function set(values) {
      Object.assign(own, NOTHING, values);
      own.element.dataset.state = "";
      drawn.of.textContent = own.of;
      drawn.bar.hidden = true;
      drawn.steps.textContent = "";
      drawn.what.textContent = "";
      takes();
    }

    // What can be done with the picture
    function takes() {
      drawn.take.parentNode.classList.toggle("idle", !own.key && !own.made);
      drawn.take.hidden = !own.made;
      drawn.png.hidden = !own.key;
      if (own.key) drawn.png.href = "/img/" + own.key + ".png" + (own.made ? "?of=" + encodeURIComponent(own.made.model + "/" + own.made.version) : "");
      else drawn.png.removeAttribute("href");
    }

    own.clear = function () {
      set({});
      drawn.state.textContent = "";
      noPicture(hint);
      own.draw();
    };

    // A picture of the atlas, and the form that would ask for it, where there is one
    own.atlas = function (lead, of) {
      set({ key: lead.key, made: lead.form, of: of, told: { curve: lead.curve, steps: lead.steps, activation: lead.activation } });
      drawn.state.textContent = "As in the atlas";
      drawn.steps.textContent = "recipe " + (lead.recipe || "unknown");
      picture("/img/" + lead.key + ".webp", of + ", as in the atlas");
      own.draw();
    };

    // What another easel shows, as it is now; `pinned` where a person wants it kept.
    own.keep = function (other, pinned) {
      set({ key: other.key, made: other.made, of: other.of, told: other.told, pinned: pinned });
      drawn.state.textContent = pinned ? "Kept" : "As in the atlas";
      picture("/img/" + other.key + ".webp", other.of + ", kept");
      own.draw();
    };

    own.begin = function (answer, of) {
      set({ made: answer.form, ticket: answer.tickets[0], of: of });
      refreshes = shown = 0;
      began = performance.now();
      drawn.bar.hidden = false;
      drawn.bar.removeAttribute("value");
      drawn.state.textContent = "Requested";
      own.element.dataset.refreshes = 0;
      own.element.dataset.state = "waiting";  // What it shows is of before, and dimmed.
      own.draw();
    };

    own.differs = function (text) { drawn.what.textContent = drawn.what.title = text; };

    // The curve, on a scale of its own or on one that is shared; `mark` is a step to point at.
    own.draw = function (scale, mark) {
      var told = own.told || { curve: [], steps: 1 };
      drawn.line.show(told.curve, told.steps, told.activation, scale, mark);
    };
    own.extent = function () { return own.told ? curves.extent(own.told.curve, own.told.steps, own.told.activation) : null; };

    own.show = function (told) {
      var says = stateWords(told, refreshes);
      if (told.state === "gone") told = Object.assign({}, own.told || told, { state: "gone", ended: false });
      own.told = told;
      own.element.dataset.state = told.state;
      if (drawn.state.textContent !== says[0]) drawn.state.textContent = says[0];
      drawn.steps.textContent = says[1];
      if (told.steps) { drawn.bar.max = told.steps; drawn.bar.value = told.step; }
      if (told.preview && told.preview !== shown) refresh(told.preview);
      if (!told.ended) return;
      drawn.bar.hidden = true;
      if (told.state !== "done" && !refreshes) noPicture("No picture was made.");
      if (told.state !== "done" || !told.key) return;
      own.key = told.key;
      takes();
      own.finished();
    };

    own.finished = function () { if (own.key) picture("/img/" + own.key + ".webp", own.of); };

    // The picture as it was on its way
    own.frame = function (src, step) { picture(src, own.of + ", after step " + step); };

    function refresh(n) {
      shown = n;
      refreshes += 1;
      if (refreshes === 1) own.element.dataset.firstMs = Math.round(performance.now() - began);
      own.element.dataset.refreshes = refreshes;
      picture("/progress/" + own.ticket.id + "/" + n + ".webp", own.of + ", while it is being rendered");
    }

    own.clear();
    return own;
  }

  // How a request stands: in bold, and what is less important
  function stateWords(told, refreshes) {
    var seconds = told.seconds.toFixed(1) + " s";
    if (told.state === "waiting") return [told.place ? "Waiting, " + told.place + " before it" : "Next in turn", ""];
    if (told.state === "gone") return ["No connection to the explorer; trying again", ""];
    if (told.state === "starting") return ["Preparing", seconds];
    if (told.state === "rendering") return ["Rendering", "step " + told.step + " of " + told.steps + ", " + seconds];
    if (told.state === "done") return ["Done", told.message ? seconds + "; " + told.message : refreshes ? seconds : "from the store"];
    if (told.state === "failed") return ["Failed: " + told.message, ""];
    return [told.state === "replaced" ? "Replaced by a newer request" : "Cancelled", told.message || (told.step ? "at step " + told.step : "")];
  }

  self.AtlasEasel = { make: easel };
})();
