/** The dialog for one step of a callflow: its branch, its module, and what the module needs. */
import {DocumentForm} from "../form/form.js";
import {html, useEffect, useState} from "../html.js";
import {fetchSchema} from "../schemas.js";
import {call} from "../session.js";
import {Dialog, Labelled, Problem, useAnswer, Waiting} from "../ui.js";
import {label} from "../words.js";

const MODULE = /^callflows\.([^.]+)$/;
const NO_MODULE = "action"; // the schema of a step as a whole

/** The modules that the server has a schema for. */
async function modules() {
  const {data} = await call("GET", "/schemas");
  return data.flatMap((name) => MODULE.exec(name)?.[1] ?? []).filter((name) => name !== NO_MODULE);
}

/**
 * @param {object} props
 * @param {string} props.title
 * @param {{module: string, data: object}} props.node
 * @param {string | null} props.branch its key, null for the first step
 * @param {string[]} props.taken keys of other branches beside it
 * @param {(node: object, branch: string | null) => void} props.onDone
 */
export function NodeDialog({title, node, branch, taken, onDone, onClose, account, model}) {
  const [key, name] = useState(branch);
  const [module, choose] = useState(node.module);
  const [data, edit] = useState(node.data ?? {});
  const known = useAnswer(modules, []);
  const schema = useAnswer(() => (module ? fetchSchema(`callflows.${module}`) : new Promise(() => {})), [module]);
  useEffect(() => {
    if (module !== node.module) edit({});
  }, [module]);
  const isTaken = key !== null && taken.includes(key);
  const submit = (event) => {
    event.preventDefault();
    if (module && key !== "" && !isTaken) onDone({...node, module, data}, key);
  };
  return html`<${Dialog} title=${title} wide onClose=${onClose}>
    <form onSubmit=${submit} novalidate>
      <${Problem} error=${known.error ?? schema.error} />
      ${branch !== null && html`<${Branch} value=${key} set=${name} isTaken=${isTaken} />`}
      <${Labelled} label="Module" help=${schema.value?.get(`callflows.${module}`).description}>
        ${(marks) => html`<select ...${marks} value=${module} onChange=${(event) => choose(event.target.value)}>
          ${!module && html`<option value="">Choose …</option>`}
          ${known.value?.map((each) => html`<option key=${each} value=${each}>${label(each)}</option>`)}
        </select>`}
      </${Labelled}>
      ${module && !schema.value && !schema.error && html`<${Waiting} />`}
      ${module && schema.value?.named[`callflows.${module}`] && html`<${DocumentForm} key=${module}
        schema=${schema.value.get(`callflows.${module}`)} value=${data} set=${edit} first=${["id"]}
        form=${formOf(schema.value, module, account, model)} />`}
      <div class="buttons">
        <button class="primary" disabled=${!module || isTaken || key === ""}>Done</button>
        <button type="button" onClick=${onClose}>Cancel</button>
      </div>
    </form>
  </${Dialog}>`;
}

function formOf(schemas, module, account, model) {
  const targetOf = ([name, ...more]) =>
    name === "id" && !more.length ? targetOfModule(module, model) : model.targetOf(more.at(-1) ?? name);
  return {schemas, errors: {}, isNew: true, account, targetOf};
}

const TARGETS = {voicemail: "vmboxes", play: "media", acdc_member: "queues"};

/** The family that a module's `id` is of, if there is one. */
export function targetOfModule(module, model) {
  return TARGETS[module] ?? model.targetOf(`${module}_id`);
}

/** The dialog that asks for the branch of a step that is moved. */
export function BranchDialog({title, branch, taken, onDone, onClose}) {
  const [key, name] = useState(branch);
  const isTaken = taken.includes(key);
  const submit = (event) => {
    event.preventDefault();
    if (key && !isTaken) onDone(key);
  };
  return html`<${Dialog} title=${title} onClose=${onClose}><form onSubmit=${submit}>
    <${Branch} value=${key} set=${name} isTaken=${isTaken} />
    <div class="buttons"><button class="primary" disabled=${!key || isTaken}>Move here</button>
      <button type="button" onClick=${onClose}>Cancel</button></div>
  </form></${Dialog}>`;
}

function Branch({value, set, isTaken}) {
  const help = isTaken
    ? "This branch is taken. Choose another."
    : "What leads here: _ for “otherwise”, a key that is pressed, timeout, or the id of a rule.";
  return html`<${Labelled} label="Branch" help=${help}>
    ${(marks) => html`<input ...${marks} value=${value} autocomplete="off" spellcheck=${false} maxlength="64"
      aria-invalid=${isTaken ? "true" : null} onInput=${(event) => set(event.target.value)} />`}
  </${Labelled}>`;
}
