// Sorting and filtering of the condition table. Without script it is a plain table.
"use strict";
// Paper has no clicks: what is folded is opened for it.
addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((part) => part.setAttribute("open", ""));
});
(() => {
  const table = document.querySelector("table.sortable");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];

  const valueOf = (row, column, kind) => {
    const cell = row.cells[column];
    if (kind === "text") return cell.textContent.trim();
    return "value" in cell.dataset ? Number(cell.dataset.value) : NaN;
  };

  // Cells without a number stay at the end, whichever way the others are sorted.
  const compare = (a, b, direction) => {
    if (typeof a === "string") return direction * a.localeCompare(b, "en");
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
    return direction * (a - b);
  };

  // Condition and level span both header rows; the numbers' headers follow in the second.
  const headers = [...table.tHead.querySelectorAll("th[data-sort]")];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const ascending = header.getAttribute("aria-sort") !== "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const kind = header.dataset.sort;
      const keyed = rows.map((row) => [valueOf(row, column, kind), row]);
      keyed.sort(([a], [b]) => compare(a, b, ascending ? 1 : -1));
      body.append(...keyed.map(([, row]) => row));
    });
  });

  const box = document.querySelector(".filter");
  const input = document.getElementById("filter");
  const level = document.getElementById("level");
  const enough = document.getElementById("enough");
  const count = document.getElementById("filter-count");
  const filter = () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const [label, its] = [row.cells[0].textContent, row.cells[1].textContent];
      row.hidden =
        !label.toLowerCase().includes(wanted) ||
        (level.value !== "" && its !== level.value) ||
        (enough.checked && row.classList.contains("few"));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = `${shown} of ${rows.length} conditions`;
  };
  [input, level, enough].forEach((control) => control.addEventListener("input", filter));
  box.hidden = false;
  filter();
})();
