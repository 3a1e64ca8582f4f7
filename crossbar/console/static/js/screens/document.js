/** One document: its form, its JSON, and whatever its family has beside them. */
import {apiPath} from "../api.js";
import {Conflict} from "../conflict.js";
import {DocumentForm, Refusals} from "../form/form.js";
import {html, useMemo, useState} from "../html.js";
import {changed, go, href} from "../router.js";
import {SchemaSet} from "../schemas.js";
import {call, draftOf} from "../session.js";
import {Confirm, Problem, Screen, useAnswer, Waiting} from "../ui.js";
import {pretty} from "../values.js";
import {ago, dateOf, label, singular, titleOf} from "../words.js";
import {Below} from "./below.js";
import {useDraft} from "./draft.js";
import {SecretDialog} from "./keys.js";
import {controlsFor, panelsFor, removalOf} from "./panels.js";
import {Trail} from "./trail.js";

/** The document at a path of the API, or a new one below it. */
export function DocumentScreen(props) {
  const {here, place, isNew} = props;
  const path = apiPath(here.path);
  const answer = useAnswer(() => (isNew ? Promise.resolve(null) : read(path, place)), [path]);
  if (answer.error) {
    return html`<${Screen} title="This cannot be shown" request=${answer.error.request} above=${html`<${Trail} ...${props} />`}>
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

function Editor({here, place, model, account, isNew, path, answer}) {
  const {create, replace, patch} = place.operations;
  const writing = (isNew ? create : (patch ?? replace)) ?? null;
  const schemas = useMemo(() => new SchemaSet(model.components), [model]);
  const schema = schemas.get(writing?.schema ?? replace?.schema);
  const document = useDraft({address: here.path, path, writing, isNew, answer, empty: emptyOf(schema, schemas)});
  const {stored, draft, edit, error} = document;
  const tab = here.query.get("tab") ?? "";
  const open = (name) => go(href(here.path, changed(here.query, {tab: name || null})), {replace: true});
  const panels = panelsFor(place, isNew);
  const {Panel, saves} = panels.find(({name}) => name === tab) ?? {};
  const errors = error?.fields ?? {};
  const removal = isNew || !place.operations.delete ? null : removalOf(place, stored);
  const form = {
    ...{schemas, errors, isNew, account, document: draft, special: controlsFor(place)},
    targetOf: (at) => model.targetOf(at.at(-1)),
  };
  const one = singular(nounOf(here.path, place, isNew));
  const name = isItem(place) ? titleOf(stored.data) : label(here.path.at(-1));
  return html`<${Screen} title=${isNew ? `New ${one}` : name} request=${isNew ? draftOf("PUT", path, {data: draft}) : stored.request}
    above=${html`<${Trail} ...${{here, place, account}} />`}
    about=${isNew ? schema.description : html`<${Facts} answer=${stored} />`}
    actions=${removal !== null && html`<${Deletion} ...${removal} name=${name} one=${one} remove=${document.remove} />`}>
    <${Tabs} names=${[writing ? "Form" : "Fields", ...panels.map((panel) => panel.name), "JSON"]} tab=${tab} open=${open} />
    ${Panel && html`<${Panel} ...${{value: draft, set: edit, errors, path, place, account, model, isNew}}
      isChanged=${document.isChanged} reload=${document.reload} />`}
    <form onSubmit=${(event) => {
      event.preventDefault();
      return document.save();
    }} novalidate>
      ${tab === "JSON" && html`<${JsonTab} value=${draft} set=${edit} isFixed=${!writing} />`}
      ${tab === "" && html`<${DocumentForm} schema=${schema} value=${draft} set=${edit} form=${form}
        first=${columnsOf(model, here.path, isNew)} without=${panels.flatMap(({edits}) => edits)} />`}
      ${writing && (!saves || document.isChanged) && html`<${SaveBar} ...${{document, errors, isNew}} />`}
    </form>
    ${!isNew && html`<${Below} here=${here} place=${place} />`}
    ${document.theirs && html`<${Conflict} base=${stored.data} mine=${draft} theirs=${document.theirs.data}
      onClose=${document.dismiss} onChosen=${document.resolve} />`}
    ${document.secret && html`<${SecretDialog} secret=${document.secret.key} onClose=${document.secret.after} />`}
  </${Screen}>`;
}

/** What a new document begins with: the containers that it must have. */
function emptyOf(schema, schemas) {
  const containers = {object: {}, array: []};
  const typeOf = (name) => schemas.resolved(schema.properties?.[name]).type;
  const required = (schema.required ?? []).map((name) => [name, containers[typeOf(name)]]);
  return Object.fromEntries(required.filter(([, container]) => container));
}

/** The family of what is shown; what is made at an account's own path is an account. */
function nounOf(path, place, isNew) {
  if (!isItem(place)) return path.at(-1);
  return isNew ? "accounts" : path.at(-2);
}

/** The keys that lists of the family show. */
function columnsOf(model, path, isNew) {
  const list = model.find(isNew ? path : path.slice(0, -1));
  return list?.operations.list?.columns ?? [];
}

/** When it was made, changed and, if it is a key, used. */
function Facts({answer: {data, envelope}}) {
  const {created, modified} = envelope.metadata ?? {};
  return [["Created", created], ["changed", modified], ["last used", data._read_only?.last_used]]
    .filter(([, seconds]) => seconds)
    .map(([what, seconds], i) => {
      const date = dateOf(seconds);
      return html`${i ? ", " : ""}${what} <time key=${what} datetime=${date.toISOString()} title=${date.toLocaleString()}>
        ${ago(date)}</time>`;
    });
}

/** Which of its faces a document shows; the first, its form, has no name of its own. */
function Tabs({names, tab, open}) {
  return html`<div class="tabs" role="group" aria-label="How to look at it">
    ${names.map((name, i) => {
      const own = i ? name : "";
      return html`<button type="button" key=${name} aria-pressed=${tab === own} onClick=${() => open(own)}>${name}</button>`;
    })}
  </div>`;
}

function SaveBar({document, errors, isNew}) {
  const {error, busy, note, isChanged, undo} = document;
  const isEdited = isChanged && !isNew;
  return html`<div class="save-bar">
    <${Problem} error=${error} focus><${Refusals} errors=${errors} /></${Problem}>
    <div class="buttons">
      <button class="primary" disabled=${busy || (!isNew && !isChanged)}>${isNew ? "Create" : "Save"}</button>
      ${isEdited && html`<button type="button" onClick=${undo}>Undo changes</button>`}
      <span role="status" class="fine">${busy ? "Saving …" : isEdited ? "Not saved yet" : note}</span>
    </div>
  </div>`;
}

function Deletion({name, one, remove, yes = "Delete", about = `The ${one} is gone for everybody who uses this account.`}) {
  const [isAsking, ask] = useState(false);
  return html`<button type="button" class="danger" onClick=${() => ask(true)}>${yes}</button>
    ${isAsking && html`<${Confirm} title=${yes === "Delete" ? `Delete ${name || one}?` : `${yes}?`} yes=${yes} onYes=${remove}
      onClose=${() => ask(false)}><p>${about}</p></${Confirm}>`}`;
}

function JsonTab({value, set, isFixed}) {
  const [text, type] = useState(() => pretty(value));
  const [wrong, tell] = useState("");
  const change = (event) => {
    type(event.target.value);
    try {
      const parsed = JSON.parse(event.target.value);
      if (parsed === null || typeof parsed !== "object" || Array.isArray(parsed)) throw new Error("it has to be an object");
      tell("");
      set(parsed);
    } catch (error) {
      tell(error.message);
    }
  };
  return html`<label class="field"><span class="label">The whole document</span>
    <textarea class="mono tall" spellcheck=${false} readonly=${isFixed} value=${text} onInput=${change}
      aria-invalid=${wrong ? "true" : null} />
    ${wrong && html`<span class="error" role="alert">This is no document yet: ${wrong}</span>`}</label>`;
}
