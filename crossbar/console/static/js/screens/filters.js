/** Filters of a list: chosen from the fields of the family, kept in the address. */
import {html, useState} from "../html.js";
import {go, href} from "../router.js";
import {fieldKind, SchemaSet} from "../schemas.js";
import {dateOf, gregorian} from "../words.js";

const RULES = {
  filter_: "is",
  filter_not_: "is not",
  has_key: "is there",
  key_missing: "is missing",
  has_value: "has a value",
  created_from: "created since",
  modified_from: "changed since",
};
const WITHOUT_VALUE = ["has_key", "key_missing", "has_value"];
const TIMES = ["created_from", "modified_from"];
const DEPTH = 2; // how far inside of a document the fields are offered

/** The filters in a query, as its pairs. */
export function filtersOf(query) {
  return [...query].filter(([name]) => /^filter_/.test(name) || name in RULES);
}

/** Shows the filters in use, each of which can be removed, and lets another be added. */
export function Filters({here, schema, model, columns}) {
  const [isOpen, open] = useState(false);
  const used = filtersOf(here.query);
  const without = (pair) => {
    const isKept = ([name, value]) => name !== "start_key" && !(name === pair[0] && value === pair[1]);
    const rest = [...here.query].filter(isKept);
    go(href(here.path, new URLSearchParams(rest)));
  };
  return html`<div class="filters">
    ${used.map((pair) => html`<span class="chip" key=${pair.join()}>${wording(pair)}
      <button type="button" class="icon" aria-label=${`Remove filter: ${wording(pair)}`}
        onClick=${() => without(pair)}>✕</button>
    </span>`)}
    <button type="button" class="small" aria-expanded=${isOpen} onClick=${() => open(!isOpen)}>Filter</button>
    ${isOpen && html`<${FilterForm} fields=${fieldsOf(schema, model, columns)} add=${(name, value) => {
      const next = new URLSearchParams(here.query);
      next.delete("start_key");
      next.append(name, value);
      open(false);
      go(href(here.path, next));
    }} />`}
  </div>`;
}

function wording([name, value]) {
  if (TIMES.includes(name)) return `${RULES[name]} ${dateOf(Number(value)).toLocaleDateString()}`;
  if (name in RULES) return `${value} ${RULES[name]}`;
  const isNot = name.startsWith("filter_not_");
  return `${name.replace(/^filter_(not_)?/, "")} ${isNot ? "is not" : "is"} ${value}`;
}

function FilterForm({fields, add}) {
  const [rule, choose] = useState("filter_");
  const submit = (event) => {
    event.preventDefault();
    const {field, value} = event.target.elements;
    if (TIMES.includes(rule)) add(rule, String(gregorian(new Date(value.value))));
    else if (WITHOUT_VALUE.includes(rule)) add(rule, field.value);
    else add(rule + field.value, value.value);
  };
  return html`<form class="filter-form" onSubmit=${submit}>
    ${!TIMES.includes(rule) && html`<label>Field
      <input name="field" list="filter-fields" required autocomplete="off" spellcheck=${false} autofocus /></label>
      <datalist id="filter-fields">${fields.map((each) => html`<option key=${each} value=${each} />`)}</datalist>`}
    <label>Rule <select value=${rule} onChange=${(event) => choose(event.target.value)}>
      ${Object.entries(RULES).map(([name, text]) => html`<option key=${name} value=${name}>${text}</option>`)}
    </select></label>
    ${!WITHOUT_VALUE.includes(rule) && html`<label>Value
      <input name="value" required type=${TIMES.includes(rule) ? "date" : "text"} autocomplete="off" /></label>`}
    <button class="primary">Add filter</button>
  </form>`;
}

/** The dotted names of single values: those of rows first. */
function fieldsOf(schema, model, columns) {
  const schemas = new SchemaSet(model.components);
  const walk = (node, prefix, depth) =>
    Object.entries(schemas.resolved(node).properties ?? {}).flatMap(([name, inner]) => {
      const isGroup = fieldKind(schemas.resolved(inner), schemas) === "group";
      if (!isGroup) return [prefix + name];
      return depth < DEPTH ? walk(inner, `${prefix}${name}.`, depth + 1) : [];
    });
  return [...new Set([...columns, ...walk(schemas.get(schema), "", 1)])].filter((name) => !name.startsWith("_"));
}
