/** Call records of a range of days: searched, a page at a time, and as a table to keep. */
import {apiPath} from "../api.js";
import {parsed, written} from "../csv.js";
import {saved} from "../files.js";
import {Picker} from "../form/picker.js";
import {html, useState} from "../html.js";
import {changed, go, href} from "../router.js";
import {Party, Rows, State} from "../rows.js";
import {call} from "../session.js";
import {Labelled, Problem, Screen, useAnswer, Waiting} from "../ui.js";
import {clock, dateOf} from "../words.js";
import {Below} from "./below.js";
import {Pages} from "./list.js";
import {boundsOf, DaysField, daysOf} from "./range.js";
import {Trail} from "./trail.js";

const SIZE = "50";
const EITHER = "either";
const SIDES = {[EITHER]: "Caller or called party", caller_id_number: "Caller", callee_id_number: "Called party", to: "SIP address called", from: "SIP address of the caller"};
const BOTH = ["caller_id_number", "callee_id_number"];
const MOST = 200; // calls of each side, where both are looked for: that is two lists, which have no pages in common

/** The calls of an account, or of a user; each by its first leg, or all legs. */
export function CallsScreen({here, place, account}) {
  const {query} = here;
  const days = daysOf(query);
  const isOfUser = here.path[2] === "users";
  const account_path = here.path.slice(0, isOfUser ? 4 : 2);
  const owner = isOfUser ? "" : (query.get("owner") ?? "");
  const isLegs = query.get("show_legs") === "true";
  const base = apiPath([...account_path, ...(owner ? ["users", owner] : []), "cdrs", ...(isLegs ? [] : ["interaction"])]);
  const asked = new URLSearchParams(boundsOf(days));
  const side = query.get("side") ?? EITHER;
  const number = query.get("number");
  const filters = !number ? [asked] : (side === EITHER ? BOTH : [side]).map((name) => changed(asked, {[`filter_${name}`]: number}));
  const isBoth = filters.length > 1;
  const page = {
    page_size: isBoth ? MOST : (query.get("page_size") ?? SIZE),
    start_key: isBoth ? null : query.get("start_key"),
    ascending: query.get("ascending"),
  };
  const paths = filters.map((each) => `${base}?${changed(each, page)}`);
  const answer = useAnswer(async () => together(await Promise.all(paths.map((path) => call("GET", path)))), [here.href]);
  const change = (changes) => go(href([...account_path, "cdrs"], changed(query, {start_key: null, ...changes})));
  const rows = answer.value?.data;
  return html`<${Screen} title="Call records" above=${html`<${Trail} ...${{here, place, account}} />`}
    request=${(answer.value ?? answer.error)?.request}
    actions=${html`<${Download} paths=${filters.map((each) => `${base}?${each}`)} name=${`calls ${days.from} ${days.to}.csv`} />
      ${!isOfUser && html`<a class="button" href=${href([...account_path, "recordings"])}>Recordings</a>`}`}>
    <${Search} ...${{query, days, side, owner, isOfUser, isLegs, account, change}} />
    <${Problem} error=${answer.error} />
    ${!rows && !answer.error && html`<${Waiting} />`}
    ${rows?.length > 0 && html`<${Calls} rows=${rows} account=${account} isLegs=${isLegs} />`}
    ${rows && !rows.length && html`<div class="empty"><p>There are no calls like that in these days.</p></div>`}
    ${rows && isBoth && answer.value.envelope.next_start_key && html`<p class="note" role="status">There are more calls than the latest
      ${MOST} of each side. Choose fewer days, or one side.</p>`}
    ${rows && !isBoth && (rows.length > 0 || query.has("start_key")) && html`<${Pages} here=${{...here, query: changed(query, {page_size: query.get("page_size") ?? SIZE})}}
      envelope=${answer.value.envelope} change=${change} />`}
    <${Below} here=${here} place=${place} />
  </${Screen}>`;
}

/** Answers as one: the rows of all of them, each once, the latest first. */
function together(answers) {
  if (answers.length === 1) return answers[0];
  const rows = new Map(answers.flatMap(({data}) => data).map((row) => [row.id, row]));
  const data = [...rows.values()].toSorted((one, other) => other.timestamp - one.timestamp);
  const more = answers.find(({envelope}) => envelope.next_start_key) ?? answers[0];
  return {...more, data};
}

