"use strict";
// The table of trials: sorted by its headings, narrowed by text, state and a range.
(() => {
  const table = document.getElementById("trials-table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  const field = (name) => document.getElementById(`filter-${name}`);

  function key(row, column) {
    const { key: kept } = row.cells[column].dataset;
    if (kept === undefined) return null;
    return headings[column].classList.contains("number") ? Number(kept) : kept;
  }

  function sort(column, ascending) {
    const sign = ascending ? 1 : -1;
    rows.sort((one, other) => {
      const a = key(one, column), b = key(other, column);
      if (a === null || b === null) return (a === null) - (b === null); // unknown ones last, always
      return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
    });
    body.append(...rows);
    headings.forEach((heading, place) => {
      const word = place !== column ? "none" : ascending ? "ascending" : "descending";
      heading.setAttribute("aria-sort", word);
    });
  }

  headings.forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      sort(column, heading.getAttribute("aria-sort") !== "ascending");
    });
  });

  function fits(row) {
    const text = field("text").value.trim().toLowerCase();
    if (text && !row.textContent.toLowerCase().includes(text)) return false;
    if (field("state").value && row.dataset.state !== field("state").value) return false;
    const [low, high] = [field("low"), field("high")].map((each) => each.valueAsNumber);
    if (Number.isNaN(low) && Number.isNaN(high)) return true;
    const value = key(row, Number(field("column").value));
    return value !== null && !(value < low) && !(value > high);
  }

  let waiting = 0;
  function filter() {
    const numbers = new Set();
    for (const row of rows) {
      row.hidden = !fits(row);
      if (!row.hidden) numbers.add(Number(row.dataset.number));
    }
    field("count").value = `${numbers.size} of ${rows.length} trials`;
    clearTimeout(waiting);
    waiting = setTimeout(() => report.show(numbers.size === rows.length ? null : numbers), 120);
  }

  const form = document.getElementById("filter");
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
})();
