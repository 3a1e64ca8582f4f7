/** One call: all its legs in their order, and what was recorded of it. */
import {apiPath} from "../api.js";
import {html} from "../html.js";
import {href} from "../router.js";
import {Party, State} from "../rows.js";
import {call} from "../session.js";
import {Problem, Screen, useAnswer, Waiting} from "../ui.js";
import {pretty} from "../values.js";
import {brief, clock, dateOf} from "../words.js";
import {Cause} from "./calls.js";
import {Recordings} from "./recordings.js";
import {Trail} from "./trail.js";

const AROUND = 3600; // seconds before and after a call in which its recordings are looked for
const MOST = 100; // recordings of one call

const MORE = {
  call_id: "Call id",
  other_leg_call_id: "Other leg",
  from: "From",
  to: "To",
  request: "Asked for",
  hangup_code: "SIP status",
  disposition: "Disposition",
  user_agent: "Program",
  media_server: "Media server",
};

/** The legs of the interaction that the address names. */
export function CallScreen({here, place, account}) {
  const path = apiPath(here.path);
  const above = {...here, path: [...here.path.slice(0, 3), here.path.at(-1)]}; // nothing is at "legs" itself
  const answer = useAnswer(() => call("GET", path), [path]);
  const legs = answer.value?.data;
  const recordings = useAnswer(() => (legs ? recordingsOf(account, legs) : Promise.resolve(null)), [legs]);
  const title = legs ? `Call of ${startOf(legs[0]).toLocaleString()}` : "Call";
  return html`<${Screen} title=${title} above=${html`<${Trail} ...${{here: above, place, account}} />`}
    request=${(answer.value ?? answer.error)?.request} about=${legs && `${legs.length} ${legs.length === 1 ? "leg" : "legs"}, interaction ${"`"}${legs[0].interaction_id ?? ""}${"`"}`}>
    <${Problem} error=${answer.error} />
    ${!legs && !answer.error && html`<${Waiting} />`}
    ${legs && html`<section><h2>Legs</h2>${legs.map((leg) => html`<${Leg} key=${leg.id} leg=${leg} account=${account} />`)}</section>`}
    ${legs && html`<section><h2>Recordings</h2>
      <${Problem} error=${recordings.error} />
      ${recordings.value?.length > 0 && html`<${Recordings} rows=${recordings.value} account=${account} />`}
      ${recordings.value && !recordings.value.length && html`<p class="fine">Nothing was recorded.</p>`}</section>`}
  </${Screen}>`;
}

function startOf({timestamp, duration_seconds: seconds = 0}) {
  return dateOf(timestamp - seconds);
}

/** What was recorded around the time of a call, of one of its legs or of all of it. */
async function recordingsOf(account, legs) {
  const ends = legs.map(({timestamp}) => timestamp);
  const begins = legs.map(({timestamp, duration_seconds: seconds = 0}) => timestamp - seconds);
  const range = {created_from: Math.min(...begins) - AROUND, created_to: Math.max(...ends) + AROUND};
  const ids = new Set(legs.flatMap(({call_id: id, other_leg_call_id: other}) => [id, other].filter(Boolean)));
  const interaction = legs[0].interaction_id;
  const found = new Map();
  const wanted = [["interaction_id", interaction], ...[...ids].map((id) => ["call_id", id])].filter(([, value]) => value);
  for (const [name, value] of wanted.slice(0, 10)) {
    const query = new URLSearchParams({...range, [`filter_${name}`]: value, page_size: String(MOST)});
    const {data} = await call("GET", `/accounts/${account.id}/recordings?${query}`);
    for (const row of data) found.set(row.id, row);
  }
  return [...found.values()].toSorted((one, other) => one.start - other.start);
}

function Leg({leg, account}) {
  const owner = leg.custom_channel_vars?.owner_id;
  const facts = [
    ["From", html`<${Party} name=${leg.caller_id_name} number=${leg.caller_id_number} />`],
    ["To", html`<${Party} name=${leg.callee_id_name} number=${leg.callee_id_number ?? leg.to} />`],
    ["Began", startOf(leg).toLocaleString()],
    ["Rang", leg.ringing_seconds === undefined ? "" : clock(leg.ringing_seconds)],
    ["Lasted", clock(leg.duration_seconds ?? 0)],
    ["Talked", clock(leg.billing_seconds ?? 0)],
    ["Ended by", leg.hangup_cause && html`<${Cause} cause=${leg.hangup_cause} />`],
    ["User", owner && html`<a href=${href(["accounts", account.id, "users", owner])}>${owner.slice(0, 8)}…</a>`],
    ...Object.entries(MORE).map(([name, title]) => [title, brief(leg[name])]),
  ].filter(([, value]) => value);
  return html`<article class="card" aria-label=${`Leg ${leg.call_id}`}>
    <h3><${State}>${leg.call_direction ?? "leg"}</${State}> ${leg.caller_id_number ?? leg.from ?? ""} → ${leg.callee_id_number ?? leg.to ?? ""}</h3>
    <dl class="facts">${facts.map(([title, value]) => html`<div key=${title}><dt>${title}</dt><dd>${value}</dd></div>`)}</dl>
    <details><summary>Everything that is known</summary><pre tabindex="0">${pretty(leg)}</pre></details>
  </article>`;
}
