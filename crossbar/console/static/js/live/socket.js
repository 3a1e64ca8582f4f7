/**
 * The socket: what happens in an account, told as it happens.
 *
 * A connection that is lost is made again, after pauses that grow. What happened meanwhile nobody
 * tells: whoever follows reads anew each time it is connected.
 */
import {html, useEffect, useState} from "../html.js";
import {SOCKET} from "../place.js";
import {session} from "../session.js";

const FIRST_PAUSE = 500; // milliseconds before the first new attempt; each next one waits twice as long
const LONGEST_PAUSE = 20_000;
const PING_EVERY = 25_000;
const PATIENCE = 10_000; // milliseconds until an answer is not expected any more

/** Where it is: the server tells the path, seen from its root. */
function address() {
  const url = new URL(`..${SOCKET}`, document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/**
 * Follow what happens in an account while a component is on the screen.
 *
 * @param {string} accountId
 * @param {string[]} bindings
 * @param {{onStart: () => void, onEvent: (event: any) => void}} listener `onStart` is called each
 *   time that events begin to come: the time to read what is there
 * @returns {"connecting" | "connected" | "lost" | "none"} the last where the server has no socket
 */
export function useSocket(accountId, bindings, listener) {
  const [state, tell] = useState(SOCKET ? "connecting" : "none");
  useEffect(() => {
    if (!SOCKET) return undefined;
    const connection = new Connection(accountId, bindings, tell, listener);
    connection.open();
    return () => connection.end();
  }, [accountId]);
  return state;
}

class Connection {
  #socket = null;
  #timers = [];
  #failures = 0;
  #isOver = false;

  constructor(accountId, bindings, tell, listener) {
    this.data = {account_id: accountId, bindings};
    this.tell = tell;
    this.listener = listener;
    this.hurry = () => document.visibilityState === "visible" && this.#failures && this.#again(0);
    addEventListener("online", this.hurry);
    document.addEventListener("visibilitychange", this.hurry);
  }

  open() {
    this.#forget();
    const socket = new WebSocket(address());
    this.#socket = socket;
    const isCurrent = () => this.#socket === socket && !this.#isOver;
    socket.onopen = () => isCurrent() && this.#say("subscribe", this.data);
    socket.onmessage = ({data}) => isCurrent() && this.#hear(JSON.parse(data));
    socket.onclose = () => isCurrent() && this.#lose();
    this.#after(PATIENCE, () => this.#lose());
  }

  end() {
    this.#isOver = true;
    removeEventListener("online", this.hurry);
    document.removeEventListener("visibilitychange", this.hurry);
    this.#forget();
  }

  #say(action, data = {}) {
    this.#socket.send(JSON.stringify({action, auth_token: session.get()?.token, data}));
  }

  #hear(frame) {
    if (frame.action === "event") return this.listener.onEvent(frame);
    // A token that has died ends the subscription; the next connection brings the new one.
    if (frame.status !== "success") return this.#lose();
    this.#quiet();
    this.#after(PING_EVERY, () => {
      this.#say("ping");
      this.#after(PATIENCE, () => this.#lose());
    });
    if (!frame.data.subscribed) return undefined;
    this.#failures = 0;
    this.tell("connected");
    return this.listener.onStart();
  }

  #lose() {
    this.tell("lost");
    this.#again(Math.min(FIRST_PAUSE * 2 ** this.#failures, LONGEST_PAUSE) * (0.5 + Math.random() / 2));
    this.#failures += 1;
  }

  #again(pause) {
    this.#forget();
    this.#after(pause, () => this.open());
  }

  #after(pause, act) {
    this.#timers.push(setTimeout(act, pause));
  }

  #quiet() {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
  }

  #forget() {
    this.#quiet();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}

const SAID = {
  connecting: ["", "Connecting …"],
  connected: ["good", "Live"],
  none: ["", "Read every few seconds: this server has no socket."],
  lost: ["bad", "Not connected. What is shown may be old; trying again."],
};

/** Says whether what is shown is what is so. */
export function Connectedness({state, children}) {
  const [kind, text] = SAID[state];
  return html`<p class="connectedness" role="status" data-state=${state}>
    <span class=${`dot ${kind}`} aria-hidden="true"></span> ${text} ${state === "lost" && children}</p>`;
}
