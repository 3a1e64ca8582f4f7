/** Something that can be done and is no document: what to send, and what was answered. */
import {apiPath} from "../api.js";
import {Json} from "../form/controls.js";
import {DocumentForm, Refusals} from "../form/form.js";
import {html, useMemo, useState} from "../html.js";
import {SchemaSet} from "../schemas.js";
import {call, draftOf} from "../session.js";
import {Confirm, Problem, Screen} from "../ui.js";
import {label} from "../words.js";
import {Trail} from "./trail.js";
import {Shown} from "./view.js";

/** A form from the operation's schema, or its JSON where it has none. */
export function DeedScreen({here, place, account, model, operation}) {
  const schemas = useMemo(() => new SchemaSet(model.components), [model]);
  const [data, set] = useState({});
  const [file, choose] = useState(null);
  const [state, tell] = useState({error: null, answer: null});
  const [isAsking, ask] = useState(false);
  const isDelete = operation.action === "delete";
  const options = isDelete ? {} : file ? {file} : {data};
  const run = async () => {
    try {
      tell({error: null, answer: await call(operation.verb, apiPath(here.path), options)});
    } catch (error) {
      tell({error, answer: null});
    }
    ask(false);
  };
  const submit = (event) => {
    event.preventDefault();
    return isDelete ? ask(true) : run();
  };
  const form = {schemas, errors: state.error?.fields ?? {}, isNew: true};
  const takesFile = operation.reads.length > 0;
  return html`<${Screen} title=${operation.summary} above=${html`<${Trail} ...${{here, place, account}} />`}
    request=${draftOf(operation.verb, apiPath(here.path), options)} about=${`${operation.verb} ${apiPath(here.path)}`}>
    <form onSubmit=${submit} novalidate>
      ${takesFile && html`<label class="field"><span class="label">File</span>
        <input type="file" accept=${operation.reads.join()} onChange=${(event) => choose(event.target.files[0] ?? null)} /></label>`}
      ${!isDelete && !file && (operation.schema
        ? html`<${DocumentForm} schema=${schemas.get(operation.schema)} value=${data} set=${set} form=${form} />`
        : html`<${Json} schema=${{}} path=${["data"]} id="data" title="Data" value=${data} set=${set} form=${form} />`)}
      <${Problem} error=${state.error} focus><${Refusals} errors=${form.errors} /></${Problem}>
      <div class="buttons"><button class=${isDelete ? "danger" : "primary"}>${operation.summary}</button></div>
    </form>
    ${state.answer && html`<section class="answer" role="status"><h2>Answer</h2>
      <${Shown} answer=${state.answer} here=${here} place=${null} name=${label(here.path.at(-1))} /></section>`}
    ${isAsking && html`<${Confirm} title=${`${operation.summary}?`} yes=${operation.summary} onYes=${run}
      onClose=${() => ask(false)}><p>This cannot be undone.</p></${Confirm}>`}
  </${Screen}>`;
}
