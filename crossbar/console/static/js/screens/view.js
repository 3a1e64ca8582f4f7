/** What can be read but is no document of a list: shown as a table, or as it is. */
import {apiPath, compose} from "../api.js";
import {html} from "../html.js";
import {reading} from "../model.js";
import {href} from "../router.js";
import {call} from "../session.js";
import {Problem, Screen, useAnswer, Waiting} from "../ui.js";
import {pretty} from "../values.js";
import {label} from "../words.js";
import {Below} from "./below.js";
import {Table} from "./table.js";
import {Trail} from "./trail.js";

/** The answer of the operation that reads a place, where there is one. */
export function ViewScreen({here, place, account}) {
  const operation = reading(place);
  const path = apiPath(here.path);
  // What only leads further reads nothing: the document that tells where made its screen.
  const request = () => (operation ? (answer.value ?? answer.error)?.request : compose("GET", "/openapi.json", {}));
  const answer = useAnswer(() => (operation ? call("GET", path) : Promise.resolve(null)), [path]);
  return html`<${Screen} title=${label(here.path.at(-1))} about=${operation?.summary}
    above=${html`<${Trail} ...${{here, place, account}} />`} request=${request()}
    actions=${here.path.at(-1) === "children" && html`<a class="button primary"
      href=${href(here.path.slice(0, -1), {show: "new"})}>New account</a>`}>
    <${Problem} error=${answer.error} />
    ${operation && !answer.value && !answer.error && html`<${Waiting} />`}
    ${answer.value && html`<${Shown} answer=${answer.value} here=${here} place=${place} name=${here.path.at(-1)} />`}
    <${Below} here=${here} place=${place} />
  </${Screen}>`;
}

/** Any answer: rows, one thing, or bytes to keep. */
export function Shown({answer, here, place, name}) {
  const {data, blob} = answer;
  if (blob) return html`<p><${Download} blob=${blob} name=${name} /></p>`;
  if (data === undefined) return html`<p>Done.</p>`;
  if (Array.isArray(data) && !data.length) return html`<div class="empty"><p>There is nothing here.</p></div>`;
  if (Array.isArray(data)) return html`<${Rows} ...${{data, here, place, name}} />`;
  return html`<pre tabindex="0">${pretty(data)}</pre>`;
}

function Rows({data, here, place, name}) {
  const rows = data.map((row) => (row !== null && typeof row === "object" ? row : {value: row}));
  const columns = [...new Set(rows.flatMap(Object.keys))];
  const link = linkFor(here, place);
  return html`<${Table} rows=${rows} columns=${columns} caption=${label(name)} link=${link} />`;
}

/** Where rows lead: accounts to themselves, others to what is below here, if there is anything. */
function linkFor(here, place) {
  if (!place) return null;
  if (reading(place)?.family === "accounts") return (row) => href(["accounts", row.id]);
  return place.item && reading(place.item) ? (row) => href([...here.path, row.id]) : null;
}

/** A link that saves bytes. */
export function Download({blob, name}) {
  const url = URL.createObjectURL(blob);
  return html`<a class="button" href=${url} download=${name}>Download (${Math.ceil(blob.size / 1024)} kB)</a>`;
}
