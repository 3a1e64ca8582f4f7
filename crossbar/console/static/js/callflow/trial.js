/** Trying a callflow: a call that is made up, and what would happen to it, step by step. */
import {Picker} from "../form/picker.js";
import {html, useState} from "../html.js";
import {href} from "../router.js";
import {call} from "../session.js";
import {Labelled, Problem} from "../ui.js";
import {clock, gregorian, label} from "../words.js";

const OTHERWISE = {
  no_answer: "nobody answers",
  answer: "the first who is rung answers",
  busy: "everybody is busy",
  decline: "everybody declines",
  unregistered: "no phone is registered",
};

/** What flows are that are no callflows: they have a word in place of an id. */
const MADE = {
  function: "what the function returned",
  pivot: "what the web server answered",
};

/**
 * The form, and what came of it.
 *
 * @param {object} props
 * @param {string} props.path of the callflow in the API
 * @param {boolean} props.isChanged whether what is shown is not what is stored
 * @param {{steps: any[], at: number, data: any} | null} props.trial what was tried, and which step is looked at
 * @param {(trial: object | null) => void} props.show
 */
export function Trial({path, isChanged, account, trial, show}) {
  const [asked, ask] = useState({otherwise: "no_answer"});
  const [state, set] = useState({busy: false, error: null});
  const type = (name) => ({target}) => ask({...asked, [name]: target.value});
  const run = async (event) => {
    event.preventDefault();
    set({busy: true, error: null});
    try {
      const {data} = await call("POST", `${path}/simulate`, {data: made(asked)});
      show({data, steps: data.steps, at: 0});
      set({busy: false, error: null});
    } catch (error) {
      show(null);
      set({busy: false, error});
    }
  };
  return html`<section class="card trial" aria-label="Try it"><h2>Try it</h2>
    <p>Tells what would happen to a call. Nobody is called, and nothing is written. Keys are words, one for each time that the
      caller is asked.</p>
    <form class="bar" onSubmit=${run}>
      <${Labelled} label="Number of the caller">${(marks) => html`<input ...${marks} autocomplete="off" spellcheck=${false}
        placeholder="+14155550100" value=${asked.number ?? ""} onInput=${type("number")} />`}</${Labelled}>
      <${Labelled} label="Calling phone">${(marks) => html`<${Picker} noun="devices" none="From outside" account=${account} marks=${marks}
        value=${asked.device} set=${(device) => ask({...asked, device})} />`}</${Labelled}>
      <${Labelled} label="When">${(marks) => html`<input ...${marks} type="datetime-local" value=${asked.when ?? ""} onInput=${type("when")} />`}</${Labelled}>
      <${Labelled} label="Keys">${(marks) => html`<input ...${marks} autocomplete="off" spellcheck=${false}
        placeholder="1 1001#" value=${asked.keys ?? ""} onInput=${type("keys")} />`}</${Labelled}>
      <${Labelled} label="Who is rung">${(marks) => html`<select ...${marks} value=${asked.otherwise} onChange=${type("otherwise")}>
        ${Object.entries(OTHERWISE).map(([name, text]) => html`<option key=${name} value=${name}>${text}</option>`)}</select>`}</${Labelled}>
      <button class="primary" disabled=${state.busy || isChanged}>Try it</button>
      ${trial && html`<button type="button" class="quiet" onClick=${() => show(null)}>Clear</button>`}
    </form>
    ${isChanged && html`<p class="fine" role="status">Save first: what is stored is tried.</p>`}
    <${Problem} error=${state.error} />
    ${trial && html`<${Told} ...${{trial, show, account, path}} />`}
  </section>`;
}

/** The call as the API wants it; what was left empty does not matter. */
function made({number, device, when, keys, otherwise}) {
  const from = {...(number && {number}), ...(device && {device_id: device})};
  return {
    ...(Object.keys(from).length && {from}),
    ...(when && {timestamp: gregorian(new Date(when))}),
    ...(keys?.trim() && {keys: keys.trim().split(/[\s,]+/)}),
    otherwise,
  };
}

function Told({trial, show, account, path}) {
  const {steps, at, data} = trial;
  const look = (next) => show({...trial, at: next});
  const own = path.split("/").at(-1);
  const how = data.ends.how;
  return html`<div class="told">
    <div class="buttons">
      <button type="button" disabled=${at === 0} onClick=${() => look(at - 1)}>Step back</button>
      <button type="button" disabled=${at >= steps.length - 1} onClick=${() => look(at + 1)}>Next step</button>
      <span class="fine" role="status">${steps.length ? `Step ${at + 1} of ${steps.length}: ${nameOf(steps[at])}` : "There is no step."}</span>
    </div>
    <ol>${steps.map((step, i) => html`<li key=${i} class=${i === at ? "now" : ""}>
      <button type="button" class="link" aria-current=${i === at ? "step" : null} onClick=${() => look(i)}>${nameOf(step)}</button>
      ${" "}<span class="fine">after ${clock(step.at)}</span>
      ${step.callflow.id !== own && html` <span class="fine">in <${Whose} ...${{account, flow: step.callflow}} /></span>`}
      ${!step.known && html` <span class="fine">This is passed over.</span>`}
      <ul>${[...step.does.map(sentence), ...(step.notes ?? []), ...(step.why ? [step.why] : [])].filter(Boolean).map(
        (text, j) => html`<li key=${j}>${text}</li>`)}</ul>
    </li>`)}</ol>
    <p><strong>In the end</strong> ${how}, after ${clock(data.seconds)}.</p>
    ${data.call.leads_to !== own && html`<p class="note">The number ${data.call.to} does not lead to this callflow.</p>`}
    ${data.changes.length > 0 && html`<details><summary>What would be written or told (${data.changes.length})</summary>
      <pre tabindex="0">${JSON.stringify(data.changes, null, 2)}</pre></details>`}
  </div>`;
}

/** Another callflow, or what a step was answered. */
function Whose({account, flow}) {
  if (MADE[flow.id]) return MADE[flow.id];
  return html`<a href=${href(["accounts", account.id, "callflows", flow.id])}>${flow.name ?? "another callflow"}</a>`;
}

function nameOf({module, document}) {
  return document ? `${label(module)} ${document.missing ? "(missing)" : document.name}` : label(module);
}

const PLAIN = {
  answer: "answers the call",
  hang_up: "hangs up",
  record: "records what the caller says",
  wait_for_hangup: "waits until the caller hangs up",
};

/** What a step asked of the call, in words. */
function sentence(done) {
  const {verb, sounds = [], legs = [], pressed} = done;
  const heard = sounds.map((sound) => sound.text ?? sound.name ?? sound.kind).join(", ");
  if (verb === "play") return `plays ${heard}${pressed ? `; ${pressed} is pressed` : ""}`;
  if (verb === "collect") return `asks for keys${heard ? ` with ${heard}` : ""}: ${pressed ? `${pressed} is pressed` : "nothing is pressed"}`;
  if (verb === "ring" || verb === "page") return `rings ${legs.map(({name}) => name).join(", ") || "nobody"}: ${outcome(done)}`;
  const about = Object.entries(done).filter(([name, value]) => !["verb", "at"].includes(name) && typeof value !== "object");
  return [PLAIN[verb] ?? label(verb).toLowerCase(), ...about.map(([name, value]) => `${label(name).toLowerCase()} ${value}`)].join(", ");
}

function outcome({answered, cause}) {
  return answered ? `${answered} answers` : (cause ?? "that is all").toLowerCase().replaceAll("_", " ");
}
