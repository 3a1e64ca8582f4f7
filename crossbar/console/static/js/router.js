/**
 * Addresses: the part of the URL after "#" says what is on the screen, so that reloading, the
 * browser's history and bookmarks work. `#/accounts/A/users?page_size=20` is the path
 * `["accounts", "A", "users"]` and a query.
 */
import {createStore} from "./store.js";

/**
 * @typedef {object} Route
 * @property {string[]} path
 * @property {URLSearchParams} query
 * @property {string} href
 */

/** @type {ReturnType<typeof createStore<Route>>} */
export const route = createStore(read());

let leaving = null;
let here = location.hash;

/** @returns {Route} */
function read() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const tokens = path.split("/").filter(Boolean).map(decoded);
  return {path: tokens, query: new URLSearchParams(query), href: location.hash};
}

function decoded(token) {
  try {
    return decodeURIComponent(token);
  } catch {
    return token;
  }
}

/**
 * The address of a screen, for links.
 *
 * @param {string[]} path
 * @param {Record<string, string> | URLSearchParams} [query]
 */
export function href(path, query = {}) {
  const search = new URLSearchParams(query).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${search ? `?${search}` : ""}`;
}

/** Go to a screen. With `replace`, the one that is left is no step back. */
export function go(address, {replace = false} = {}) {
  if (replace) {
    history.replaceState(null, "", address);
    here = location.hash;
    route.set(read());
  } else {
    location.hash = address;
  }
}

/** A query with some of its values replaced, null to leave one out. */
export function changed(query, changes) {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) next.delete(name);
    else next.set(name, value);
  }
  return next;
}

/**
 * Ask before the screen is left, while there is something to lose.
 *
 * @param {(() => boolean) | null} question true: leave
 */
export function askBeforeLeaving(question) {
  leaving = question;
}

addEventListener("hashchange", () => {
  if (location.hash === here) return;
  if (leaving && !leaving()) {
    history.pushState(null, "", here || "#/");
    return;
  }
  leaving = null;
  here = location.hash;
  route.set(read());
});

addEventListener("beforeunload", (event) => {
  if (leaving) event.preventDefault();
});
