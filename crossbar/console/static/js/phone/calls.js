/** The calls of the telephone in the page, and what can be done with each. */
import {html, useEffect, useState} from "../html.js";
import {href} from "../router.js";
import {Party, State} from "../rows.js";
import {clock} from "../words.js";
import {answer, hangUp, hold, mute, phone, transfer} from "./phone.js";

const WORDS = {ringing: "is calling", calling: "ringing there", talking: "talking"};

/** All calls. */
export function Calls({calls}) {
  const [now, tick] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return html`<ul class="phone-calls">${calls.map((call) => html`<${Call} key=${call.id} ...${{call, calls, now}} />`)}</ul>`;
}

function Call({call, calls, now}) {
  const {id, state, isHeld, isMuted, isTransferring} = call;
  const [isAsking, ask] = useState(false);
  const who = call.name || call.number || "unknown";
  const others = calls.filter((each) => each.id !== id && each.state === "talking");
  const button = (text, act, kind = "") => html`<button type="button" class=${kind} aria-label=${`${text}: ${who}`} onClick=${act}>${text}</button>`;
  const send = (event) => {
    event.preventDefault();
    const number = event.target.elements.number.value.trim();
    if (number) transfer(id, number);
    ask(false);
  };
  return html`<li class="card phone-call">
    <p role=${state === "ringing" ? "alert" : null}><strong><${Party} name=${call.name} number=${call.number} /></strong>${" "}
      <${State} kind=${state === "talking" && !isHeld ? "good" : "warn"}>${isTransferring ? "is transferred" : isHeld ? "on hold" : WORDS[state]}</${State}>
      ${" "}${state === "talking" && html`<span class="fine">${clock((now - call.since) / 1000)}</span>`}</p>
    <div class="buttons">
      ${state === "ringing" && button("Answer", () => answer(id), "primary")}
      ${state === "talking" && html`
        ${button(isHeld ? "Resume" : "Hold", () => hold(id, !isHeld))}
        ${button(isMuted ? "Unmute" : "Mute", () => mute(id, !isMuted))}
        ${button("Transfer", () => ask(!isAsking))}
        ${others.map((other) => button(`Connect with ${other.name || other.number}`, () => transfer(id, "", other.id)))}`}
      ${button(state === "ringing" ? "Decline" : "Hang up", () => hangUp(id), "danger")}
    </div>
    ${isAsking && html`<form class="bar" onSubmit=${send}>
      <label class="field"><span class="label">Transfer to</span><input name="number" autocomplete="off" inputmode="tel" required /></label>
      <button class="primary">Transfer now</button></form>`}
  </li>`;
}

/** Calls over every other screen, so that nobody misses one. */
export function PhoneBar({accountId, here}) {
  const {calls} = phone.use();
  const isElsewhere = here.path[2] !== "phone";
  if (!calls.length || !isElsewhere) return null;
  return html`<section class="phone-bar" aria-label="Calls"><${Calls} calls=${calls} />
    <p><a href=${href(["accounts", accountId, "phone"])}>Show the phone</a></p></section>`;
}
