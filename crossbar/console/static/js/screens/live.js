/** What goes on now: running calls and registered phones, as the socket tells of them. */
import {html, useEffect, useRef, useState} from "../html.js";
import {Connectedness, useSocket} from "../live/socket.js";
import {href} from "../router.js";
import {Party, Rows, State} from "../rows.js";
import {call, draftOf} from "../session.js";
import {Confirm, Problem, Screen, Waiting} from "../ui.js";
import {clock, dateOf, titleOf} from "../words.js";
import {Trail} from "./trail.js";

const MOST = 200; // rows that are drawn; more are counted, and found by the search
const SOON = 500; // milliseconds in which what is heard, and does not tell all, is gathered
const NAMED = 200; // users whose names are asked for
const AGAIN = 60_000; // milliseconds: what has ended by itself is told to nobody
const WITHOUT_SOCKET = 5000; // the same while there is no connection

const CALLS = "call.*";
const PHONES = "registration.*";

/** Both, each in a section of its own. */
export function LiveScreen({here, place, account}) {
  const [now, tick] = useState(() => new Date());
  const base = `/accounts/${account.id}`;
  const calls = useFacts(`${base}/channels`, ({uuid}) => uuid);
  const phones = useFacts(`${base}/registrations`, nameOfPhone);
  const names = useNames(account);
  const readAll = () => {
    void calls.read();
    void phones.read();
  };
  const state = useSocket(account.id, [CALLS, PHONES], {
    onStart: readAll,
    onEvent: (event) => (event.subscribed_key === CALLS ? calls.hear(event) : phones.readSoon()),
  });
  useEffect(() => {
    const timer = setInterval(() => tick(new Date()), 1000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    const isSeen = () => document.visibilityState === "visible";
    const timer = setInterval(() => isSeen() && readAll(), state === "connected" ? AGAIN : WITHOUT_SOCKET);
    if (state !== "connected") readAll();
    return () => clearInterval(timer);
  }, [account.id, state === "connected"]);
  const there = new Date(now - calls.late); // by the server's clock: times are its own
  return html`<${Screen} title="Live" about="Calls that run now, and phones that are registered."
    above=${html`<${Trail} ...${{here, place, account}} />`} request=${draftOf("GET", `${base}/channels`, {})}>
    <${Connectedness} state=${state}><button type="button" class="small" onClick=${readAll}>Read again</button></${Connectedness}>
    <${Facts} title="Running calls" facts=${calls} none="No call runs now." fits=${callFits}>
      ${(rows) => html`<${Calls} ...${{rows, now: there, base, account, names}} />`}
    </${Facts}>
    <${Facts} title="Registered phones" facts=${phones} none="No phone is registered." fits=${phoneFits}>
      ${(rows) => html`<${Phones} ...${{rows, now: there, base, account, names, phones}} />`}
    </${Facts}>
  </${Screen}>`;
}

/**
 * What is read at a path and kept up to date by what is heard. What is heard while an answer is
 * waited for is applied to that.
 */
function useFacts(path, keyOf) {
  const [state, set] = useState({rows: null, error: null, late: 0});
  const mind = useRef({reading: 0, heard: [], timer: 0}).current;
  const read = async () => {
    const turn = ++mind.reading;
    mind.heard = [];
    try {
      const {data, time} = await call("GET", path);
      if (turn !== mind.reading) return;
      const rows = mind.heard.reduce((found, event) => applied(found, event, keyOf), data);
      set({rows, error: null, late: time ? Date.now() - time : 0});
    } catch (error) {
      if (turn === mind.reading) set((before) => ({...before, error}));
    }
  };
  const hear = (event) => {
    mind.heard.push(event);
    set((before) => ({...before, rows: before.rows && applied(before.rows, event, keyOf)}));
    if (event.name === "CHANNEL_CREATE") readSoon(); // lists know more of a leg than is told
  };
  const readSoon = () => {
    mind.timer ||= setTimeout(() => {
      mind.timer = 0;
      void read();
    }, SOON);
  };
  useEffect(() => () => {
    clearTimeout(mind.timer);
    mind.reading += 1;
  }, [path]);
  return {...state, read, readSoon, hear};
}

/** What events of legs say, beside what they are about. */
const STEPS = {
  CHANNEL_CREATE: {},
  CHANNEL_ANSWER: {answered: true},
  CHANNEL_BRIDGE: {answered: true},
  CHANNEL_HOLD: {is_onhold: true},
  CHANNEL_UNHOLD: {is_onhold: false},
};

/** Rows after an event, whose facts have the names that webhooks know. */
function applied(rows, {name, data}, keyOf) {
  const {call_id: uuid, call_direction: direction, other_leg_call_id: leg, timestamp, ...facts} = data;
  const rest = rows.filter((row) => keyOf(row) !== uuid);
  if (name === "CHANNEL_DESTROY") return rest;
  if (!(name in STEPS)) return rows;
  const before = rows.find((row) => keyOf(row) === uuid) ?? {timestamp};
  const told = {...facts, uuid, ...(direction && {direction}), ...(leg && {other_leg: leg})};
  return [{...before, ...told, ...STEPS[name]}, ...rest].toSorted((one, other) => other.timestamp - one.timestamp);
}

/** The names of users, by their ids. */
function useNames(account) {
  const [names, set] = useState({});
  useEffect(() => {
    call("GET", `/accounts/${account.id}/users?page_size=${NAMED}`)
      .then(({data}) => set(Object.fromEntries(data.map((row) => [row.id, titleOf(row)]))))
      .catch(() => {}); // ids will do
  }, [account.id]);
  return names;
}

function nameOfPhone({username, contact}) {
  return `${username} ${contact}`;
}

function Facts({title, facts, none, fits, children}) {
  const [wanted, want] = useState("");
  const {rows, error} = facts;
  const sought = wanted.trim().toLowerCase();
  const found = rows?.filter((row) => !sought || fits(row).some((text) => text?.toLowerCase().includes(sought)));
  return html`<section aria-label=${title}>
    <div class="section-head"><h2>${title} ${rows && html`<span class="count">${rows.length}</span>`}</h2>
      ${rows?.length > 5 && html`<input type="search" placeholder="Name or number" value=${wanted}
        aria-label=${`Find in: ${title}`} onInput=${(event) => want(event.target.value)} />`}</div>
    <${Problem} error=${error} />
    ${!rows && !error && html`<${Waiting} />`}
    ${rows && !rows.length && html`<div class="empty"><p>${none}</p></div>`}
    ${rows?.length > 0 && (found.length ? children(found.slice(0, MOST)) : html`<div class="empty"><p>Nothing fits.</p></div>`)}
    ${found?.length > MOST && html`<p class="fine">The first ${MOST} of ${found.length} are shown.</p>`}
  </section>`;
}

function callFits(row) {
  return [row.caller_id_name, row.caller_id_number, row.callee_id_name, row.callee_id_number, row.destination, row.username, row.uuid];
}

function phoneFits(row) {
  return [row.username, row.contact, row.user_agent, row.network_ip, row.contact_ip];
}

function stateOf(row) {
  if (row.is_onhold) return ["warn", "on hold"];
  return row.answered ? ["good", "talking"] : ["", "ringing"];
}

function Owner({row, names, account}) {
  if (row.owner_id) {
    return html`<a href=${href(["accounts", account.id, "users", row.owner_id])}>${names[row.owner_id] ?? "a user"}</a>`;
  }
  if (row.authorizing_type !== "device") return row.username ?? "";
  return html`<a href=${href(["accounts", account.id, "devices", row.authorizing_id])}>${row.username ?? "a device"}</a>`;
}

function Calls({rows, now, base, account, names}) {
  const [chosen, choose] = useState(null);
  const columns = [
    {title: "State", cell: (row) => html`<${State} kind=${stateOf(row)[0]}>${stateOf(row)[1]}</${State}>`},
    {title: "From", cell: (row) => html`<${Party} name=${row.caller_id_name} number=${row.caller_id_number ?? row.from ?? row.username} />`},
    {title: "To", cell: (row) => html`<${Party} name=${row.callee_id_name} number=${row.callee_id_number ?? row.destination ?? row.to} />`},
    {title: "Direction", cell: (row) => row.direction ?? ""},
    {title: "Whose", cell: (row) => html`<${Owner} ...${{row, names, account}} />`},
    {title: "Duration", kind: "number", cell: (row) => html`<span title=${dateOf(row.timestamp).toLocaleString()}>
      ${clock((now - dateOf(row.timestamp)) / 1000)}</span>`},
    {title: "What can be done", kind: "tools", cell: (row) => html`<button type="button" class="small danger"
      aria-label=${`Hang up: ${row.caller_id_number ?? row.uuid}`} onClick=${() => choose(row)}>Hang up</button>`},
  ];
  const hangUp = async () => {
    await call("POST", `${base}/channels/${encodeURIComponent(chosen.uuid)}`, {data: {}, action: "hangup"});
    choose(null);
  };
  return html`<${Rows} caption="Running calls" columns=${columns} rows=${rows} keyOf=${({uuid}) => uuid} />
    ${chosen && html`<${Confirm} title="Hang up?" yes="Hang up" onYes=${hangUp} onClose=${() => choose(null)}>
      <p>The call from <strong>${chosen.caller_id_number ?? chosen.username ?? "somebody"}</strong> to
        <strong> ${chosen.callee_id_number ?? chosen.destination ?? "somebody"}</strong> is to end. The switch is
        told, where one is connected; the call stays here until it says that it is over.</p></${Confirm}>`}`;
}

function Phones({rows, now, base, account, names, phones}) {
  const [chosen, choose] = useState(null);
  const addressOf = (row) => [row.network_ip ?? row.contact_ip, row.network_port ?? row.contact_port].filter(Boolean).join(":");
  const leftOf = (row) => (dateOf(row.event_timestamp) - now) / 1000 + row.expires;
  const columns = [
    {title: "Phone", cell: (row) => html`<strong>${row.username}</strong>`},
    {title: "Whose", cell: (row) => html`<${Owner} ...${{row, names, account}} />`},
    {title: "Address", cell: (row) => addressOf(row) || html`<span class="wraps">${row.contact ?? ""}</span>`},
    {title: "Program", cell: (row) => row.user_agent ?? ""},
    {title: "Ends in", kind: "number", cell: (row) => (leftOf(row) > 0 ? clock(leftOf(row)) : "over")},
    {title: "What can be done", kind: "tools", cell: (row) => html`<button type="button" class="small"
      aria-label=${`Remove registration: ${row.username}`} onClick=${() => choose(row)}>Remove</button>`},
  ];
  const remove = async () => {
    await call("DELETE", `${base}/registrations/${encodeURIComponent(chosen.username)}`);
    choose(null);
    await phones.read();
  };
  return html`<${Rows} caption="Registered phones" columns=${columns} rows=${rows} keyOf=${nameOfPhone} />
    ${chosen && html`<${Confirm} title=${`Remove the registration of ${chosen.username}?`} yes="Remove" onYes=${remove}
      onClose=${() => choose(null)}><p>The phone cannot be called until it registers again.</p></${Confirm}>`}`;
}
