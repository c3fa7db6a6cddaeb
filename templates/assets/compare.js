// Sorts and filters the changes of a layer. Without it they stand in the order of the page, own ones first.
(function () {
  "use strict";

  var lists = [].slice.call(document.querySelectorAll("ol.sortable"));
  if (!lists.length) return;
  var pressed = new Set();

  function value(li, key) {
    return li.dataset[key] === "" ? NaN : Number(li.dataset[key]);
  }

  function rise(li) {
    return value(li, "after") - value(li, "before");
  }

  function by(number) {
    return function (a, b) {
      var x = number(a), y = number(b);
      return (isNaN(x) - isNaN(y)) || x - y || value(a, "unit") - value(b, "unit");
    };
  }

  var orders = {
    "similarity, least first": by(function (li) { return value(li, "likeness"); }),
    "similarity, most first": by(function (li) { return -value(li, "likeness"); }),
    "structure lost": by(rise),
    "structure gained": by(function (li) { return -rise(li); }),
    "state": function (a, b) { return a.dataset.state.localeCompare(b.dataset.state) || value(a, "unit") - value(b, "unit"); },
    "unit": by(function (li) { return value(li, "unit"); }),
  };

  var select = document.createElement("select");
  Object.keys(orders).concat("as listed").reverse().forEach(function (name) {
    var option = document.createElement("option");
    option.textContent = name;
    select.append(option);
  });
  var written = lists.map(function (list) { return [].slice.call(list.children); });
  select.addEventListener("change", function () {
    lists.forEach(function (list, i) {
      var rows = written[i].slice();
      if (orders[select.value]) rows.sort(orders[select.value]);
      list.append.apply(list, rows);
    });
  });

  var label = document.createElement("label"), bar = document.createElement("div");
  label.append("Order ", select);
  bar.className = "sorting";
  bar.append(label);
  lists[0].closest("details").before(bar);

  document.querySelectorAll(".states li").forEach(function (li) {
    var state = li.dataset.state;
    if (!lists.some(function (list) { return list.querySelector('li[data-state="' + state + '"]'); })) return;
    var button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    self.Atlas.labelled(li, button);
    button.addEventListener("click", function () {
      var on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", on);
      pressed[on ? "add" : "delete"](state);
      lists.forEach(function (list) {
        var rows = [].slice.call(list.children);
        rows.forEach(function (row) { row.hidden = pressed.size > 0 && !pressed.has(row.dataset.state); });
        if (pressed.size && rows.some(function (row) { return !row.hidden; })) list.closest("details").open = true;
      });
    });
  });

  // A row that the address names is seen even where its group is folded.
  function reveal() {
    var row = location.hash && document.getElementById(location.hash.slice(1)), group = row && row.closest("details");
    if (group && !group.open) { group.open = true; row.scrollIntoView(); }
  }
  window.addEventListener("hashchange", reveal);
  reveal();
})();
