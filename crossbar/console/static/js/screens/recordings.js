/** Recordings of calls: of a range of days, to listen to and to keep. */
import {apiPath} from "../api.js";
import {Listen} from "../files.js";
import {Picker} from "../form/picker.js";
import {html, useState} from "../html.js";
import {changed, go, href} from "../router.js";
import {Party, Rows} from "../rows.js";
import {call} from "../session.js";
import {Confirm, Labelled, Problem, Screen, useAnswer, Waiting} from "../ui.js";
import {clock, dateOf} from "../words.js";
import {Pages} from "./list.js";
import {boundsOf, DaysField, daysOf} from "./range.js";
import {Trail} from "./trail.js";

const SIZE = "50";

/** The recordings of an account, or of a user. */
export function RecordingsScreen({here, place, account}) {
  const {query} = here;
  const days = daysOf(query);
  const isOfUser = here.path[2] === "users";
  const owner = isOfUser ? "" : (query.get("owner") ?? "");
  const path = owner ? apiPath([...here.path.slice(0, 2), "users", owner, "recordings"]) : apiPath(here.path);
  const asked = changed(new URLSearchParams(boundsOf(days)), {
    page_size: query.get("page_size") ?? SIZE,
    start_key: query.get("start_key"),
    ascending: query.get("ascending"),
  });
  const answer = useAnswer(() => call("GET", `${path}?${asked}`), [here.href]);
  const change = (changes) => go(href(here.path, changed(query, {start_key: null, ...changes})));
  const rows = answer.value?.data;
  return html`<${Screen} title="Recordings" above=${html`<${Trail} ...${{here, place, account}} />`}
    request=${(answer.value ?? answer.error)?.request}>
    <form class="bar" role="search" onSubmit=${(event) => event.preventDefault()}>
      <${DaysField} days=${days} choose=${change} />
      ${!isOfUser && html`<${Labelled} label="User">${(marks) => html`<${Picker} noun="users" none="Anybody" account=${account} marks=${marks}
        value=${owner || undefined} set=${(id) => change({owner: id ?? null})} />`}</${Labelled}>`}
    </form>
    <${Problem} error=${answer.error} />
    ${!rows && !answer.error && html`<${Waiting} />`}
    ${rows?.length > 0 && html`<${Recordings} rows=${rows} account=${account} again=${answer.again} />`}
    ${rows && !rows.length && html`<div class="empty"><p>Nothing was recorded in these days.</p></div>`}
    ${rows && (rows.length > 0 || query.has("start_key")) && html`<${Pages} here=${{...here, query: changed(query, {page_size: query.get("page_size") ?? SIZE})}}
      envelope=${answer.value.envelope} change=${change} />`}
  </${Screen}>`;
}

/** Recordings as rows, each with its player. With `again` they can be deleted. */
export function Recordings({rows, account, again = null}) {
  const [chosen, choose] = useState(null);
  const base = `/accounts/${account.id}/recordings`;
  const nameOf = (row) => row.name ?? row.id;
  const hasAudio = (row) => row._read_only?.content_types?.length > 0;
  const columns = [
    {title: "Began", cell: (row) => html`<a href=${href(["accounts", account.id, "recordings", row.id])}>${dateOf(row.start).toLocaleString()}</a>`},
    {title: "From", cell: (row) => html`<${Party} name=${row.caller_id_name} number=${row.caller_id_number ?? row.from} />`},
    {title: "To", cell: (row) => html`<${Party} name=${row.callee_id_name} number=${row.callee_id_number ?? row.to} />`},
    {title: "Length", kind: "number", cell: (row) => (row.duration === undefined ? "" : clock(row.duration))},
    {title: "Audio", cell: (row) => (hasAudio(row)
      ? html`<${Listen} path=${`${base}/${encodeURIComponent(row.id)}`} name=${nameOf(row)} />`
      : row.url ? html`<span class="fine">kept elsewhere: <span class="wraps">${row.url}</span></span>` : html`<span class="fine">none</span>`)},
    {title: "What can be done", kind: "tools", cell: (row) => html`
      ${row.interaction_id && again && html`<a class="button small" href=${href(["accounts", account.id, "cdrs", "legs", row.interaction_id])}>Call</a>`}
      ${again && html`<button type="button" class="small danger" aria-label=${`Delete: ${nameOf(row)}`} onClick=${() => choose(row)}>Delete</button>`}`},
  ].slice(0, again ? undefined : -1);
  const remove = async () => {
    await call("DELETE", `${base}/${encodeURIComponent(chosen.id)}`);
    choose(null);
    again();
  };
  return html`<${Rows} caption="Recordings" columns=${columns} rows=${rows} keyOf=${({id}) => id} />
    ${chosen && html`<${Confirm} title=${`Delete the recording ${nameOf(chosen)}?`} yes="Delete" onYes=${remove} onClose=${() => choose(null)}>
      <p>It is gone for good, with its audio.</p></${Confirm}>`}`;
}
