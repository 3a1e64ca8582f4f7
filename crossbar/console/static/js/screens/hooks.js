/** Webhooks: whether they are on, and why not; what was delivered, and what becomes of it. */
import {apiPath} from "../api.js";
import {html, useState} from "../html.js";
import {changed, go, href} from "../router.js";
import {Rows, State} from "../rows.js";
import {call, draftOf} from "../session.js";
import {Confirm, CopyButton, Problem, Screen, useAnswer, Waiting} from "../ui.js";
import {gregorian} from "../words.js";
import {AttemptRow, Attempts} from "./attempts.js";
import {Below} from "./below.js";
import {Pages} from "./list.js";
import {Trail} from "./trail.js";

const SIZE = "50";
const NAMED = 200; // webhooks whose names are asked for
const HOUR = 3_600_000;

/** The webhooks of an account. */
export function HooksScreen({here, place, account}) {
  const path = apiPath(here.path);
  const query = changed(here.query, {page_size: here.query.get("page_size") ?? SIZE});
  const answer = useAnswer(() => call("GET", `${path}?${query}`), [here.href]);
  const [error, fail] = useState(null);
  const rows = answer.value?.data;
  const act = async (method, where, data) => {
    try {
      await call(method, where, {data});
      fail(null);
      answer.again();
    } catch (refused) {
      fail(refused);
    }
  };
  const isAnyOff = rows?.some(({disable_reason: reason}) => reason);
  const columns = [
    {title: "Name", cell: (row) => html`<a href=${href([...here.path, row.id])}>${row.name}</a>`},
    {title: "Tells of", cell: ({hook}) => hook},
    {title: "Where", cell: ({uri}) => html`<span class="wraps">${uri}</span>`},
    {title: "State", cell: (row) => html`<${HookState} hook=${row} />`},
    {title: "What can be done", kind: "tools", cell: (row) => row.enabled === false && html`<button type="button" class="small"
      aria-label=${`Switch on: ${row.name}`} onClick=${() => act("PATCH", `${path}/${encodeURIComponent(row.id)}`, {enabled: true})}>Switch on</button>`},
  ];
  return html`<${Screen} title="Webhooks" above=${html`<${Trail} ...${{here, place, account}} />`}
    request=${(answer.value ?? answer.error)?.request}
    actions=${html`<a class="button primary" href=${href(here.path, {show: "new"})}>New webhook</a>
      <a class="button" href=${href([...here.path, "attempts"])}>All deliveries</a>
      ${isAnyOff && html`<button type="button" onClick=${() => act("PATCH", path, {"re-enable": true})}>Switch on all that failed</button>`}`}>
    <${Problem} error=${error ?? answer.error} />
    ${!rows && !answer.error && html`<${Waiting} />`}
    ${rows?.length > 0 && html`<${Rows} caption="Webhooks" columns=${columns} rows=${rows} keyOf=${({id}) => id} />
      <${Pages} here=${{...here, query}} envelope=${answer.value.envelope} change=${(changes) => go(href(here.path, changed(here.query, changes)))} />`}
    ${rows && !rows.length && html`<div class="empty"><p>There are no webhooks yet.</p>
      <p><a class="button" href=${href(here.path, {show: "new"})}>Create the first webhook</a></p></div>`}
    <${Below} here=${here} place=${place} />
  </${Screen}>`;
}

function HookState({hook}) {
  if (hook.enabled !== false) return html`<${State} kind="good">on</${State}>`;
  return html`<${State} kind=${hook.disable_reason ? "bad" : ""}>off</${State}>
    ${hook.disable_reason && html` <span class="fine">${hook.disable_reason}</span>`}`;
}

/** What a webhook's document has beside its form. */
export function DeliveriesPanel({value, path, reload}) {
  const [turn, next] = useState(0);
  return html`<div class="deliveries">
    <p><${HookState} hook=${value} /> ${value.enabled === false && html`<${Enable} path=${path} reload=${reload} />`}</p>
    <div class="cards">
      <${Sample} path=${path} told=${() => next(turn + 1)} />
      <${Replay} path=${path} told=${() => next(turn + 1)} />
      <${Secret} path=${path} />
    </div>
    <section aria-label="Deliveries"><h2>Deliveries</h2><${Attempts} path=${`${path}/attempts`} hookPath=${() => path} turn=${turn} /></section>
  </div>`;
}

