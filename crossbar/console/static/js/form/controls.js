/** The controls of single values. */
import {html, useEffect, useState} from "../html.js";
import {Prose} from "../ui.js";
import {pretty, same} from "../values.js";
import {Errors, errorsAt, Required} from "./field.js";

const LONG = 500; // characters: more get an input of several lines

/** One of several values. */
export function Choice({schema, value, set, required, marks}) {
  const known = schema.enum;
  const isOther = value !== undefined && !known.includes(value);
  const choose = (event) => set(event.target.value === "" ? undefined : known[event.target.value]);
  return html`<select ...${marks} value=${value === undefined ? "" : String(known.indexOf(value))} onChange=${choose}>
    ${(!required || value === undefined) && html`<option value="">${unset(schema)}</option>`}
    ${isOther && html`<option value="-1">${String(value)}</option>`}
    ${known.map((each, i) => html`<option key=${i} value=${String(i)}>${String(each)}</option>`)}
  </select>`;
}

/** Yes, no, or whatever is the default. */
export function Switch({schema, value, set, marks}) {
  const choose = (event) => set({yes: true, no: false}[event.target.value]);
  return html`<select ...${marks} value=${value === undefined ? "" : value ? "yes" : "no"} onChange=${choose}>
    <option value="">${unset(schema)}</option>
    <option value="yes">Yes</option>
    <option value="no">No</option>
  </select>`;
}

/** What is shown for a value that is not set: what holds then. */
function unset({default: value}) {
  if (value === undefined) return "Not set";
  return `Default (${value === true ? "yes" : value === false ? "no" : String(value)})`;
}

/** A number. What is none is sent as it was typed, so that the server says what is wrong. */
export function Number_({schema, value, set, marks}) {
  const type = (event) => {
    const text = event.target.value.trim();
    const number = Number(text);
    set(text === "" ? undefined : Number.isFinite(number) ? number : text);
  };
  return html`<input ...${marks} inputmode="decimal" autocomplete="off" value=${value ?? ""}
    placeholder=${schema.default ?? ""} onInput=${type} />`;
}

const INPUTS = {email: "email", uri: "url"};

/** Text, of one line or several. */
export function Text({schema, path, value, set, marks}) {
  const name = String(path.at(-1));
  const type = (event) => set(event.target.value === "" ? undefined : event.target.value);
  const shared = {...marks, value: value ?? "", onInput: type, placeholder: schema.default ?? ""};
  if (isSecret(name)) {
    return html`<input ...${shared} type="password" autocomplete="new-password" />`;
  }
  if (/_js$/.test(name)) {
    return html`<textarea ...${shared} class="mono tall" spellcheck=${false} />`;
  }
  if (schema.maxLength > LONG || /description|^text$/.test(name)) {
    return html`<textarea ...${shared} rows="3" />`;
  }
  return html`<input ...${shared} type=${INPUTS[schema.format] ?? "text"} autocomplete="off" />`;
}

function isSecret(name) {
  return /password|secret/.test(name);
}

/** Anything, as JSON: for what has no control of its own. */
export function Json({schema, path, value, set, required, title, form, id}) {
  const [text, type] = useState(() => pretty(value));
  const [wrong, tell] = useState("");
  useEffect(() => {
    if (!same(parsed(text), value)) type(pretty(value));
  }, [value]);
  const change = (event) => {
    type(event.target.value);
    const read = parsed(event.target.value);
    const isWrong = read === undefined && event.target.value.trim() !== "";
    tell(isWrong ? "This is no JSON yet." : "");
    if (!isWrong) set(read);
  };
  const errors = [...(wrong ? [wrong] : []), ...errorsAt(form, path)];
  return html`<div class="field">
    <label class="label" for=${id}>${title}${required && html`<${Required} />`} <span class="fine">as JSON</span></label>
    <textarea id=${id} class="mono" rows="4" spellcheck=${false} value=${text} onInput=${change}
      aria-describedby=${`${id}-help ${id}-error`} aria-invalid=${errors.length ? "true" : null} />
    <${Errors} id=${`${id}-error`} errors=${errors} />
    <p class="help" id=${`${id}-help`}><${Prose} text=${schema.description} /></p>
  </div>`;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
