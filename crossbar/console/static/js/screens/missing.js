/** An address that names no screen. */
import {html} from "../html.js";
import {href} from "../router.js";
import {Screen} from "../ui.js";

/** Tells where to go from here. */
export function Missing({accountId, here}) {
  return html`<${Screen} title="There is no such screen">
    <p>The address <code>${here.href}</code> names nothing that the console knows. It may be mistyped.</p>
    <ul>
      <li><a href=${href(["accounts", accountId])}>The start page of this account</a></li>
      <li><a href=${href(["accounts", accountId, "accounts"])}>The accounts below it</a></li>
    </ul>
  </${Screen}>`;
}
