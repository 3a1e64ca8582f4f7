/** One field of a form, whatever its schema: the one place that knows which control is for what. */
import {fieldKind} from "../schemas.js";
import {html} from "../html.js";
import {Prose} from "../ui.js";
import {dotted} from "../values.js";
import {label} from "../words.js";
import {Either, Group, List, MapField} from "./containers.js";
import {Choice, Json, Number_, Switch, Text} from "./controls.js";
import {Picker} from "./picker.js";

const CONTROLS = {choice: Choice, switch: Switch, number: Number_, text: Text};
const CONTAINERS = {group: Group, list: List, map: MapField, either: Either, json: Json};

/**
 * @param {object} props
 * @param {object} props.schema
 * @param {(string | number)[]} props.path where in the document
 * @param {any} props.value undefined when it is not set
 * @param {(value: any) => void} props.set
 * @param {boolean} [props.required]
 * @param {string} [props.name] instead of the last part of the path
 * @param {Form} props.form
 *
 * @typedef {object} Form what all fields of a form share
 * @property {import("../schemas.js").SchemaSet} schemas
 * @property {Record<string, object>} errors refusals by dotted path
 * @property {boolean} isNew
 * @property {{id: string}} [account] whose documents can be chosen
 * @property {object} [document] the whole of it
 * @property {(path: (string | number)[]) => string | null} [targetOf] the family of the document
 *   that a field names by its id
 * @property {Record<string, any>} [special] controls that some fields have instead, by dotted path
 */
export function Field({schema, path, value, set, required = false, name, form}) {
  const resolved = form.schemas.resolved(schema);
  const kind = fieldKind(resolved, form.schemas);
  const title = name ?? label(String(path.at(-1)));
  const Container = CONTAINERS[kind];
  const shared = {schema: resolved, path, value, set, required, title, form, id: idOf(path)};
  const Special = form.special?.[dotted(path)];
  if (Special) return html`<${Control} ...${shared} Input=${Special} />`;
  if (Container) return html`<${Container} ...${shared} />`;
  const noun = kind === "text" && form.account ? form.targetOf?.(path) : null;
  return html`<${Control} ...${shared} noun=${noun} Input=${noun ? Picker : CONTROLS[kind]} />`;
}

/** A control with its label, its help, and what the server refused about it. */
function Control({Input, ...shared}) {
  const {schema, path, required, title, form, id} = shared;
  const errors = errorsAt(form, path);
  const help = [schema.description, keepsSecret(schema, form) && "Not shown. Leave it empty to keep it."];
  const about = help.filter(Boolean).join(" ");
  const described = [about && `${id}-help`, errors.length && `${id}-error`].filter(Boolean).join(" ");
  const marks = {
    id,
    "aria-required": required ? "true" : null,
    "aria-invalid": errors.length ? "true" : null,
    "aria-describedby": described || null,
  };
  return html`<div class="field">
    <label class="label" for=${id}>${title}${required && html`<${Required} />`}</label>
    <${Input} ...${shared} account=${form.account} marks=${marks} />
    <${Errors} id=${`${id}-error`} errors=${errors} />
    ${about && html`<p class="help" id=${`${id}-help`}><${Prose} text=${about} /></p>`}
  </div>`;
}

/** The mark of a field that must be filled in. */
export function Required() {
  return html`<span class="required" aria-hidden="true" title="Required"> *</span>`;
}

/** What was refused about one field. */
export function Errors({id, errors}) {
  return errors.length > 0 && html`<p class="error" id=${id}>${errors.join(" ")}</p>`;
}

/** The id of a field's control in the page. */
export function idOf(path) {
  return `field-${dotted(path)}`;
}

/** The messages about the field itself. */
export function errorsAt(form, path) {
  return messagesOf(form.errors[dotted(path)]);
}

/** Whether something in the field, at any depth, was refused. */
export function hasErrorsBelow(form, path) {
  const start = `${dotted(path)}.`;
  return Object.keys(form.errors).some((each) => each.startsWith(start));
}

/** The messages of the rules that a field broke. */
export function messagesOf(rules) {
  return Object.values(rules ?? {}).map((rule) => rule?.message ?? String(rule));
}

function keepsSecret(schema, form) {
  return schema.writeOnly && !form.isNew;
}
