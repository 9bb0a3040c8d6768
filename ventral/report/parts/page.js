// Tables: sorted by a click on a column's name, rows chosen by the values of a column. Without it all rows stand as they are.
"use strict";
for (const box of document.querySelectorAll("[data-table]")) {
  const table = box.querySelector("table[data-sortable]");
  if (!table) continue;
  const body = table.tBodies[0];
  const first = [...body.rows];
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    return "key" in cell.dataset ? Number(cell.dataset.key) : cell.textContent;
  };
  const missing = (value) => value === "" || Number.isNaN(value);
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));

  const sort = (header, column) => {
    const turned = header.getAttribute("aria-sort");
    const numbers = first.some((row) => typeof valueOf(row, column) === "number");
    const start = numbers ? "descending" : "ascending";
    const next = !turned ? start : turned === start ? (numbers ? "ascending" : "descending") : null;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    if (next) header.setAttribute("aria-sort", next);
    const sign = next === "descending" ? -1 : 1;
    const ordered = next
      ? [...first].sort((a, b) => {
          const [x, y] = [valueOf(a, column), valueOf(b, column)];
          return missing(x) || missing(y) ? missing(x) - missing(y) : sign * compare(x, y);
        })
      : first;
    body.append(...ordered);
  };
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    button.addEventListener("click", () => sort(header, column));
    header.replaceChildren(button);
  });

  const form = box.querySelector(".filters");
  const choose = () => {
    const chosen = [...form.querySelectorAll("select")].filter((select) => select.value);
    let shown = 0;
    for (const row of first) {
      row.hidden = chosen.some((select) => row.cells[select.dataset.column].textContent !== select.value);
      shown += !row.hidden;
    }
    form.querySelector("output").textContent = shown === first.length ? `${shown} rows` : `${shown} of ${first.length} rows`;
  };
  form.hidden = false;
  form.addEventListener("change", choose);
  form.addEventListener("submit", (event) => event.preventDefault());
}
