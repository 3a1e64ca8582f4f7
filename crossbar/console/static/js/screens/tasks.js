/** Tasks: what is done by the row, from a table and into one; made, started, watched, kept. */
import {apiPath} from "../api.js";
import {parsed, written} from "../csv.js";
import {saved} from "../files.js";
import {html, useEffect, useState} from "../html.js";
import {changed, go, href} from "../router.js";
import {Rows, State} from "../rows.js";
import {call} from "../session.js";
import {Confirm, Labelled, Problem, Screen, useAnswer, Waiting} from "../ui.js";
import {dateOf, label} from "../words.js";
import {Pages} from "./list.js";
import {cut} from "./table.js";
import {Trail} from "./trail.js";

const SIZE = "25";
const SOON = 1000; // milliseconds until something that runs is asked for again
const SHOWN = 20; // rows that failed which are shown
const HIDDEN = /^error$|(^|\.)(password|pin)$/; // columns of them that are not
const RUNNING = "executing";

const STATES = {
  pending: ["", "not started"],
  executing: ["warn", "running"],
  success: ["good", "done"],
  partial: ["warn", "partly done"],
  failure: ["bad", "failed"],
  stopped: ["", "stopped"],
  internal_error: ["bad", "broken off"],
};

/** What is answered, asked again while something of it runs; what was known stays on the screen. */
function useWatched(ask, about, runs) {
  const [turn, next] = useState(0);
  const [known, keep] = useState(null);
  const answer = useAnswer(ask, [...about, turn]);
  useEffect(() => {
    if (!answer.value) return undefined;
    keep(answer.value);
    if (!runs(answer.value.data)) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && next((now) => now + 1), SOON);
    return () => clearInterval(timer);
  }, [answer.value]);
  return {value: answer.value ?? known, error: answer.error, again: () => next((now) => now + 1)};
}

/** The tasks of an account, the newest first. */
export function TasksScreen({here, place, account}) {
  const path = apiPath(here.path);
  const query = changed(here.query, {page_size: here.query.get("page_size") ?? SIZE});
  const answer = useWatched(() => call("GET", `${path}?${query}`), [here.href], (rows) => rows.some(({status}) => status === RUNNING));
  const rows = answer.value?.data;
  const columns = [
    {title: "Made", cell: (task) => html`<a href=${href([...here.path, task.id])}>${dateOf(task.created).toLocaleString()}</a>`},
    {title: "What", cell: (task) => nameOf(task)},
    {title: "File", cell: (task) => html`<span class="wraps">${task.file_name ?? ""}</span>`},
    {title: "State", cell: (task) => html`<${TaskState} task=${task} />`},
    {title: "Progress", cell: (task) => html`<${Progress} task=${task} />`},
    {title: "What can be done", kind: "tools", cell: (task) => html`<${Tools} task=${task} path=${`${path}/${encodeURIComponent(task.id)}`} done=${answer.again} />`},
  ];
  return html`<${Screen} title="Tasks" about="What is done by the row: from a table, or into one."
    above=${html`<${Trail} ...${{here, place, account}} />`} request=${(answer.value ?? answer.error)?.request}
    actions=${html`<a class="button primary" href=${href(here.path, {show: "new"})}>New task</a>`}>
    <${Problem} error=${answer.error} />
    ${!rows && !answer.error && html`<${Waiting} />`}
    ${rows?.length > 0 && html`<${Rows} caption="Tasks" columns=${columns} rows=${rows} keyOf=${({id}) => id} />
      <${Pages} here=${{...here, query}} envelope=${answer.value.envelope} change=${(changes) => go(href(here.path, changed(here.query, changes)))} />`}
    ${rows && !rows.length && html`<div class="empty"><p>There are no tasks yet.</p>
      <p><a class="button" href=${href(here.path, {show: "new"})}>Create the first task</a></p></div>`}
  </${Screen}>`;
}

function nameOf({category, action}) {
  return `${label(category)}: ${label(action).toLowerCase()}`;
}

function TaskState({task}) {
  const [kind, text] = STATES[task.status] ?? ["", task.status];
  return html`<${State} kind=${kind}>${text}</${State}>`;
}

/** How far it is; without a number of rows that is known, how many were done. */
function Progress({task}) {
  const {success_count: good = 0, failure_count: bad = 0, total_count: total, status} = task;
  const done = good + bad;
  const counted = `${done}${total === undefined ? "" : ` of ${total}`} rows${bad ? `, ${bad} failed` : ""}`;
  if (status === "pending") return total === undefined ? "" : `${total} rows`;
  const isRunning = status === RUNNING;
  return html`${isRunning && html`<progress max=${total || null} value=${total ? done : null} aria-label=${`Progress: ${nameOf(task)}`}></progress>`}
    <span class=${isRunning ? "fine" : ""}>${counted}</span>`;
}

