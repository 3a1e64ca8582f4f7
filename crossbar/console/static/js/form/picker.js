/** Choosing a document of the account by its name, where a field holds its id. */
import {html, useEffect} from "../html.js";
import {call} from "../session.js";
import {useAnswer} from "../ui.js";
import {titleOf} from "../words.js";

const MOST = 200; // documents to choose from; an id can always be typed
const names = new Map();

/** What people call the thing with an id: as the server says, or as it was called when chosen. */
export function nameOf(id, metadata = {}) {
  if (typeof id !== "string") return "";
  return metadata[id]?.name ?? names.get(id) ?? id;
}

/** A select of the family's documents; a text field when there are none, or too many. */
export function Picker({noun, account, value, set, required, marks, none = "Not set"}) {
  const answer = useAnswer(
    () => call("GET", `/accounts/${account.id}/${noun}?page_size=${MOST}`),
    [account.id, noun],
  );
  const rows = answer.value?.data.map((row) => (typeof row === "string" ? {id: row} : row)) ?? [];
  useEffect(() => {
    for (const row of rows) names.set(row.id, titleOf(row));
  }, [answer.value]);
  const choose = (event) => set(event.target.value || undefined);
  const isLong = Boolean(answer.value?.envelope.next_start_key);
  if (answer.error || isLong || (answer.value && !rows.length)) {
    return html`<input ...${marks} value=${value ?? ""} onInput=${choose} autocomplete="off" spellcheck=${false} />`;
  }
  const isKnown = value === undefined || rows.some(({id}) => id === value);
  return html`<select ...${marks} value=${value ?? ""} onChange=${choose}>
    ${(!required || value === undefined) && html`<option value="">${none}</option>`}
    ${!isKnown && html`<option value=${value}>${value}</option>`}
    ${rows.map((row) => html`<option key=${row.id} value=${row.id}>${titleOf(row)}</option>`)}
  </select>`;
}
