// Before the page is drawn: the colours that were chosen here, if any; without a choice the system's.
"use strict";
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* No storage: the system's. */ }