/** What can be done to a task in its state. */
function Tools({task, path, done}) {
  const [isAsking, ask] = useState(false);
  const [error, fail] = useState(null);
  const act = async (deed) => {
    try {
      await deed();
      fail(null);
      await done();
    } catch (refused) {
      fail(refused);
    }
  };
  const keep = (which) => act(async () => {
    const {blob} = await call("GET", `${path}/${which}`, {accept: "text/csv"});
    saved(blob, `${task.category} ${task.action} ${which}.csv`);
  });
  const button = (text, run, kind = "") => html`<button type="button" class=${`small ${kind}`}
    aria-label=${`${text}: ${nameOf(task)}`} onClick=${run}>${text}</button>`;
  const remove = async () => {
    await call("DELETE", path);
    ask(false);
    await done({isGone: true});
  };
  const isRunning = task.status === RUNNING;
  return html`<span class="tools-line">
      ${task.status === "pending" && button("Start", () => act(() => call("PATCH", path, {data: {}})), "primary")}
      ${isRunning && button("Stop", () => act(() => call("PATCH", `${path}/stop`, {data: {}})), "danger")}
      ${task.csvs?.includes("in.csv") && button("Input", () => keep("input"))}
      ${task.csvs?.includes("out.csv") && button("Output", () => keep("output"))}
      ${!isRunning && button("Delete", () => ask(true), "danger")}</span>
    <${Problem} error=${error} />
    ${isAsking && html`<${Confirm} title="Delete the task?" yes="Delete" onYes=${remove} onClose=${() => ask(false)}>
      <p>Its files go with it. What it has done stays done.</p></${Confirm}>`}`;
}

/** One task, and the rows of it that failed. */
export function TaskScreen({here, place, account}) {
  const path = apiPath(here.path);
  const answer = useWatched(() => call("GET", path, {accept: "application/json"}), [path], ({_read_only: task}) => task.status === RUNNING);
  const data = answer.value?.data;
  const task = data && {...data._read_only, csvs: data.csvs ?? []};
  const done = ({isGone = false} = {}) => (isGone ? go(href(here.path.slice(0, -1))) : answer.again());
  const isOver = task && !["pending", RUNNING].includes(task.status);
  const time = (seconds) => seconds && dateOf(seconds).toLocaleString();
  const facts = task ? [
    ["Made", time(task.created)],
    ["Started", time(task.start_timestamp)],
    ["Ended", time(task.end_timestamp)],
    ["File", task.file_name],
    ["Server", task.node],
  ].filter(([, value]) => value) : [];
  return html`<${Screen} title=${task ? nameOf(task) : "Task"} above=${html`<${Trail} ...${{here, place, account}} />`}
    request=${(answer.value ?? answer.error)?.request}>
    <${Problem} error=${answer.error} />
    ${!task && !answer.error && html`<${Waiting} />`}
    ${task && html`<section class="card" aria-label="State">
      <p role="status"><${TaskState} task=${task} /></p>
      <p><${Progress} task=${task} /></p>
      <dl class="facts">${facts.map(([title, value]) => html`<div key=${title}><dt>${title}</dt><dd>${value}</dd></div>`)}</dl>
      <${Tools} task=${task} path=${path} done=${done} />
    </section>
    ${isOver && task.failure_count > 0 && html`<${Errors} task=${task} path=${path} />`}`}
  </${Screen}>`;
}

/** The rows whose column `error` says something. */
function Errors({task, path}) {
  const answer = useAnswer(async () => failed(await call("GET", `${path}/output`, {accept: "text/csv"})), [path]);
  if (answer.error) return html`<${Problem} error=${answer.error} />`;
  if (!answer.value) return html`<${Waiting} />`;
  const {head, rows, error} = answer.value;
  const columns = [
    {title: "Why", cell: (row) => html`<strong>${row.cells[error]}</strong>`},
    ...head.map((title, i) => ({title, cell: (row) => cut(row.cells[i] ?? "")})).filter(({title}) => !HIDDEN.test(title)).slice(0, 4),
  ];
  const keep = () => saved(new Blob([written([head, ...rows.map(({cells}) => cells)])], {type: "text/csv"}), `${task.category} ${task.action} errors.csv`);
  return html`<section aria-label="Rows that failed"><div class="section-head"><h2>Rows that failed <span class="count">${rows.length}</span></h2>
      <button type="button" class="small" onClick=${keep}>Download errors</button></div>
    <${Rows} caption="Rows that failed" columns=${columns} rows=${rows.slice(0, SHOWN)} keyOf=${({number}) => String(number)} />
    ${rows.length > SHOWN && html`<p class="fine">The first ${SHOWN} are shown.</p>`}</section>`;
}

