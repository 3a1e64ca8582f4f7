/** The way from the account to what is shown, as links. */
import {titleOfFamily} from "../groups.js";
import {html} from "../html.js";
import {href} from "../router.js";

const SHORT = 12; // characters of an id that are enough to see which it is

/** Links to what is above an address. */
export function Trail({here, account, place}) {
  const start = here.path[0] === "accounts" ? 2 : 0;
  const below = here.path.slice(start);
  const links = (here.query.has("show") ? below : below.slice(0, -1)).map((token, i) => {
    const isId = place?.template[start + i]?.startsWith("{");
    const text = !isId ? titleOfFamily(token) : token.length > SHORT ? `${token.slice(0, 8)}…` : token;
    return html` / <a key=${i} href=${href(here.path.slice(0, start + i + 1))}>${text}</a>`;
  });
  return html`<a href=${href(["accounts", account.id])}>${account.name}</a>${links}`;
}
