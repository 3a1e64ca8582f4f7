/**
 * Who works here: logging in and out, and requests that carry the token.
 *
 * The token is kept for the tab (sessionStorage): it survives a reload and dies with the tab. It is
 * renewed when more than half of its time is over and somebody still works, so that nothing that
 * takes long to type meets an expired token. When it has expired all the same, `expired` becomes
 * true, a dialog over the page asks for the password, and the requests that wait go on.
 */
import {compose, send} from "./api.js";
import {md5} from "./md5.js";
import {createStore} from "./store.js";

const KEY = "crossbar.session";
const RENEW_AFTER = 0.5;
const REALM = /^[.\w-]{4,}$/;

/**
 * @typedef {object} Session
 * @property {string} token
 * @property {number} since when the token was made, in milliseconds of this machine's clock
 * @property {number | null} lifetime of the token, in milliseconds
 * @property {string} accountId
 * @property {string} accountName
 * @property {string} userName empty after a login with an API key
 * @property {string} userId the same
 * @property {boolean} isMaster
 * @property {string} version of the server
 */

/** @type {ReturnType<typeof createStore<Session | null>>} */
export const session = createStore(JSON.parse(sessionStorage.getItem(KEY) || "null"));

/** Whether the token is dead while somebody works: they are asked to log in again. */
export const expired = createStore(false);

let waiting = [];
let renewal = null;

function keep({envelope, data}, userName, token = envelope.auth_token) {
  const made = {
    token,
    since: Date.now(),
    lifetime: lifetimeOf(token),
    accountId: data.account_id,
    accountName: data.account_name,
    userName,
    userId: data.owner_id ?? "",
    isMaster: data.is_master_account === true,
    version: envelope.version || session.get()?.version || "",
  };
  sessionStorage.setItem(KEY, JSON.stringify(made));
  session.set(made);
  expired.set(false);
  for (const go of waiting.splice(0)) go();
}

/** As a token says it, in milliseconds; null for a key, which says nothing. */
function lifetimeOf(token) {
  const [, said] = token.split(".");
  if (!said) return null;
  const {exp, iat} = JSON.parse(atob(said.replaceAll("-", "+").replaceAll("_", "/")));
  return (exp - iat) * 1000;
}

/** Log in as a user of an account, which is named by its name or realm. */
export async function logInAsUser(account, userName, password) {
  const credentials = md5(`${userName.toLowerCase()}:${password}`);
  const data = {credentials, account_name: account};
  if (REALM.test(account)) data.account_realm = account;
  keep(await send("PUT", "/user_auth", {data}), userName);
}

/** Log in with the API key of an account, or with a named key that may do everything. */
export async function logInWithKey(key) {
  try {
    keep(await send("PUT", "/api_auth", {data: {api_key: key}}), "");
  } catch (error) {
    const answer = await send("GET", "/token_auth", {token: key}).catch(() => null);
    if (!answer) throw error;
    keep(answer, "", key); // a named key is sent with every request, as it is
  }
}

/** Make the token worthless, here and on the server. */
export async function logOut() {
  const token = session.get()?.token;
  sessionStorage.removeItem(KEY);
  session.set(null);
  expired.set(false);
  waiting = [];
  await send("DELETE", "/token_auth", {token}).catch(() => {}); // it may be dead already
}

/** Renew the token in time; every request and every key typed calls this. */
export async function stayAwake() {
  const now = session.get();
  if (!now?.lifetime || renewal || Date.now() - now.since < now.lifetime * RENEW_AFTER) return;
  renewal = send("PUT", "/auth", {data: {}, action: "refresh_token", token: now.token})
    .then((answer) => keep(answer, now.userName))
    .catch(() => {}); // the next request finds out
  await renewal;
  renewal = null;
}

/**
 * A request as whoever is logged in; see `send`. Waits for a new login when the token has died.
 *
 * @param {string} method
 * @param {string} path
 * @param {object} [options]
 * @returns {Promise<import("./api.js").Answer>}
 */
export async function call(method, path, options = {}) {
  await stayAwake();
  for (;;) {
    const token = session.get()?.token;
    try {
      const answer = await send(method, path, {...options, token});
      noteVersion(answer.envelope.version);
      return answer;
    } catch (error) {
      if (error.status !== 401 || !(await isDead(token))) throw error;
    }
    await relogin(token);
  }
}

/** The request that `call` would send now: for those who would rather send it themselves. */
export function draftOf(method, path, options) {
  return compose(method, path, {...options, token: session.get()?.token});
}

function noteVersion(version) {
  const now = session.get();
  if (now && version && version !== now.version) session.set({...now, version});
}

/** A 401 may also mean that the token does not allow this: the token itself is asked. */
async function isDead(token) {
  if (!token) return false;
  try {
    await send("GET", "/token_auth", {token});
    return false;
  } catch (error) {
    return error.status === 401;
  }
}

function relogin(token) {
  if (session.get()?.token !== token) return Promise.resolve();
  expired.set(true);
  return new Promise((go) => waiting.push(go));
}