async function failed({blob}) {
  const [head = [], ...all] = parsed(await blob.text());
  const error = head.indexOf("error");
  const rows = all.map((cells, number) => ({cells, number})).filter(({cells}) => cells[error]);
  return {head, rows, error};
}

/** A new task: of what, from which table, and whether it begins at once. */
export function NewTaskScreen({here, place, account}) {
  const answer = useAnswer(() => call("GET", "/tasks"), []);
  const known = answer.value?.data.tasks;
  return html`<${Screen} title="New task" above=${html`<${Trail} ...${{here, place, account}} />`} request=${(answer.value ?? answer.error)?.request}>
    <${Problem} error=${answer.error} />
    ${!known && !answer.error && html`<${Waiting} />`}
    ${known && html`<${NewTask} known=${known} here=${here} />`}
  </${Screen}>`;
}

function NewTask({known, here}) {
  const categories = Object.keys(known).toSorted();
  const [category, chooseCategory] = useState(categories.includes("users") ? "users" : categories[0]);
  const actions = Object.keys(known[category]).toSorted();
  const [wanted, chooseAction] = useState("");
  const action = actions.includes(wanted) ? wanted : actions.includes("import") ? "import" : actions[0];
  const help = known[category][action];
  const takesFile = Boolean(help.expected_content);
  const [state, set] = useState({busy: false, error: null});
  const path = apiPath(here.path);
  const submit = async (event) => {
    event.preventDefault();
    const {table, now} = event.target.elements;
    const file = takesFile ? table.files[0] : null;
    set({busy: true, error: null});
    try {
      const query = new URLSearchParams({category, action, ...(file && {file_name: file.name})});
      // Browsers name tables by what is installed.
      const body = file ? {file: new File([file], file.name, {type: "text/csv"})} : {data: {}};
      const {data} = await call("PUT", `${path}?${query}`, body);
      const id = data._read_only?.id ?? data.id;
      if (now.checked) await call("PATCH", `${path}/${encodeURIComponent(id)}`, {data: {}});
      go(href([...here.path, id]), {replace: true});
    } catch (error) {
      set({busy: false, error});
    }
  };
  const keepExample = () => saved(new Blob([written([[...help.mandatory, ...help.optional]])], {type: "text/csv"}), `${category} ${action}.csv`);
  const select = (text, value, options, choose) => html`<${Labelled} label=${text}>${(marks) => html`<select ...${marks} value=${value}
    onChange=${({target}) => choose(target.value)}>${options.map((each) => html`<option key=${each} value=${each}>${label(each)}</option>`)}</select>`}</${Labelled}>`;
  return html`<form onSubmit=${submit}>
    <div class="bar">${select("Category", category, categories, chooseCategory)}${select("Action", action, actions, chooseAction)}</div>
    <p>${help.description}</p>
    ${takesFile ? html`
      <${Labelled} label="Table (CSV)" help="The first line names the columns.">${(marks) => html`<input ...${marks} key=${category + action} name="table" type="file" accept=".csv,text/csv" required />`}</${Labelled}>
      <p class="columns">Columns that are needed: <${Columns} names=${help.mandatory} /></p>
      ${help.optional.length > 0 && html`<details class="fold columns"><summary>Columns that may be there: ${help.optional.length}</summary>
        <div class="fold-body"><${Columns} names=${help.optional} /></div></details>`}
      <p><button type="button" class="small" onClick=${keepExample}>Download an empty table</button></p>`
    : html`<p class="fine">It needs no table.</p>`}
    <p><label class="check"><input type="checkbox" name="now" defaultChecked /> Start at once</label></p>
    <${Problem} error=${state.error} focus>${refusedColumns(state.error)}</${Problem}>
    <div class="buttons"><button class="primary" disabled=${state.busy}>${state.busy ? "Sending …" : "Create task"}</button></div>
  </form>`;
}

function Columns({names}) {
  return names.length ? names.map((name) => html`<code key=${name}>${name}</code> `) : "none";
}

/** What is wrong with a table, as the server says it of columns and rows. */
function refusedColumns(error) {
  const {missing_mandatory_fields: fields, missing_mandatory_values: values} = error?.data ?? {};
  if (fields) return html`<p>Columns are missing: ${[fields].flat().join(", ")}</p>`;
  if (values) return html`<p>Rows lack values that are needed: ${JSON.stringify(values).slice(0, 300)}</p>`;
  return undefined;
}
