/** A range of days for lists of what happened; it is part of the address. */
import {html} from "../html.js";
import {gregorian} from "../words.js";

const DAY = 86_400_000;
const SHORT = {Today: 1, "7 days": 7, "30 days": 30};
const USUAL = 7; // days that are shown before anybody has chosen

/** A day of this place, as inputs and addresses write it. */
function written(date) {
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

function daysBack(days) {
  return {from: written(new Date(Date.now() - (days - 1) * DAY)), to: written(new Date())};
}

/** The days that an address names, or the latest ones. */
export function daysOf(query) {
  const usual = daysBack(USUAL);
  return {from: query.get("from") || usual.from, to: query.get("to") || usual.to};
}

/** The same days as the API wants them, both of them whole. */
export function boundsOf({from, to}) {
  const end = new Date(`${to}T00:00`);
  end.setDate(end.getDate() + 1);
  return {created_from: gregorian(new Date(`${from}T00:00`)), created_to: gregorian(end) - 1};
}

/** Two dates, and the usual ranges as buttons. `choose` is given `{from, to}`. */
export function DaysField({days, choose}) {
  const input = (name, label) => html`<label class="field"><span class="label">${label}</span>
    <input type="date" value=${days[name]} required onChange=${({target}) => target.value && choose({...days, [name]: target.value})} /></label>`;
  return html`${input("from", "From")}${input("to", "To")}
    <div class="buttons" role="group" aria-label="Usual ranges">${Object.entries(SHORT).map(([text, count]) => {
      const range = daysBack(count);
      const isChosen = range.from === days.from && range.to === days.to;
      return html`<button type="button" key=${text} class="small" aria-pressed=${isChosen} onClick=${() => choose(range)}>${text}</button>`;
    })}</div>`;
}
