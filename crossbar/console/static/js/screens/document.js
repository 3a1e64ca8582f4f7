/** One document: its form, its JSON, and whatever its family has beside them. */
import {Conflict} from "../conflict.js";
import {DocumentForm, Refusals} from "../form/form.js";
import {html, useEffect, useMemo, useState} from "../html.js";
import {askBeforeLeaving, go, href} from "../router.js";
import {SchemaSet} from "../schemas.js";
import {call} from "../session.js";
import {Confirm, Problem, Screen, useAnswer, Waiting} from "../ui.js";
import {differences, isEmpty, pretty, same, valueAt, withValue} from "../values.js";
import {ago, dateOf, label, singular, titleOf} from "../words.js";
import {Below} from "./below.js";
import {SecretDialog} from "./keys.js";
import {controlsFor, panelsFor} from "./panels.js";
import {Trail} from "./trail.js";

const READ_ONLY = ["id", "_read_only", "metadata"];
const CONFLICTS = ["datastore_conflict", "precondition_failed"];

/** The document at a path of the API, or a new one below it. */
export function DocumentScreen(props) {
  const {here, place, isNew} = props;
  const path = apiPath(here.path);
  const answer = useAnswer(() => (isNew ? Promise.resolve(null) : read(path, place)), [path]);
  if (answer.error) {
    return html`<${Screen} title="This cannot be shown" above=${html`<${Trail} ...${props} />`}>
      <${Problem} error=${answer.error} /></${Screen}>`;
  }
  if (!isNew && !answer.value) return html`<${Waiting} />`;
  return html`<${Editor} ...${props} path=${path} answer=${answer.value} />`;
}

/** The document; a setting that was never made is an empty one. */
async function read(path, place) {
  try {
    return await call("GET", path);
  } catch (error) {
    if (error.status !== 404 || isItem(place)) throw error;
    return {data: {}, envelope: {}, tag: null, request: error.request};
  }
}

function isItem({template}) {
  return template.at(-1).startsWith("{");
}

/** The path of the API that an address names. */
export function apiPath(tokens) {
  return `/${tokens.map(encodeURIComponent).join("/")}`;
}

function Editor({here, place, model, account, isNew, path, answer}) {
  const {replace, patch, create, remove = place.operations.delete} = place.operations;
  const writing = isNew ? create : (patch ?? replace);
  const schemas = useMemo(() => new SchemaSet(model.components), [model]);
  const schema = schemas.get(writing?.schema ?? replace?.schema ?? create?.schema);
  const [stored, keep] = useState(answer);
  const [base, rebase] = useState(answer?.data ?? {});
  const [draft, edit] = useState(answer?.data ?? emptyDocument(schema, schemas));
  const [secret, tell] = useState(null); // {key, after}: shown once, before one goes on
  const [state, set] = useState({error: null, note: "", busy: false, theirs: null});
  const [tab, open] = useState("");
  const [isDeleting, askToDelete] = useState(false);
  const isChanged = isNew ? !isEmpty(draft) && !secret : !same(draft, base);
  useEffect(() => {
    askBeforeLeaving(isChanged ? () => confirm("Leave without saving your changes?") : null);
    return () => askBeforeLeaving(null);
  }, [isChanged]);

  const renew = (next, note) => {
    keep(next);
    rebase(next.data);
    edit(next.data);
    set({error: null, note, busy: false, theirs: null});
  };
  const save = async (document, against) => {
    set({...state, busy: true, note: ""});
    try {
      const saved = await write({isNew, path, writing, base: against.data ?? {}, document, tag: against.tag});
      if (isNew) {
        askBeforeLeaving(null);
        const after = () => go(placeOfNew(here, saved.data), {replace: true});
        const key = saved.data._read_only?.key;
        return key ? tell({key, after}) : after();
      }
      // The answer to a write has no ETag, and may show less than a read.
      renew(await call("GET", path), "Saved.");
    } catch (error) {
      const theirs = CONFLICTS.includes(error.code) && !isNew ? await call("GET", path) : null;
      set({error: theirs ? null : error, note: "", busy: false, theirs});
    }
  };
  const submit = (event) => {
    event.preventDefault();
    return save(draft, stored ?? {});
  };

  const errors = state.error?.fields ?? {};
  const form = {
    ...{schemas, errors, isNew, account, document: draft, special: controlsFor(place)},
    targetOf: (at) => model.targetOf(at.at(-1)),
  };
  const first = listColumns(model, here.path, isNew);
  const panels = panelsFor(place, isNew);
  const tabs = [["", writing ? "Form" : "Fields"], ...panels.map(({name}) => [name, name]), ["JSON", "JSON"]];
  const Panel = panels.find(({name}) => name === tab)?.Panel;
  const one = singular(nounOf(here.path, place, isNew));
  const title = isNew ? `New ${one}` : isItem(place) ? titleOf(base) : label(here.path.at(-1));
  return html`<${Screen} title=${title}
    above=${html`<${Trail} here=${here} place=${place} account=${account} />`} request=${stored?.request}
    about=${isNew ? schema.description : html`<${Facts} metadata=${stored.envelope.metadata} used=${base._read_only?.last_used} />`}
    actions=${remove && !isNew && html`<button type="button" class="danger" onClick=${() => askToDelete(true)}>
      Delete</button>`}>
    <${Tabs} tabs=${tabs} tab=${tab} open=${open} />
    ${Panel && html`<${Panel} ...${{value: draft, set: edit, errors, path, place, account, model}}
      reload=${async () => renew(await call("GET", path), "")} />`}
    <form onSubmit=${submit} novalidate>
      ${tab === "JSON" && html`<${JsonTab} value=${draft} set=${edit} isFixed=${!writing} />`}
      ${tab === "" && html`<${DocumentForm} schema=${schema} value=${draft} set=${edit} first=${first}
        without=${panels.flatMap(({edits}) => edits)} form=${form} />`}
      ${writing && html`<div class="save-bar">
        <${Problem} error=${state.error} focus><${Refusals} errors=${errors} /></${Problem}>
        <div class="buttons">
          <button class="primary" disabled=${state.busy || (!isNew && !isChanged)}>${isNew ? "Create" : "Save"}</button>
          ${isChanged && !isNew && html`<button type="button" onClick=${() => edit(base)}>Undo changes</button>`}
          <span role="status" class="fine">${state.busy ? "Saving …" : isChanged && !isNew ? "Not saved yet" : state.note}</span>
        </div>
      </div>`}
    </form>
    ${!isNew && html`<${Below} here=${here} place=${place} />`}
    ${state.theirs && html`<${Conflict} base=${base} mine=${draft} theirs=${state.theirs.data}
      onClose=${() => set({...state, theirs: null})} onChosen=${(merged) => {
        keep(state.theirs);
        rebase(state.theirs.data);
        edit(merged);
        return save(merged, state.theirs);
      }} />`}
    ${secret && html`<${SecretDialog} secret=${secret.key} onClose=${secret.after} />`}
    ${isDeleting && html`<${Confirm} title=${`Delete ${titleOf(base) || one}?`} yes="Delete"
      onClose=${() => askToDelete(false)} onYes=${async () => {
        await call("DELETE", path, {tag: stored.tag});
        askBeforeLeaving(null);
        go(href(here.path.slice(0, -1)));
      }}><p>The ${one} is gone for everybody who uses this account.</p></${Confirm}>`}
  </${Screen}>`;
}

