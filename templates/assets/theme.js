// Sets the chosen theme before anything is drawn. Without it, or without storage, the system's choice holds.
// Embedded in another page (?embed, ?embed=dark) a unit is light or dark as that page asks.
(function () {
  "use strict";
  var theme = null;
  try { theme = localStorage.getItem("atlas-theme"); } catch (error) { /* storage may be closed */ }
  var embed = new URLSearchParams(location.search).get("embed");
  if (embed !== null) {
    document.documentElement.classList.add("embed");
    theme = embed === "dark" ? "dark" : "light";
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
