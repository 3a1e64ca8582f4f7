/** Fields that hold fields: objects, arrays, maps, and values of one of several kinds. */
import {html, useEffect, useRef, useState} from "../html.js";
import {alternativeName, alternativeOf, alternatives, valueSchema} from "../schemas.js";
import {Prose} from "../ui.js";
import {isEmpty, same, withEntry} from "../values.js";
import {Errors, errorsAt, Field, hasErrorsBelow, Required} from "./field.js";

/** A part of a form that is opened when it is wanted; its fields are not there before. */
export function Fold({title, required, help, isFilled, hasErrors, count, id, children}) {
  const [isOpen, open] = useState(required || hasErrors);
  useEffect(() => {
    if (hasErrors) open(true);
  }, [hasErrors]);
  return html`<details class="fold" open=${isOpen} id=${id} onToggle=${(event) => open(event.currentTarget.open)}>
    <summary><span class="fold-title">${title}${required && html`<${Required} />`}</span>
      ${isFilled && html` <span class="chip">${count === undefined ? "set" : count}</span>`}
      ${help && html` <span class="help"><${Prose} text=${help} /></span>`}</summary>
    ${isOpen && html`<div class="fold-body">${children()}</div>`}
  </details>`;
}

/** An object whose keys the schema names; keys that it does not name can be seen as JSON. */
export function Group({schema, path, value, set, required, title, form, id}) {
  return html`<${Fold} title=${title} required=${required} help=${schema.description} id=${id}
    isFilled=${!isEmpty(value)} hasErrors=${hasErrorsBelow(form, path)}>
    ${() => html`<${Errors} id=${`${id}-error`} errors=${errorsAt(form, path)} />
      <${Properties} ...${{schema, path, value, set, required, form}} />`}
  </${Fold}>`;
}

/** The fields of an object. */
export function Properties({schema, path, value, set, required = false, form, names = Object.keys(schema.properties ?? {})}) {
  const change = (name) => (next) => {
    const changed = withEntry(value, name, next);
    set(path.length && !required && !Object.keys(changed).length ? undefined : changed);
  };
  return html`<div class="fields">${names.map(
    (name) => html`<${Field} key=${name} schema=${schema.properties[name]} path=${[...path, name]}
      value=${value?.[name]} set=${change(name)} form=${form}
      required=${schema.required?.includes(name) ?? false} />`,
  )}</div>`;
}

/** An array: as many fields as there are items. */
export function List({schema, path, value, set, required, title, form, id}) {
  const items = Array.isArray(value) ? value : [];
  const change = (next) => set(next.length || required ? next : undefined);
  const inner = form.schemas.resolved(schema.items);
  const add = () => {
    change([...items, blank(inner)]);
    requestAnimationFrame(() => document.getElementById(`${id}.${items.length}`)?.focus());
  };
  const hasErrors = errorsAt(form, path).length > 0 || hasErrorsBelow(form, path);
  return html`<${Fold} title=${title} required=${required} help=${schema.description} id=${id}
    isFilled=${items.length > 0} count=${items.length} hasErrors=${hasErrors}>
    ${() => html`<${Errors} id=${`${id}-error`} errors=${errorsAt(form, path)} />
      ${items.map((item, i) => html`<div class="item" key=${i}>
        <${Field} schema=${schema.items} path=${[...path, i]} value=${item} form=${form}
          name=${`${title} ${i + 1}`} set=${(next) => change(items.with(i, next ?? blank(inner)))} />
        <div class="item-tools">
          <button type="button" class="icon" disabled=${i === 0} aria-label=${`Move ${title} ${i + 1} up`}
            onClick=${() => change(swapped(items, i))}>↑</button>
          <button type="button" class="icon" aria-label=${`Remove ${title} ${i + 1}`}
            onClick=${() => change(items.toSpliced(i, 1))}>✕</button>
        </div>
      </div>`)}
      <button type="button" class="small" onClick=${add}>Add to ${title.toLowerCase()}</button>`}
  </${Fold}>`;
}


function swapped(items, i) {
  return items.with(i - 1, items[i]).with(i, items[i - 1]);
}

/** What a new entry begins as. */
function blank(schema) {
  return {object: {}, array: [], boolean: false}[schema.type] ?? "";
}

/** An object whose keys people choose. */
export function MapField({schema, path, value, set, required, title, form, id}) {
  const [rows, keep] = useState(() => Object.entries(value ?? {}));
  const sent = useRef(value);
  useEffect(() => {
    if (!same(value, sent.current)) keep(Object.entries(value ?? {}));
    sent.current = value;
  }, [value]);
  const change = (next) => {
    keep(next);
    const named = Object.fromEntries(next.filter(([key]) => key !== ""));
    sent.current = Object.keys(named).length || required ? named : undefined;
    set(sent.current);
  };
  const inner = form.schemas.resolved(valueSchema(schema));
  const hasErrors = errorsAt(form, path).length > 0 || hasErrorsBelow(form, path);
  return html`<${Fold} title=${title} required=${required} help=${schema.description} id=${id}
    isFilled=${rows.length > 0} count=${rows.length} hasErrors=${hasErrors}>
    ${() => html`<${Errors} id=${`${id}-error`} errors=${errorsAt(form, path)} />
      ${rows.map(([key, item], i) => html`<div class="item" key=${i}>
        <div class="pair">
          <label class="field"><span class="label">Name</span>
            <input value=${key} autocomplete="off" spellcheck=${false} aria-label=${`Name in ${title}`}
              onInput=${(event) => change(rows.with(i, [event.target.value, item]))} /></label>
          <${Field} schema=${inner} path=${[...path, key]} value=${item} form=${form} name="Value"
            set=${(next) => change(rows.with(i, [key, next ?? blank(inner)]))} />
        </div>
        <div class="item-tools">
          <button type="button" class="icon" aria-label=${`Remove ${key || "entry"} from ${title}`}
            onClick=${() => change(rows.toSpliced(i, 1))}>✕</button>
        </div>
      </div>`)}
      <button type="button" class="small" onClick=${() => change([...rows, ["", blank(inner)]])}>
        Add to ${title.toLowerCase()}</button>`}
  </${Fold}>`;
}

/** A value of one of several kinds: which one is chosen first. */
export function Either({schema, path, value, set, required, title, form, id}) {
  const options = alternatives(schema);
  const [chosen, choose] = useState(() => alternativeOf(value, options, form.schemas));
  useEffect(() => {
    if (value !== undefined) choose(alternativeOf(value, options, form.schemas));
  }, [value === undefined, typeof value, Array.isArray(value)]);
  const option = form.schemas.resolved(options[chosen]);
  const change = (event) => {
    choose(Number(event.target.value));
    set(undefined);
  };
  return html`<div class="either">
    <label class="kind"><span class="hidden">Kind of ${title}</span>
      <select value=${String(chosen)} onChange=${change} aria-label=${`Kind of ${title}`}>
        ${options.map((each, i) => html`<option key=${i} value=${String(i)}>
          ${alternativeName(form.schemas.resolved(each))}</option>`)}
      </select></label>
    <${Field} key=${chosen} schema=${{...option, description: schema.description ?? option.description}}
      path=${path} value=${value} set=${set} required=${required} name=${title} form=${form} />
  </div>`;
}
