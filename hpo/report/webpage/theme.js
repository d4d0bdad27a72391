"use strict";
// In the head, so that the page never flashes in the other colours.
(() => {
  try {
    const kept = localStorage.getItem("goldilocks-theme");
    if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  } catch { /* a browser may keep nothing for files */ }
})();
