/**
 * The telephone in the page: one for the whole console, so that a call goes on while somebody
 * looks at other screens. JsSIP speaks to the switch, the browser takes and plays the sound.
 */
import {createStore} from "../store.js";
import {startRinging, stopRinging} from "./ring.js";
import {PhoneSocket} from "./socket.js";

const MOST = 4; // calls at a time; more callers are told that it is busy
const PATIENCE = 5000; // milliseconds in which the switch is to say whether this phone may register
const AUDIO = {mediaConstraints: {audio: true, video: false}, pcConfig: {iceServers: []}};

/**
 * @typedef {object} Call
 * @property {string} id
 * @property {boolean} isIncoming
 * @property {string} number of the other side
 * @property {string} name of the other side, if it has one
 * @property {"ringing" | "calling" | "talking"} state
 * @property {number} since when it is in that state, in milliseconds since 1970
 * @property {boolean} isHeld
 * @property {boolean} isMuted
 * @property {boolean} isTransferring
 *
 * @typedef {object} Phone
 * @property {"off" | "connecting" | "ready" | "lost"} state
 * @property {{id: string, name: string, username: string, realm: string} | null} device whose account it uses
 * @property {Call[]} calls
 * @property {string} note what happened last
 */

const OFF = {state: "off", device: null, calls: [], note: ""};

/** @type {ReturnType<typeof createStore<Phone>>} */
export const phone = createStore(OFF);

let agent = null;
const sessions = new Map();

const change = (changes) => phone.set({...phone.get(), ...changes});

/**
 * Register as a device.
 *
 * @param {{id: string, name: string, sip: {username: string, password: string, realm?: string}}} device
 * @param {string} realm of the account
 */
export async function switchOn({id, name, sip}, realm) {
  switchOff();
  const device = {id, name, username: sip.username, realm: sip.realm ?? realm};
  change({state: "connecting", device, note: ""});
  const {default: JsSIP} = await import("../../vendor/jssip.mjs");
  if (phone.get().device !== device) return; // somebody was quicker
  const socket = new PhoneSocket();
  const mine = new JsSIP.UA({
    sockets: [socket],
    uri: `sip:${device.username}@${device.realm}`,
    password: sip.password,
    display_name: name.replaceAll('"', ""),
    user_agent: "Crossbar console",
    register_expires: 300,
    session_timers: false,
    connection_recovery_min_interval: 1,
    connection_recovery_max_interval: 10,
  });
  agent = mine;
  /** Hear of it, unless this agent is nobody's phone any more: it tells of its end for a while. */
  const on = (event, then) => mine.on(event, (told) => agent === mine && then(told));
  // A switch that has just been started may lose what it is asked, and JsSIP waits for 32 s.
  let waiting;
  on("connected", () => { waiting = setTimeout(() => socket.lose(), PATIENCE); });
  const told = (state, note) => { clearTimeout(waiting); change({state, note}); };
  on("registered", () => told("ready", ""));
  on("registrationFailed", ({cause}) => told("lost", `The switch does not let this phone register: ${cause}.`));
  on("disconnected", () => told("lost", "The switch cannot be reached. It is tried again."));
  on("newRTCSession", ({session, originator}) => take(session, originator === "remote"));
  mine.start();
}

/** End all calls and be nobody's phone any more. */
export function switchOff() {
  stopRinging();
  agent?.stop();
  agent = null;
  sessions.clear();
  if (phone.get() !== OFF) phone.set(OFF);
}

addEventListener("pagehide", switchOff);

/** A call that comes in or goes out, from now on until it is over. */
function take(session, isIncoming) {
  if (isIncoming && phone.get().calls.length >= MOST) {
    session.terminate({status_code: 486});
    return;
  }
  const {id, remote_identity: other} = session;
  sessions.set(id, session);
  const call = {id, isIncoming, number: other.uri.user ?? "", name: other.display_name ?? "", isHeld: false, isMuted: false, isTransferring: false};
  put({...call, state: isIncoming ? "ringing" : "calling", since: Date.now()});
  if (session.connection) listen(session, session.connection);
  session.on("peerconnection", ({peerconnection}) => listen(session, peerconnection));
  session.on("confirmed", () => note(id, {state: "talking", since: Date.now()}));
  session.on("hold", () => note(id, {isHeld: session.isOnHold().local}));
  session.on("unhold", () => note(id, {isHeld: session.isOnHold().local}));
  session.on("muted", () => note(id, {isMuted: true}));
  session.on("unmuted", () => note(id, {isMuted: false}));
  session.on("ended", ({cause}) => over(id, cause));
  session.on("failed", ({cause}) => over(id, cause));
}