/** What a new document begins with: the containers that it must have. */
function emptyDocument(schema, schemas) {
  const containers = {object: {}, array: []};
  const required = (schema.required ?? []).map((name) => [name, containers[schemas.resolved(schema.properties[name]).type]]);
  return Object.fromEntries(required.filter(([, container]) => container));
}

/** Create, merge what has changed, or replace; the last only where nothing can be merged. */
function write({isNew, path, writing, base, document, tag}) {
  if (isNew) return call("PUT", path, {data: document});
  const data = writing.action === "patch" ? changes(base, document) : withoutReadOnly(document);
  return call(writing.verb, path, {data, tag});
}

/** What a merge has to say: the values that differ, null for those that are gone. */
function changes(base, document) {
  return differences(base, document).reduce(
    (said, path) => withValue(said, path, valueAt(document, path) ?? null),
    {},
  );
}

function withoutReadOnly(document) {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !READ_ONLY.includes(name)));
}

function placeOfNew(here, created) {
  const [root, accountId, ...below] = here.path;
  const isAccount = root === "accounts" && !below.length && accountId !== undefined;
  return isAccount ? href(["accounts", created.id]) : href([...here.path, created.id]);
}

function nounOf(path, place, isNew) {
  if (isNew && isItem(place)) return "accounts";
  return isItem(place) ? path.at(-2) : path.at(-1);
}

/** The fields that lists of the family show. */
function listColumns(model, path, isNew) {
  const list = model.find(isNew ? path : path.slice(0, -1));
  return list?.operations.list?.columns ?? [];
}

/** When it was made, changed and, if it is a key, used. */
function Facts({metadata, used}) {
  const facts = [["Created", metadata?.created], ["changed", metadata?.modified], ["last used", used]];
  return facts
    .filter(([, seconds]) => seconds)
    .map(([what, seconds], i) => {
      const date = dateOf(seconds);
      return html`${i ? ", " : ""}${what} <time key=${what} datetime=${date.toISOString()} title=${date.toLocaleString()}>
        ${ago(date)}</time>`;
    });
}

function Tabs({tabs, tab, open}) {
  return html`<div class="tabs" role="group" aria-label="How to look at it">
    ${tabs.map(([name, text]) => html`<button type="button" key=${name} aria-pressed=${tab === name}
      onClick=${() => open(name)}>${text}</button>`)}
  </div>`;
}

function JsonTab({value, set, isFixed}) {
  const [text, type] = useState(() => pretty(value));
  const [wrong, tell] = useState("");
  const change = (event) => {
    type(event.target.value);
    try {
      const parsed = JSON.parse(event.target.value);
      tell("");
      set(parsed);
    } catch (error) {
      tell(error.message);
    }
  };
  return html`<label class="field"><span class="label">The whole document</span>
    <textarea class="mono tall" spellcheck="false" readonly=${isFixed} value=${text} onInput=${change}
      aria-invalid=${wrong ? "true" : null} />
    ${wrong && html`<span class="error" role="alert">This is no JSON yet: ${wrong}</span>`}</label>`;
}
