/** What else lives at an address: places below it to look at, and things that can be done. */
import {html} from "../html.js";
import {deedsBelow, viewsBelow} from "../model.js";
import {href} from "../router.js";
import {label} from "../words.js";

/** Links to both, where there are any. */
export function Below({here, place}) {
  const views = viewsBelow(place);
  const deeds = deedsBelow(place);
  if (!views.length && !deeds.length) return null;
  return html`<section class="below" aria-label="More of this">
    ${views.length > 0 && html`<h2>More of this</h2>
      <ul class="links">${views.map(([name]) => html`<li key=${name}>
        <a href=${href([...here.path, name])}>${label(name)}</a></li>`)}</ul>`}
    ${deeds.length > 0 && html`<h2>What can be done</h2>
      <ul class="links">${deeds.map(({tail, operation}) => html`<li key=${tail + operation.action}>
        <a href=${href([...here.path, ...tail], {show: operation.action})}>${operation.summary}</a></li>`)}</ul>`}
  </section>`;
}
