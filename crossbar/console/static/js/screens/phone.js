/** A telephone in the page: whose it is, dialing, and the calls that run. */
import {html, useState} from "../html.js";
import {Calls} from "../phone/calls.js";
import {dial, phone, press, switchOff, switchOn} from "../phone/phone.js";
import {href} from "../router.js";
import {State} from "../rows.js";
import {call, draftOf, session} from "../session.js";
import {Labelled, Problem, Screen, useAnswer, Waiting} from "../ui.js";

const KEYS = [..."123456789*0#"];
const MOST = 200; // devices to choose from
const WORDS = {connecting: ["warn", "connecting"], ready: ["good", "ready"], lost: ["bad", "not connected"]};

/** The telephone: off until a device is chosen for it. */
export function PhoneScreen({account}) {
  const {state, device, calls, note} = phone.use();
  const above = html`<a href=${href(["accounts", account.id])}>${account.name}</a>`;
  return html`<${Screen} title="Phone" above=${above} about="Calls from this page, with the microphone of this computer."
    request=${draftOf("GET", `/accounts/${account.id}/${webDevices("")}`, {})}
    actions=${state !== "off" && html`<button type="button" onClick=${switchOff}>Switch off</button>`}>
    ${state === "off"
      ? html`<${Choice} account=${account} />`
      : html`<p>This is <strong>${device.name}</strong> (<code>${device.username}</code>)${" "}
          <${State} kind=${WORDS[state][0]}>${WORDS[state][1]}</${State}></p>`}
    <p class="fine" role="status">${note}</p>
    ${calls.length > 0 && html`<section aria-label="Calls"><h2>Calls</h2><${Calls} calls=${calls} /></section>`}
    ${state !== "off" && html`<${Keypad} isReady=${state === "ready"} calls=${calls} />`}
  </${Screen}>`;
}

function webDevices(owner) {
  const mine = owner ? `&filter_owner_id=${owner}` : "";
  return `devices?filter_media.webrtc=true${mine}&page_size=${MOST}`;
}

/** Which device the page is to be: one that is there, or a new one. */
function Choice({account}) {
  const who = session.get();
  const owner = who.accountId === account.id ? who.userId : "";
  const base = `/accounts/${account.id}`;
  const answer = useAnswer(() => call("GET", `${base}/${webDevices(owner)}`), [account.id]);
  const [chosen, choose] = useState("");
  const [state, set] = useState({busy: false, error: null});
  const run = async (make) => {
    set({busy: true, error: null});
    try {
      const {data} = await make();
      if (!data.sip?.password) throw new Error("You may not use this device: its password is not shown to you.");
      await switchOn(data, account.realm);
    } catch (error) {
      set({busy: false, error});
    }
  };
  const rows = answer.value?.data ?? [];
  const id = chosen || rows[0]?.id;
  const use = () => run(() => call("GET", `${base}/devices/${encodeURIComponent(id)}`));
  const make = () => run(async () => {
    const made = await call("PUT", `${base}/devices`, {data: newDevice(owner, who.userName)});
    return call("GET", `${base}/devices/${made.data.id}`);
  });
  if (!answer.value && !answer.error) return html`<${Waiting} />`;
  return html`<section class="card"><h2>Whose phone is it?</h2>
    ${rows.length > 0 && html`<div class="bar">
      <${Labelled} label="Device for browsers">${(marks) => html`<select ...${marks} value=${id} onChange=${({target}) => choose(target.value)}>
        ${rows.map((row) => html`<option key=${row.id} value=${row.id}>${row.name}</option>`)}</select>`}</${Labelled}>
      <button type="button" class="primary" disabled=${state.busy} onClick=${use}>Switch on</button></div>`}
    <p>${rows.length ? "Or have" : "There is no device for browsers yet. Have"} a new one made${owner ? ": it rings with your other phones." : "."}</p>
    <div class="buttons"><button type="button" class=${rows.length ? "" : "primary"} disabled=${state.busy} onClick=${make}>Make a device and switch on</button></div>
    <${Problem} error=${answer.error ?? state.error} title=${state.error && !state.error.status ? state.error.message : ""} />
  </section>`;
}

/** A device as browsers need one, with a SIP account that nobody guesses. */
function newDevice(owner, userName) {
  const secret = () => [...crypto.getRandomValues(new Uint8Array(10))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return {
    name: userName ? `Browser of ${userName}` : "Browser",
    device_type: "softphone",
    ...(owner && {owner_id: owner}),
    sip: {username: `web_${secret().slice(0, 12)}`, password: secret()},
    media: {webrtc: true},
  };
}

/** Numbers are typed or pressed; during a call the keys are heard by the other side. */
function Keypad({isReady, calls}) {
  const [number, type] = useState("");
  const active = calls.find(({state, isHeld}) => state === "talking" && !isHeld);
  const submit = (event) => {
    event.preventDefault();
    if (!number.trim()) return;
    dial(number.trim());
    type("");
  };
  const push = (key) => {
    if (active) press(active.id, key);
    else type(number + key);
  };
  return html`<section class="card dialer" aria-label="Dial">
    <form class="bar" onSubmit=${submit}>
      <${Labelled} label="Number">${(marks) => html`<input ...${marks} type="tel" autocomplete="off" value=${number}
        onInput=${({target}) => type(target.value)} />`}</${Labelled}>
      <button class="primary" disabled=${!isReady}>Call</button>
    </form>
    <div class="keypad" role="group" aria-label=${active ? "Keys, heard by the other side" : "Keys"}>
      ${KEYS.map((key) => html`<button type="button" key=${key} onClick=${() => push(key)}>${key}</button>`)}
    </div>
  </section>`;
}
