/** Mails: their templates, each the account's own or inherited, and what was sent. */
import {apiPath} from "../api.js";
import {html, useEffect, useState} from "../html.js";
import {changed, go, href} from "../router.js";
import {Rows, State} from "../rows.js";
import {call} from "../session.js";
import {Labelled, Problem, Screen, useAnswer, Waiting} from "../ui.js";
import {pretty} from "../values.js";
import {dateOf, label} from "../words.js";
import {Pages} from "./list.js";
import {boundsOf, DaysField, daysOf} from "./range.js";
import {Trail} from "./trail.js";

const SIZE = "50";
const TEXTS = {"text/html": "HTML", "text/plain": "Plain text"};
const NAMED = "{{";

/** The templates of an account. */
export function MailScreen({here, place, account}) {
  const path = apiPath(here.path);
  const [wanted, want] = useState("");
  const answer = useAnswer(() => call("GET", path), [path]);
  const sought = wanted.trim().toLowerCase();
  const fits = (row) => [row.id.replaceAll("_", " "), row.id, row.friendly_name, row.category].some((text) => text?.toLowerCase().includes(sought));
  const rows = answer.value?.data.filter(fits);
  const columns = [
    {title: "Mail", cell: (row) => html`<a href=${href([...here.path, row.id])}>${row.friendly_name ?? label(row.id)}</a>`},
    {title: "About", cell: ({category}) => label(category ?? "")},
    {title: "Text", cell: (row) => html`<${Origin} row=${row} />`},
    {title: "Sent", cell: ({enabled}) => html`<${State} kind=${enabled === false ? "" : "good"}>${enabled === false ? "off" : "on"}</${State}>`},
  ];
  return html`<${Screen} title="Mail" about="What the server writes to people, and in which words."
    above=${html`<${Trail} ...${{here, place, account}} />`} request=${(answer.value ?? answer.error)?.request}
    actions=${html`<a class="button" href=${href([...here.path, "smtplog"])}>Mails that were sent</a>`}>
    <div class="bar"><input type="search" placeholder="Find a mail" aria-label="Find a mail" value=${wanted} onInput=${({target}) => want(target.value)} /></div>
    <${Problem} error=${answer.error} />
    ${!rows && !answer.error && html`<${Waiting} />`}
    ${rows?.length > 0 && html`<${Rows} caption="Templates" columns=${columns} rows=${rows} keyOf=${({id}) => id} />`}
    ${rows && !rows.length && html`<div class="empty"><p>Nothing fits.</p></div>`}
  </${Screen}>`;
}

function Origin({row}) {
  if (row.account_defined) return html`<${State} kind="good">made here</${State}>`;
  return row.account_overridden ? html`<${State} kind="good">changed here</${State}>` : html`<${State}>inherited</${State}>`;
}

/** The texts of a template, written here, and sent to try them before they are saved. */
export function TextsPanel({value, path, reload}) {
  const [texts, edit] = useState(null);
  const [stored, keep] = useState(null);
  const [state, set] = useState({busy: false, note: "", error: null});
  useEffect(() => {
    const read = Object.keys(TEXTS).map((type) => textOf(path, type).then((text) => [type, text]));
    Promise.all(read).then(
      (found) => [keep, edit].forEach((take) => take(Object.fromEntries(found))),
      (error) => set({busy: false, note: "", error}),
    );
  }, [path]);
  const run = async (act, note) => {
    set({busy: true, note: "", error: null});
    try {
      await act();
      set({busy: false, note, error: null});
    } catch (error) {
      set({busy: false, note: "", error});
    }
  };
  const isChanged = stored && Object.keys(TEXTS).some((type) => texts[type] !== stored[type]);
  const save = () => run(async () => {
    for (const type of Object.keys(TEXTS)) {
      if (texts[type] === stored[type]) continue;
      await call("POST", path, {file: new Blob([texts[type]], {type})});
      keep((before) => ({...before, [type]: texts[type]}));
    }
    await reload();
  }, "Saved.");
  const attempt = (event) => {
    event.preventDefault();
    const address = event.target.elements.address.value.trim();
    return run(() => call("POST", `${path}/preview`, {data: trial(value, texts, address)}), "The mail is on its way.");
  };
  if (!texts) return html`<${Problem} error=${state.error} />${!state.error && html`<${Waiting} />`}`;
  return html`<div class="texts">
    ${Object.entries(TEXTS).map(([type, title]) => html`<label class="field" key=${type}><span class="label">${title}</span>
      <textarea class="mono text" spellcheck=${false} value=${texts[type]} onInput=${({target}) => edit({...texts, [type]: target.value})} /></label>`)}
    <${Macros} macros=${value.macros} />
    <${Problem} error=${state.error} focus />
    <div class="buttons">
      <button type="button" class="primary" disabled=${!isChanged || state.busy} onClick=${save}>Save the texts</button>
      <span class="fine" role="status">${state.note || (isChanged ? "Not saved yet" : "")}</span></div>
    <form class="bar card" onSubmit=${attempt}>
      <label class="field"><span class="label">Send it, to try it, to</span><input name="address" type="email" placeholder="your own address" autocomplete="email" /></label>
      <button disabled=${state.busy}>Send a test mail</button>
      <span class="fine">With what is written above, saved or not, and made-up facts.</span>
    </form>
  </div>`;
}

