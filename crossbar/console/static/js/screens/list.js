/** A list of documents: pages and filters are the server's, and part of the address. */
import {apiPath} from "../api.js";
import {html} from "../html.js";
import {changed, go, href} from "../router.js";
import {call} from "../session.js";
import {Problem, Screen, useAnswer, Waiting} from "../ui.js";
import {label, singular} from "../words.js";
import {Below} from "./below.js";
import {Filters, filtersOf} from "./filters.js";
import {Table} from "./table.js";
import {Trail} from "./trail.js";

const SIZES = ["25", "50", "100"];

/** The documents of a family, a page at a time. */
export function ListScreen({here, place, account, model}) {
  const noun = here.path.at(-1);
  const {list, create} = place.operations;
  const query = new URLSearchParams(here.query);
  if (!query.has("page_size")) query.set("page_size", SIZES[0]);
  const answer = useAnswer(() => call("GET", `${apiPath(here.path)}?${query}`), [here.href]);
  const rows = answer.value?.data.map((row) => (typeof row === "string" ? {id: row} : row));
  const change = (changes) => go(href(here.path, changed(here.query, changes)));
  return html`<${Screen} title=${label(noun)} above=${html`<${Trail} ...${{here, place, account}} />`}
    request=${(answer.value ?? answer.error)?.request}
    actions=${create?.schema && html`<a class="button primary" href=${href(here.path, {show: "new"})}>
      New ${singular(noun)}</a>`}>
    <${Filters} here=${here} schema=${list.schema} model=${model} columns=${list.columns} />
    <${Problem} error=${answer.error} />
    ${!rows && !answer.error && html`<${Waiting} />`}
    ${rows && rows.length > 0 && html`<${Table} rows=${rows} columns=${list.columns}
      caption=${label(noun)} link=${(row) => href([...here.path, row.id])} />`}
    ${rows && !rows.length && html`<${Nothing} ...${{here, create, noun}} />`}
    ${rows && (rows.length > 0 || here.query.has("start_key")) && html`<${Pages} here=${here} envelope=${answer.value.envelope} change=${change} />`}
    <${Below} here=${here} place=${place} />
  </${Screen}>`;
}

function Nothing({here, create, noun}) {
  const isNarrowed = filtersOf(here.query).length > 0 || here.query.has("start_key");
  if (isNarrowed) {
    return html`<div class="empty"><p>Nothing fits.</p>
      <p><a class="button" href=${href(here.path)}>Show everything</a></p></div>`;
  }
  return html`<div class="empty"><p>There are no ${label(noun).toLowerCase()} yet.</p>
    ${create?.schema && html`<p><a class="button" href=${href(here.path, {show: "new"})}>
      Create the first ${singular(noun)}</a></p>`}</div>`;
}

/** How many rows a page has, in which order, and the way to the next. */
export function Pages({here, envelope, change}) {
  const {page_size: size, next_start_key: next} = envelope;
  const isFirst = !here.query.has("start_key");
  return html`<nav class="pages" aria-label="Pages">
    <span class="fine" role="status">${size} ${size === 1 ? "row" : "rows"}${next ? ", and more" : ""}</span>
    <label class="fine">Rows per page
      <select value=${here.query.get("page_size") ?? SIZES[0]}
        onChange=${(event) => change({page_size: event.target.value, start_key: null})}>
        ${SIZES.map((each) => html`<option key=${each}>${each}</option>`)}
      </select></label>
    <label class="fine">Order
      <select value=${here.query.get("ascending") ?? "false"}
        onChange=${(event) => change({ascending: event.target.value, start_key: null})}>
        <option value="false">Descending</option><option value="true">Ascending</option>
      </select></label>
    <span class="buttons">
      <button type="button" disabled=${isFirst} onClick=${() => change({start_key: null})}>First page</button>
      <button type="button" disabled=${isFirst} onClick=${() => history.back()}>Back</button>
      <button type="button" disabled=${!next} onClick=${() => change({start_key: next})}>Next page</button>
    </span>
  </nav>`;
}
