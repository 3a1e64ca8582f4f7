/** A whole document as a form: what matters first, the rest one step away. */
import {html, useState} from "../html.js";
import {fieldKind} from "../schemas.js";
import {isEmpty} from "../values.js";
import {Fold, Properties} from "./containers.js";
import {messagesOf} from "./field.js";

const FEW = 8; // single values that are all shown at once
const SINGLE = ["choice", "switch", "number", "text", "either"];

/**
 * @param {object} props
 * @param {object} props.schema of the document
 * @param {any} props.value
 * @param {(value: any) => void} props.set
 * @param {string[]} props.first names that lists show: they come first, like required ones
 * @param {string[]} [props.without] names that are edited elsewhere
 * @param {import("./field.js").Form} props.form
 */
export function DocumentForm({schema, value, set, first = [], without = [], form}) {
  const [filledAtFirst] = useState(() => Object.keys(value ?? {}));
  const names = Object.keys(schema.properties ?? {}).filter(
    (name) => !schema.properties[name].readOnly && !without.includes(name),
  );
  const isSingle = (name) => SINGLE.includes(fieldKind(form.schemas.resolved(schema.properties[name]), form.schemas));
  const isSecret = (name) => form.isNew && schema.properties[name].writeOnly;
  const isFirst = (name) =>
    schema.required?.includes(name) ||
    (isSingle(name) && (first.includes(name) || isSecret(name) || filledAtFirst.includes(name)));
  const singles = names.filter(isSingle);
  const chosen = names.filter((name) => isFirst(name) || (singles.length <= FEW && isSingle(name)));
  const leading = ordered(chosen.length ? chosen : singles, schema, isSingle);
  const others = names.filter((name) => !leading.includes(name) && isSingle(name));
  const groups = names.filter((name) => !leading.includes(name) && !isSingle(name));
  const shared = {schema, path: [], value, set, form};
  const isOtherFilled = others.some((name) => !isEmpty(value?.[name]));
  return html`<div class="document-form">
    ${leading.length > 0 && html`<section class="card"><${Properties} ...${shared} names=${leading} /></section>`}
    ${others.length > 0 && html`<${Fold} title="More fields" isFilled=${isOtherFilled}
      hasErrors=${others.some((name) => name in form.errors)}>
      ${() => html`<${Properties} ...${shared} names=${others} />`}
    </${Fold}>`}
    ${groups.length > 0 && html`<${Properties} ...${shared} names=${groups} />`}
    ${!names.length && html`<p class="fine">This has no fields of its own. Edit it as JSON.</p>`}
  </div>`;
}

/** Required ones first, then single values, then what folds; names before anything else. */
function ordered(names, schema, isSingle) {
  const rank = (name) =>
    (name === "name" ? -4 : 0) + (schema.required?.includes(name) ? -2 : 0) + (isSingle(name) ? 0 : 8);
  return names.toSorted((one, other) => rank(one) - rank(other));
}

/** What was refused, field by field; each leads to its field. */
export function Refusals({errors}) {
  const fields = Object.entries(errors);
  return fields.length > 0 && html`<ul>${fields.map(
    ([path, rules]) => html`<li key=${path}>
      <button type="button" class="link" onClick=${() => show(path)}><code>${path}</code></button>: ${" "}
      ${messagesOf(rules).join(" ")}</li>`,
  )}</ul>`;
}

/** Bring a field into view. What is folded around it has been opened by its refusal. */
function show(path) {
  const field = document.getElementById(`field-${path}`);
  field?.scrollIntoView({block: "center"});
  (field?.querySelector("summary, input, select, textarea") ?? field)?.focus();
}