async function textOf(path, type) {
  try {
    return (await call("GET", path, {accept: type})).blob.text();
  } catch (error) {
    if (error.status === 404) return "";
    throw error;
  }
}

/** What a test mail is made of. */
function trial({subject, from}, texts, address) {
  const bytes = new TextEncoder().encode(texts["text/html"]);
  const html = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return {
    ...{subject, from, html, plain: texts["text/plain"]},
    ...(address && {to: {type: "specified", email_addresses: [address]}}),
  };
}

function Macros({macros = {}}) {
  const names = Object.entries(macros);
  if (!names.length) return null;
  return html`<details class="fold"><summary>What can be said: ${names.length} facts</summary>
    <dl class="facts fold-body">${names.map(([name, about]) => html`<div key=${name}><dt><code>${`${NAMED}${name}}}`}</code></dt>
      <dd>${about?.description ?? about?.friendly_name ?? ""}</dd></div>`)}</dl></details>`;
}

/** The mails of a range of days. */
export function MailLogScreen({here, place, account}) {
  const {query} = here;
  const days = daysOf(query);
  const path = apiPath(here.path);
  const asked = changed(new URLSearchParams(boundsOf(days)), {page_size: query.get("page_size") ?? SIZE, start_key: query.get("start_key"), ascending: query.get("ascending")});
  const answer = useAnswer(() => call("GET", `${path}?${asked}`), [here.href]);
  const change = (changes) => go(href(here.path, changed(query, {start_key: null, ...changes})));
  const rows = answer.value?.data;
  const columns = [
    {title: "When", cell: (row) => html`<a href=${href([...here.path, row.id])}>${dateOf(row.created).toLocaleString()}</a>`},
    {title: "Mail", cell: (row) => label(row.template_id ?? "")},
    {title: "To", cell: (row) => row.to ?? ""},
    {title: "Subject", cell: (row) => row.subject ?? ""},
    {title: "State", cell: (row) => html`<${Sent} mail=${row} />`},
  ];
  return html`<${Screen} title="Mails that were sent" above=${html`<${Trail} ...${{here, place, account}} />`}
    request=${(answer.value ?? answer.error)?.request}>
    <form class="bar" onSubmit=${(event) => event.preventDefault()}><${DaysField} days=${days} choose=${change} /></form>
    <${Problem} error=${answer.error} />
    ${!rows && !answer.error && html`<${Waiting} />`}
    ${rows?.length > 0 && html`<${Rows} caption="Mails" columns=${columns} rows=${rows} keyOf=${({id}) => id} />`}
    ${rows && !rows.length && html`<div class="empty"><p>No mail was sent in these days.</p></div>`}
    ${rows && (rows.length > 0 || query.has("start_key")) && html`<${Pages} here=${{...here, query: changed(query, {page_size: query.get("page_size") ?? SIZE})}}
      envelope=${answer.value.envelope} change=${change} />`}
  </${Screen}>`;
}

function Sent({mail}) {
  return mail.error ? html`<${State} kind="bad">failed</${State}> <span class="fine">${mail.error}</span>` : html`<${State} kind="good">sent</${State}>`;
}

/** One mail: to whom, what the mail server said, and its texts. */
export function SentMailScreen({here, place, account}) {
  const path = apiPath(here.path);
  const answer = useAnswer(() => call("GET", path), [path]);
  const mail = answer.value?.data;
  const facts = mail ? [
    ["State", html`<${Sent} mail=${mail} />`],
    ["When", dateOf(mail.created).toLocaleString()],
    ["Mail", label(mail.template_id ?? "")],
    ...Object.entries(mail.emails ?? {}).map(([name, who]) => [label(name), [who].flat().filter(Boolean).join(", ")]),
    ["The mail server said", mail.receipt],
  ].filter(([, value]) => value) : [];
  return html`<${Screen} title=${mail?.subject ?? "Mail"} above=${html`<${Trail} ...${{here, place, account}} />`}
    request=${(answer.value ?? answer.error)?.request}>
    <${Problem} error=${answer.error} />
    ${!mail && !answer.error && html`<${Waiting} />`}
    ${mail && html`<dl class="facts card">${facts.map(([title, value]) => html`<div key=${title}><dt>${title}</dt><dd>${value}</dd></div>`)}</dl>
      ${Object.entries(mail.rendered_templates ?? {}).map(([type, text]) => html`<section key=${type}><h2>${TEXTS[type] ?? type}</h2>
        <pre class="brief" tabindex="0">${typeof text === "string" ? text : pretty(text)}</pre></section>`)}`}
  </${Screen}>`;
}
