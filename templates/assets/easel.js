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

  var NOTHING = { made: null, ticket: null, key: "", progress: null, pinned: false, of: "" };

  // `progress` is how a request stands (desk.progress), or what is known of a picture of the atlas in the same form.
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
      var cut = own.of.indexOf(", ") + 1;  // Of a long name the end may be hidden, of the units nothing.
      drawn.of.replaceChildren(make("span", {}, own.of.slice(0, cut)), " ", make("span", {}, own.of.slice(cut + 1)));
      drawn.of.title = own.of;
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
      set({ key: lead.key, made: lead.form, of: of, progress: { curve: lead.curve, steps: lead.steps, activation: lead.activation } });
      drawn.state.textContent = "As in the atlas";
      drawn.steps.textContent = "recipe " + (lead.recipe || "unknown");
      picture("/img/" + lead.key + ".webp", of + ", as in the atlas");
      own.draw();
    };

    // What another easel shows, as it is now; `pinned` where a person wants it kept.
    own.keep = function (other, pinned) {
      set({ key: other.key, made: other.made, of: other.of, progress: other.progress, pinned: pinned });
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
      var progress = own.progress || { curve: [], steps: 1 };
      drawn.line.show(progress.curve, progress.steps, progress.activation, scale, mark);
    };
    own.extent = function () { return own.progress ? curves.extent(own.progress.curve, own.progress.steps, own.progress.activation) : null; };

    own.show = function (progress) {
      var says = stateWords(progress);
      if (progress.state === "gone") progress = Object.assign({}, own.progress || progress, { state: "gone", ended: false });
      own.progress = progress;
      own.element.dataset.state = progress.state;
      if (drawn.state.textContent !== says[0]) drawn.state.textContent = says[0];
      drawn.steps.textContent = says[1];
      if (progress.steps) { drawn.bar.max = progress.steps; drawn.bar.value = progress.step; }
      if (progress.preview && progress.preview !== shown) refresh(progress.preview);
      if (!progress.ended) return;
      drawn.bar.hidden = true;
      if (progress.state !== "done" && !refreshes) noPicture("No picture was made.");
      if (progress.state !== "done" || !progress.key) return;
      own.key = progress.key;
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
  function stateWords(progress) {
    var seconds = progress.seconds.toFixed(1) + " s";
    if (progress.state === "waiting") return [progress.place ? "Waiting, " + progress.place + " before it" : "Next in turn", ""];
    if (progress.state === "gone") return ["No connection to the explorer; trying again", ""];
    if (progress.state === "starting") return ["Preparing", seconds];
    if (progress.state === "rendering") return ["Rendering", "step " + progress.step + " of " + progress.steps + ", " + seconds];
    if (progress.state === "done") return ["Done", progress.stored ? "from the store" : seconds + ", " + progress.step + " steps" + (progress.message ? "; " + progress.message : "")];
    if (progress.state === "failed") return ["Failed: " + progress.message, ""];
    return [progress.state === "replaced" ? "Replaced by a newer request" : "Cancelled", progress.message || (progress.step ? "at step " + progress.step : "")];
  }

  self.AtlasEasel = { make: easel };
})();
