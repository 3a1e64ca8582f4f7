/** What is special about API keys: scopes are picked, times are dates, the key is shown once. */
import {html} from "../html.js";
import {call} from "../session.js";
import {CopyButton, Dialog, Problem, useAnswer, Waiting} from "../ui.js";
import {dateOf, gregorian, label} from "../words.js";

const EVERYTHING = "*";
const VERBS = ["view", "create", "update", "delete"];

/** Scopes as a table: what one may do to which documents. */
export function ScopesField({value = [], set, form, marks}) {
  const answer = useAnswer(() => call("GET", `/accounts/${form.account.id}/api_keys/scopes`), [form.account.id]);
  if (answer.error) return html`<${Problem} error=${answer.error} />`;
  if (!answer.value) return html`<${Waiting} />`;
  const known = answer.value.data[form.document.dialect ?? "v2"] ?? [];
  const nouns = [...new Set(known.filter((scope) => scope !== EVERYTHING).map((scope) => scope.split(":")[1]))];
  const isAll = value.includes(EVERYTHING);
  const turn = (scopes, isOn) => {
    const rest = value.filter((scope) => !scopes.includes(scope));
    set(isOn ? [...rest, ...scopes] : rest);
  };
  const box = (scopes, about) => html`<input type="checkbox" aria-label=${about}
    disabled=${isAll && scopes[0] !== EVERYTHING}
    checked=${isAll || scopes.every((scope) => value.includes(scope))}
    onChange=${(event) => turn(scopes, event.target.checked)} />`;
  const allOf = (verb) => known.filter((scope) => scope.startsWith(`${verb}:`));
  return html`<div class="scopes" ...${marks} role="group" aria-label="Scopes" aria-required=${null} aria-invalid=${null}>
    <label class="everything">${box([EVERYTHING], "Everything")} Everything</label>
    <div class="table-frame" tabindex="0" role="region" aria-label="Scopes"><table>
      <thead><tr><th scope="col">What</th>${VERBS.map((verb) => html`<th scope="col" key=${verb}>
        <label>${box(allOf(verb), `${verb} all`)} ${label(verb)}</label></th>`)}</tr></thead>
      <tbody>${nouns.map((noun) => html`<tr key=${noun}><th scope="row">${label(noun)}</th>
        ${VERBS.map((verb) => `${verb}:${noun}`).map(
          (scope) => html`<td key=${scope}>${known.includes(scope) && box([scope], scope)}</td>`,
        )}
      </tr>`)}</tbody>
    </table></div>
  </div>`;
}

/** A time of the API as a date, midnight here. */
export function DateField({value, set, marks}) {
  const date = Number.isInteger(value) ? dateOf(value) : null;
  const shown = date ? new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 10) : "";
  const choose = ({target}) => set(target.value ? gregorian(new Date(`${target.value}T00:00`)) : undefined);
  return html`<input ...${marks} type="date" value=${shown} onChange=${choose} />`;
}

/** The text of a new key, which nobody can ever see again. */
export function SecretDialog({secret, onClose}) {
  return html`<${Dialog} title="Copy the key now" onClose=${onClose}>
    <p>It is shown this once. Whoever has it can do what its scopes say.</p>
    <p class="secret"><code>${secret}</code></p>
    <div class="buttons"><${CopyButton} text=${secret} about="key" />
      <button type="button" class="primary" onClick=${onClose}>I have kept it</button></div>
  </${Dialog}>`;
}
