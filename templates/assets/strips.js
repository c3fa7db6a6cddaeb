// Strips of small pictures: how a picture grew, to be scrubbed, and the same under nine weights.
(function () {
  "use strict";

  var make = self.Atlas.make, THUMBS = 14;

  // How the picture on an easel grew. `live` is the easel; `ask` renders its picture once more, to see it grow.
  function growth(live, ask) {
    var slider = make("input", { type: "range", min: 0, value: 0, step: 1, id: "growth-step" });
    var step = make("output", { for: "growth-step" }), film = make("div.film", { "aria-hidden": "true" });
    var save = make("a.copy", { title: "An animated WebP" }, "Download animation");
    var button = make("button.copy", { type: "button", id: "grow" }, "Show how it grows");
    var strip = make("div.growth", { hidden: "" }, film, make("p.scrub", {}, make("label", {}, "Step ", slider), step, save));
    var offer = make("p.offer", {}, button, make("span.note", {}, " renders it once more, and keeps what it looked like on its way."));
    var element = make("div.growth-place", {}, strip, offer), found = null, wanted = "";

    function last() { return found.frames.length - 1; }

    function show(i) {
      var word = "step " + found.steps[i] + " of " + found.steps[last()];
      step.textContent = i === last() ? found.steps[i] + " steps, finished" : word;
      slider.setAttribute("aria-valuetext", word);
      if (i === last()) live.finished();
      else live.frame(found.frames[i], found.steps[i]);
      live.draw(own.scale(), i === last() ? undefined : found.steps[i]);
    }

    slider.addEventListener("input", function () { show(Number(slider.value)); });
    button.addEventListener("click", ask);

    var own = {
      element: element,
      scale: function () { return undefined; },
      // Nothing is known of how the picture grew; `can` says whether it can be rendered to see that.
      clear: function (can) {
        found = null;
        wanted = "";
        strip.hidden = true;
        offer.hidden = false;
        button.disabled = !can;
      },
      load: function (key) {
        wanted = key;
        fetch("/growth/" + key + ".json").then(function (answer) {
          if (!answer.ok) throw new Error("answered " + answer.status);
          return answer.json();
        }).then(function (frames) {
          if (wanted !== key) return;
          found = frames;
          slider.max = last();
          slider.value = last();
          save.href = "/growth/" + key + ".webp";
          film.replaceChildren.apply(film, thumbs());
          strip.hidden = false;
          offer.hidden = true;
          show(last());
        }, function () { if (wanted === key) own.clear(true); });
      },
    };

    // About as many as there is room for, at even distances; a click goes there.
    function thumbs() {
      var n = Math.min(THUMBS, found.frames.length);
      return Array.from({ length: n }, function (_, k) {
        var i = n > 1 ? Math.round(k * last() / (n - 1)) : 0, img = make("img", { src: found.frames[i], alt: "", width: 40, height: 40, title: "step " + found.steps[i] });
        img.addEventListener("click", function () { slider.value = i; show(i); });
        return img;
      });
    }

    own.clear(false);
    return own;
  }

  // The strip of a sweep: a picture for each weight, which a click takes. It has its size before anything is there.
  function sweep(weights) {
    var title = make("h2.small", {}, "Nine weights of total variation"), cells = weights.map(function (weight) {
      var cell = { img: make("img", { alt: "", width: 96, height: 96 }), state: make("span.state") };
      cell.button = make("button", { type: "button", title: "Use this weight" }, cell.img, make("b", {}, "tv " + weight), cell.state);
      cell.item = make("li", { "data-state": "waiting" }, cell.button);
      return cell;
    });
    var list = make("ul.sweep", { "aria-label": title.textContent });
    list.append.apply(list, cells.map(function (cell) { return cell.item; }));

    function follow(cell, ticket, words) {
      var shown = 0;
      return function (progress) {
        cell.item.dataset.state = progress.state;
        cell.state.textContent = progress.state === "done" ? "" : progress.state === "failed" ? "failed: " + progress.message : progress.state;
        if (progress.preview && progress.preview !== shown) {
          shown = progress.preview;
          cell.img.src = "/progress/" + ticket.id + "/" + shown + ".webp";
        }
        if (progress.state !== "done" || !progress.key) return;
        cell.img.src = "/img/" + progress.key + ".webp";
        cell.img.alt = words + ", tv " + ticket.note;
      };
    }

    return {
      elements: [title, list],
      begin: function (answer, watch, take) {
        title.textContent = "Nine weights of total variation: " + answer.form.layer + ", " + answer.words;
        answer.tickets.forEach(function (ticket, i) {
          cells[i].button.addEventListener("click", function () { take(Number(ticket.note)); });
          watch.add(ticket, follow(cells[i], ticket, answer.words));
        });
      },
    };
  }

  self.AtlasStrips = { growth: growth, sweep: sweep };
})();
