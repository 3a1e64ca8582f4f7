/** Rows of anything as a table. */
import {html} from "../html.js";
import {brief, label, titleOf} from "../words.js";

const LEAST_INTERESTING = ["id", "flags", "_read_only"];
const MOST = 7; // columns, so that a table fits on a screen

/**
 * @param {object} props
 * @param {object[]} props.rows
 * @param {string[]} props.columns keys in their order; those without any value are left out
 * @param {string} props.caption
 * @param {((row: object) => string) | null} [props.link] where a row leads
 */
export function Table({rows, columns, caption, link = null}) {
  const shown = worthShowing(rows, columns);
  return html`<div class="table-frame" tabindex="0" role="region" aria-label=${caption}>
    <table>
      <caption class="hidden">${caption}</caption>
      <thead><tr>${shown.map((name) => html`<th scope="col" key=${name}>${label(name)}</th>`)}</tr></thead>
      <tbody>${rows.map((row, i) => html`<tr key=${row.id ?? i}>
        ${shown.map((name, column) => html`<td key=${name} class=${name === "id" ? "mono" : ""}>
          ${link && column === 0 && row.id
            ? html`<a href=${link(row)}>${brief(row[name], name) || titleOf(row)}</a>`
            : cut(brief(row[name], name))}</td>`)}
      </tr>`)}</tbody>
    </table>
  </div>`;
}

const LONGEST = 80; // characters of a cell

/** A text as a cell shows it; all of it is its title. */
export function cut(text) {
  return text.length > LONGEST ? html`<span title=${text}>${text.slice(0, LONGEST)}…</span>` : text;
}

/** What people know a document by comes first, its id last. */
function worthShowing(rows, columns) {
  const used = columns.filter((name) => rows.some((row) => brief(row[name]) !== ""));
  const rank = (name) => {
    const place = LEAST_INTERESTING.indexOf(name);
    if (place >= 0) return 100 - place;
    return ["name", "username", "number", "first_name", "last_name"].includes(name) ? -1 : 0;
  };
  const ordered = used.toSorted((one, other) => rank(one) - rank(other));
  const leading = ordered.filter((name) => name !== "id").slice(0, MOST);
  return used.includes("id") ? [...leading, "id"] : leading;
}
