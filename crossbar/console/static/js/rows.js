/** Tables whose cells are made by hand; where the window is narrow each row is a small card. */
import {html} from "./html.js";

/**
 * @param {object} props
 * @param {string} props.caption
 * @param {{title: string, cell: (row: any) => any, kind?: "number" | "tools"}[]} props.columns
 * @param {any[]} props.rows
 * @param {(row: any) => string} props.keyOf
 * @param {(row: any) => any} [props.detail] what is shown below a row, if anything
 */
export function Rows({caption, columns, rows, keyOf, detail = () => null}) {
  return html`<div class="table-frame" tabindex="0" role="region" aria-label=${caption}>
    <table class="stacked">
      <caption class="hidden">${caption}</caption>
      <thead><tr>${columns.map(({title, kind}) => html`<th scope="col" key=${title} class=${kind}>
        ${kind === "tools" ? html`<span class="hidden">${title}</span>` : title}</th>`)}</tr></thead>
      <tbody>${rows.map((row) => [
        html`<tr key=${keyOf(row)}>${columns.map(({title, cell, kind}) => html`<td key=${title} class=${kind}
          data-title=${kind === "tools" ? null : title}>${cell(row)}</td>`)}</tr>`,
        detail(row) && html`<tr class="detail" key=${`${keyOf(row)} detail`}>
          <td colspan=${columns.length}>${detail(row)}</td></tr>`,
      ])}</tbody>
    </table>
  </div>`;
}

/** A state in a word: good, bad or neither. */
export function State({kind = "", children}) {
  return html`<span class=${`chip state ${kind}`}>${children}</span>`;
}

/** Somebody in a call: the number, and the name where there is one. */
export function Party({name = "", number = ""}) {
  if (!name || name === number) return number || "unknown";
  return html`<span class="party">${name} ${number && html`<span class="fine">${number}</span>`}</span>`;
}