function Search({query, days, side, owner, isOfUser, isLegs, account, change}) {
  const submit = (event) => {
    event.preventDefault();
    const {number, side: chosen} = event.target.elements;
    change({number: plain(number.value) || null, side: chosen.value});
  };
  const number = query.get("number") ?? "";
  return html`<form class="bar" role="search" onSubmit=${submit}>
      <${DaysField} days=${days} choose=${change} />
      <span class="break"></span>
      <${Labelled} label="Number">${(marks) => html`<input ...${marks} key=${number} name="number" type="search" defaultValue=${number}
        autocomplete="off" spellcheck=${false} placeholder="+14155550100" />`}</${Labelled}>
      <${Labelled} label="Is the">${(marks) => html`<select ...${marks} name="side" value=${side}>
        ${Object.entries(SIDES).map(([name, text]) => html`<option key=${name} value=${name}>${text}</option>`)}</select>`}</${Labelled}>
      ${!isOfUser && html`<${Labelled} label="User">${(marks) => html`<${Picker} noun="users" none="Anybody" account=${account} marks=${marks}
        value=${owner || undefined} set=${(id) => change({owner: id ?? null})} />`}</${Labelled}>`}
      <${Labelled} label="Show">${(marks) => html`<select ...${marks} value=${String(isLegs)}
        onChange=${({target}) => change({show_legs: target.value === "true" ? "true" : null})}>
        <option value="false">Calls</option><option value="true">All their legs</option></select>`}</${Labelled}>
      <button>Search</button>
      ${(number || owner) && html`<button type="button" class="quiet" onClick=${() => change({number: null, side: null, owner: null})}>Show all</button>`}
    </form>`;
}

/** A telephone number without what people put between its digits; other texts as they are. */
function plain(text) {
  const number = text.replaceAll(/[\s().-]/g, "");
  return /^\+?\d+$/.test(number) ? number : text.trim();
}

function Calls({rows, account, isLegs}) {
  const legsOf = (row) => href(["accounts", account.id, "cdrs", "legs", isLegs ? row.id : row.interaction_id || row.id]);
  const columns = [
    {title: "Began", cell: (row) => html`<a href=${legsOf(row)}>${dateOf(Number(row.timestamp)).toLocaleString()}</a>`},
    {title: "From", cell: (row) => html`<${Party} name=${row.caller_id_name} number=${row.caller_id_number || row.calling_from} />`},
    {title: "To", cell: (row) => html`<${Party} name=${row.callee_id_name} number=${row.callee_id_number || row.dialed_number} />`},
    {title: "Direction", cell: ({direction}) => direction},
    {title: "Ended by", cell: ({hangup_cause: cause}) => html`<${Cause} cause=${cause} />`},
    {title: "Lasted", kind: "number", cell: (row) => clock(row.duration_seconds)},
    {title: "Talked", kind: "number", cell: (row) => clock(row.billing_seconds)},
    ...(rows.some(({cost}) => cost) ? [{title: "Cost", kind: "number", cell: ({cost}) => cost && `$${cost}`}] : []),
  ];
  return html`<${Rows} caption="Call records" columns=${columns} rows=${rows} keyOf=${({id}) => id} />`;
}

/** Why a leg ended, in its own word; what is no fault is not shouted. */
export function Cause({cause}) {
  if (!cause) return "";
  const text = cause.toLowerCase().replaceAll("_", " ");
  return cause === "NORMAL_CLEARING" || cause === "ORIGINATOR_CANCEL" ? text : html`<${State} kind="warn">${text}</${State}>`;
}

function Download({paths, name}) {
  const [state, set] = useState({busy: false, error: null});
  const run = async () => {
    set({busy: true, error: null});
    try {
      const answers = [];
      for (const path of paths) answers.push(await call("GET", path, {accept: "text/csv"}));
      saved(answers.length === 1 ? answers[0].blob : await joined(answers), name);
      set({busy: false, error: null});
    } catch (error) {
      set({busy: false, error});
    }
  };
  return html`<button type="button" disabled=${state.busy} onClick=${run}>${state.busy ? "Reading …" : "Download CSV"}</button>
    <${Problem} error=${state.error} />`;
}

/** Tables as one, without the rows of one that another has. */
async function joined(answers) {
  const tables = await Promise.all(answers.map(async ({blob}) => parsed(await blob.text())));
  const [head] = tables[0];
  const id = head.indexOf("id");
  const rows = new Map(tables.flatMap(([, ...rest]) => rest).map((row) => [row[id], row]));
  return new Blob([written([head, ...rows.values()])], {type: "text/csv"});
}
