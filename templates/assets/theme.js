// Sets the chosen theme before anything is drawn. Without it, or without storage, the system's choice holds.
(function () {
  "use strict";
  var theme = null;
  try { theme = localStorage.getItem("atlas-theme"); } catch (error) { /* storage may be closed */ }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
