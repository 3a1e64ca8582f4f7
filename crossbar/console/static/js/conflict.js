/** Two versions of a document, field by field, when somebody else was faster. */
import {html, useState} from "./html.js";
import {Dialog} from "./ui.js";
import {differences, dotted, pretty, same, valueAt, withValue} from "./values.js";

/**
 * @param {object} props
 * @param {any} props.base what one began with
 * @param {any} props.mine
 * @param {any} props.theirs what is stored now
 * @param {(merged: any) => void} props.onChosen
 * @param {() => void} props.onClose
 */
export function Conflict({base, mine, theirs, onChosen, onClose}) {
  const paths = differences(mine, theirs);
  // What one has not touched is theirs to decide.
  const [isMine, choose] = useState(() => paths.map((path) => !same(valueAt(mine, path), valueAt(base, path))));
  const merged = () =>
    paths.reduce((result, path, i) => (isMine[i] ? withValue(result, path, valueAt(mine, path)) : result), theirs);
  const chooseAll = (value) => choose(paths.map(() => value));
  return html`<${Dialog} title="Somebody else has saved this meanwhile" wide onClose=${onClose}>
    <p>Choose which version of each field to keep. Nothing is saved before you say so.</p>
    <table class="versions">
      <thead><tr><th scope="col">Field</th>
        <th scope="col">Yours <button type="button" class="small" onClick=${() => chooseAll(true)}>Take all</button></th>
        <th scope="col">Stored now <button type="button" class="small" onClick=${() => chooseAll(false)}>Take all</button></th>
      </tr></thead>
      <tbody>${paths.map((path, i) => html`<tr key=${dotted(path)}>
        <th scope="row"><code>${dotted(path)}</code></th>
        ${[true, false].map((own) => html`<td key=${own}><label>
          <input type="radio" name=${`version-${i}`} checked=${isMine[i] === own}
            onChange=${() => choose(isMine.with(i, own))} />
          <span class="hidden">${own ? "Yours" : "Stored now"}: </span>
          <span class="mono">${pretty(valueAt(own ? mine : theirs, path)) || "not set"}</span></label></td>`)}
      </tr>`)}</tbody>
    </table>
    <div class="buttons">
      <button type="button" class="primary" onClick=${() => onChosen(merged())}>Save what is chosen</button>
      <button type="button" onClick=${onClose}>Go on editing</button>
    </div>
  </${Dialog}>`;
}