function put(call) {
  change({calls: [...phone.get().calls, call], note: ""});
  ringOrNot();
}

function note(id, changes) {
  if (!sessions.has(id)) return; // a call of a phone that was switched off
  change({calls: phone.get().calls.map((call) => (call.id === id ? {...call, ...changes} : call))});
  ringOrNot();
}

const WORDS = {
  Busy: "busy",
  Canceled: "nobody waits any more",
  "No Answer": "nobody answered",
  "Not Found": "there is no such number",
  Rejected: "declined",
  Unavailable: "not reached",
  "User Denied Media Access": "the browser gives no microphone to this page",
};

function over(id, cause) {
  const call = phone.get().calls.find((each) => each.id === id);
  sessions.delete(id);
  if (!call) return;
  const why = cause === "Terminated" ? "" : `: ${WORDS[cause] ?? cause}`;
  change({calls: phone.get().calls.filter((each) => each.id !== id), note: `The call with ${call.name || call.number} is over${why}.`});
  ringOrNot();
}

function ringOrNot() {
  if (phone.get().calls.some(({state}) => state === "ringing")) startRinging();
  else stopRinging();
}

/** Play what comes from the other side. */
function listen(session, connection) {
  connection.addEventListener("track", ({streams: [stream], track}) => {
    const audio = new Audio();
    audio.autoplay = true;
    audio.srcObject = stream ?? new MediaStream([track]);
    session.on("ended", () => (audio.srcObject = null));
    session.on("failed", () => (audio.srcObject = null));
  });
}

const addressOf = (number) => `sip:${encodeURIComponent(number)}@${phone.get().device.realm}`;

/** Call a number; calls that run are put on hold. */
export function dial(number) {
  holdOthers(null);
  agent.call(addressOf(number), AUDIO);
}

/** Answer a call; others are put on hold. */
export function answer(id) {
  holdOthers(id);
  sessions.get(id)?.answer(AUDIO);
}

function holdOthers(id) {
  for (const call of phone.get().calls) {
    if (call.id !== id && call.state === "talking" && !call.isHeld) sessions.get(call.id)?.hold();
  }
}

/** End a call, or decline one that rings. */
export function hangUp(id) {
  const isRinging = phone.get().calls.some((call) => call.id === id && call.state === "ringing");
  sessions.get(id)?.terminate(isRinging ? {status_code: 486} : {});
}

/** Let a call wait, with music, or go on with it. */
export function hold(id, isOn) {
  const session = sessions.get(id);
  if (isOn) {
    session?.hold();
    return;
  }
  holdOthers(id);
  session?.unhold();
}

/** Say nothing, or speak again. */
export function mute(id, isOn) {
  sessions.get(id)?.[isOn ? "mute" : "unmute"]({audio: true});
}

/** Press a key of the telephone during a call. */
export function press(id, key) {
  sessions.get(id)?.sendDTMF(key, {transportType: "RFC2833"});
}

/** Send the other side to a number, or to whom another call is with. */
export function transfer(id, number, otherId = null) {
  const session = sessions.get(id);
  const replaces = otherId ? sessions.get(otherId) : undefined;
  const failed = () => {
    if (sessions.get(id) !== session) return;
    note(id, {isTransferring: false});
    change({note: "The call could not be transferred."});
  };
  note(id, {isTransferring: true});
  const done = () => session.isEnded() || session.terminate();
  const eventHandlers = {requestFailed: failed, failed, accepted: done};
  session.refer(replaces ? replaces.remote_identity.uri.toString() : addressOf(number), {eventHandlers, replaces});
}
