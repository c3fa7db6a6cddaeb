// The report in a frame whose page stands in an attribute: there a link to a place of the page leads to the page around.
(function () {
  "use strict";

  function bare(address) { return address.split("#")[0]; }
  if (bare(document.baseURI) === bare(location.href)) return;
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[href^='#']");
    var place = link && document.getElementById(decodeURIComponent(link.getAttribute("href").slice(1)));
    if (!place) return;
    event.preventDefault();
    place.scrollIntoView();
    place.setAttribute("tabindex", "-1");
    place.focus({ preventScroll: true });
  });
})();
