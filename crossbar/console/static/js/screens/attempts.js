/** Attempts to deliver: when, how long, what was answered; each can be delivered again. */
import {html, useEffect, useState} from "../html.js";
import {Rows, State} from "../rows.js";
import {call} from "../session.js";
import {Problem, useAnswer, Waiting} from "../ui.js";
import {dateOf} from "../words.js";

const SIZE = 25;
const RESULTS = {"": "All", failure: "Failures", success: "Successes"};
const SECOND = 1000; // milliseconds

/**
 * @param {object} props
 * @param {string} props.path of the list
 * @param {(attempt: any) => string} props.hookPath the path of the webhook of an attempt
 * @param {((attempt: any) => string) | null} [props.linkOf] where the webhook is shown
 * @param {Record<string, string>} [props.names] of webhooks, by their ids
 * @param {any} [props.turn] the list is read again when it changes
 */
export function Attempts({path, hookPath, linkOf = null, names = {}, turn = 0}) {
  const [result, choose] = useState("");
  const [again, readAgain] = useState(0);
  const [size, grow] = useState(SIZE);
  const filter = result ? `&filter_result=${result}` : "";
  const asked = `${path}?page_size=${size}${filter}`;
  const answer = useAnswer(() => call("GET", asked), [asked, turn, again]);
  const [shown, keep] = useState(null);
  useEffect(() => {
    if (answer.value) keep(answer.value);
  }, [answer.value]);
  const rows = shown?.data;
  return html`<div class="bar">
      <label class="field"><span class="label">Show</span><select value=${result} onChange=${({target}) => choose(target.value)}>
        ${Object.entries(RESULTS).map(([name, text]) => html`<option key=${name} value=${name}>${text}</option>`)}</select></label>
      <button type="button" onClick=${() => readAgain(again + 1)}>Read again</button>
    </div>
    <${Problem} error=${answer.error} />
    ${!rows && !answer.error && html`<${Waiting} />`}
    ${rows && !rows.length && html`<div class="empty"><p>Nothing was sent yet.</p></div>`}
    ${rows?.length > 0 && html`<${Table} rows=${rows} hookPath=${hookPath} linkOf=${linkOf} names=${names} sent=${() => readAgain(again + 1)} />`}
    ${shown?.envelope.next_start_key && html`<p class="pages"><button type="button" onClick=${() => grow(size * 2)}>Show more</button></p>`}`;
}

function Table({rows, hookPath, linkOf, names, sent}) {
  const [open, unfold] = useState(null);
  const columns = [
    {title: "When", cell: (row) => (row.timestamp ? dateOf(row.timestamp).toLocaleString() : "")},
    ...(linkOf ? [{title: "Webhook", cell: (row) => html`<a href=${linkOf(row)}>${names[row.hook_id] ?? `${row.hook_id.slice(0, 8)}…`}</a>`}] : []),
    {title: "Event", cell: (row) => row.hook_event},
    {title: "Result", cell: (row) => html`<${Outcome} attempt=${row} />`},
    {title: "Try", kind: "number", cell: (row) => row.try ?? ""},
    {title: "Took", kind: "number", cell: (row) => took(row.duration_ms)},
    {title: "What can be done", kind: "tools", cell: (row) => html`
      <button type="button" class="small" aria-expanded=${open === row.id} aria-label=${`Details: ${row.event_id}`}
        onClick=${() => unfold(open === row.id ? null : row.id)}>Details</button>
      <${Redelivery} attempt=${row} path=${hookPath(row)} sent=${sent} />`},
  ];
  return html`<${Rows} caption="Deliveries" columns=${columns} rows=${rows} keyOf=${({id}) => id}
    detail=${(row) => open === row.id && html`<${AttemptRow} attempt=${row} />`} />`;
}

function took(milliseconds) {
  if (milliseconds === undefined) return "";
  return milliseconds < 10 * SECOND ? `${milliseconds} ms` : `${Math.round(milliseconds / SECOND)} s`;
}

function Outcome({attempt}) {
  const isGood = attempt.result === "success";
  return html`<${State} kind=${isGood ? "good" : "bad"}>${attempt.resp_status_code ?? attempt.reason ?? attempt.result}</${State}>`;
}

function Redelivery({attempt, path, sent}) {
  const [state, set] = useState({busy: false, note: "", error: null});
  const run = async () => {
    set({busy: true, note: "", error: null});
    try {
      await call("PUT", `${path}/attempts/${encodeURIComponent(attempt.id)}/redelivery`, {data: {}});
      set({busy: true, note: "Asked for", error: null});
      sent();
    } catch (error) {
      set({busy: false, note: "", error});
    }
  };
  return html`<button type="button" class="small" disabled=${state.busy} aria-label=${`Deliver again: ${attempt.event_id}`}
      onClick=${run}>${state.note || "Deliver again"}</button>
    <${Problem} error=${state.error} />`;
}

/** One attempt in full: what was sent, and the beginning of what was answered. */
export function AttemptRow({attempt}) {
  const facts = [
    ["Result", html`<${Outcome} attempt=${attempt} />`],
    ["Event", attempt.hook_event],
    ["Id", attempt.event_id],
    ["Sent to", `${(attempt.method ?? "").toUpperCase()} ${attempt.uri}`],
    ["Took", took(attempt.duration_ms)],
    ["Waited since the event", took(attempt.delay_ms)],
    ["Why it failed", attempt.client_error ?? attempt.reason],
  ].filter(([, value]) => value);
  const answered = attempt.resp_body ?? attempt.response_body;
  return html`<dl class="facts">${facts.map(([title, value]) => html`<div key=${title}><dt>${title}</dt><dd>${value}</dd></div>`)}</dl>
    ${answered !== undefined && html`<h3 class="part">The answer begins</h3><pre class="brief" tabindex="0">${answered || "(nothing)"}</pre>`}
    ${attempt.req_body && html`<h3 class="part">What was sent</h3><pre class="brief" tabindex="0">${headersOf(attempt)}${"\n\n"}${attempt.req_body}</pre>`}`;
}

function headersOf({req_headers: headers = {}}) {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`).join("\n");
}
