/** The way from the account to what is shown, as links. */
import {html} from "../html.js";
import {href} from "../router.js";
import {label} from "../words.js";

const SHORT = 12; // characters of an id that are enough to see which it is

/** Links to what is above an address. */
export function Trail({here, account, place}) {
  const [, , ...below] = here.path;
  const isShowing = here.query.has("show");
  const above = isShowing ? below : below.slice(0, -1);
  const links = above.map((token, i) => {
    const isId = place?.template[i + 2]?.startsWith("{");
    const text = !isId ? label(token) : token.length > SHORT ? `${token.slice(0, 8)}…` : token;
    return html` / <a key=${i} href=${href(here.path.slice(0, i + 3))}>${text}</a>`;
  });
  return html`<a href=${href(here.path.slice(0, 2))}>${account?.name ?? "Account"}</a>${links}`;
}