/** Something to be done at once, and what came of it. */
function useDeed(act) {
  const [state, set] = useState({busy: false, error: null, answer: null});
  const run = async (...given) => {
    set({busy: true, error: null, answer: null});
    try {
      set({busy: false, error: null, answer: await act(...given)});
    } catch (error) {
      set({busy: false, error, answer: null});
    }
  };
  return {...state, run};
}

function Enable({path, reload}) {
  const deed = useDeed(async () => {
    await call("PATCH", path, {data: {enabled: true}});
    await reload();
  });
  return html`<button type="button" class="small" disabled=${deed.busy} onClick=${deed.run}>Switch on</button>
    <${Problem} error=${deed.error} />`;
}

function Sample({path, told}) {
  const deed = useDeed(async () => {
    const {data} = await call("PUT", `${path}/test`, {data: {}});
    told();
    return data;
  });
  return html`<section class="card"><h2>Try it</h2>
    <p>Sends a sample now, also when the webhook is switched off.</p>
    <div class="buttons"><button type="button" disabled=${deed.busy} onClick=${deed.run}>${deed.busy ? "Sending …" : "Send a sample"}</button></div>
    <${Problem} error=${deed.error} />
    ${deed.answer && html`<div role="status"><${AttemptRow} attempt=${deed.answer} /></div>`}
  </section>`;
}

function Replay({path, told}) {
  const deed = useDeed(async (from, to) => {
    const until = to && {created_to: gregorian(to)};
    await call("PUT", `${path}/replay`, {data: {created_from: gregorian(from), ...until}});
    told();
    return [from, to ?? new Date()];
  });
  const submit = (event) => {
    event.preventDefault();
    const {from, to} = event.target.elements;
    return deed.run(new Date(from.value), to.value ? new Date(to.value) : null);
  };
  const local = (date) => new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  return html`<section class="card"><h2>Report again</h2>
    <p>Everything that happened in a range of time is delivered again, each event with its own id.</p>
    <form class="bar" onSubmit=${submit}>
      <label class="field"><span class="label">From</span><input name="from" type="datetime-local" step="1" required defaultValue=${local(new Date(Date.now() - HOUR))} /></label>
      <label class="field"><span class="label">To</span><input name="to" type="datetime-local" step="1" />
        <span class="help">Empty: until now</span></label>
      <button disabled=${deed.busy}>Report again</button>
    </form>
    <${Problem} error=${deed.error} />
    ${deed.answer && html`<p class="note" role="status">Events from ${deed.answer[0].toLocaleString()} to ${deed.answer[1].toLocaleString()} are being delivered.</p>`}
  </section>`;
}

function Secret({path}) {
  const [isAsking, ask] = useState(false);
  const deed = useDeed(async (method) => {
    const {data} = await call(method, `${path}/signing_secret`, method === "PUT" ? {data: {}} : {});
    ask(false);
    return data.signing_secret;
  });
  return html`<section class="card"><h2>Signing secret</h2>
    <p>Reports are signed with it, as Standard Webhooks says. Whoever knows it can forge them.</p>
    ${deed.answer && html`<p class="secret"><code>${deed.answer}</code></p>`}
    <div class="buttons">
      ${deed.answer ? html`<${CopyButton} text=${deed.answer} about="secret" />` : html`<button type="button" disabled=${deed.busy} onClick=${() => deed.run("GET")}>Show it</button>`}
      <button type="button" class="quiet" onClick=${() => ask(true)}>Replace it</button>
    </div>
    <${Problem} error=${deed.error} />
    ${isAsking && html`<${Confirm} title="Replace the signing secret?" yes="Replace it" onYes=${() => deed.run("PUT")} onClose=${() => ask(false)}>
      <p>For a day reports are signed with both. After that the receiver has to know the new one.</p></${Confirm}>`}
  </section>`;
}

/** The attempts of one webhook, or of all of an account. */
export function AttemptsScreen({here, place, account}) {
  const path = apiPath(here.path);
  const base = `/accounts/${account.id}/webhooks`;
  const ask = async () => (await call("GET", `${base}?page_size=${NAMED}`)).data.map(({id, name}) => [id, name]);
  const names = useAnswer(ask, [base]);
  return html`<${Screen} title="Deliveries" about="What was sent to webhooks, and what was answered."
    above=${html`<${Trail} ...${{here, place, account}} />`} request=${draftOf("GET", path, {})}>
    <${Attempts} path=${path} names=${Object.fromEntries(names.value ?? [])} hookPath=${({hook_id: id}) => `${base}/${encodeURIComponent(id)}`}
      linkOf=${({hook_id: id}) => href(["accounts", account.id, "webhooks", id])} />
  </${Screen}>`;
}
