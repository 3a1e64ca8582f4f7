/** People: added in one step, with what is typed into a telephone, and removed in one step. */
import {apiPath} from "../api.js";
import {DocumentForm, Refusals} from "../form/form.js";
import {html, useMemo, useState} from "../html.js";
import {changed, go, href} from "../router.js";
import {Rows} from "../rows.js";
import {SchemaSet} from "../schemas.js";
import {call, draftOf} from "../session.js";
import {Confirm, CopyButton, Problem, Screen, useAnswer, Waiting} from "../ui.js";
import {Pages} from "./list.js";
import {Trail} from "./trail.js";

const SIZE = "50";

/** What softphones call the parts of a SIP account. */
const LABELS = {
  username: "User name",
  password: "Password",
  realm: "Domain, or realm",
  proxy: "Proxy, or outbound proxy, or registrar",
  transport: "Transport",
};

/** Everybody of the account, and the numbers that lead to each. */
export function PeopleScreen({here, place, account}) {
  const query = changed(here.query, {page_size: here.query.get("page_size") ?? SIZE});
  const answer = useAnswer(() => call("GET", `${apiPath(here.path)}?${query}`), [here.href]);
  const [leaving, choose] = useState(null);
  const rows = answer.value?.data;
  const columns = [
    {title: "Name", cell: (row) => html`<a href=${href([...here.path, row.id])}>${row.name}</a>`},
    {title: "Extension", cell: ({extensions}) => extensions.join(", ")},
    {title: "What can be done", kind: "tools", cell: (row) => html`<button type="button" class="small danger"
      aria-label=${`Remove: ${row.name}`} onClick=${() => choose(row)}>Remove</button>`},
  ];
  const gone = () => {
    choose(null);
    answer.again();
  };
  return html`<${Screen} title="People" about="Everybody of this account, and the numbers that lead to them."
    above=${html`<${Trail} ...${{here, place, account}} />`} request=${(answer.value ?? answer.error)?.request}
    actions=${html`<a class="button primary" href=${href(here.path, {show: "new"})}>Add a person</a>`}>
    <${Problem} error=${answer.error} />
    ${!rows && !answer.error && html`<${Waiting} />`}
    ${rows?.length > 0 && html`<${Rows} caption="People" columns=${columns} rows=${rows} keyOf=${({id}) => id} />
      <${Pages} here=${{...here, query}} envelope=${answer.value.envelope} change=${(changes) => go(href(here.path, changed(here.query, changes)))} />`}
    ${rows && !rows.length && html`<div class="empty"><p>There is nobody yet.</p></div>`}
    ${leaving && html`<${Removal} person=${leaving} path=${apiPath([...here.path, leaving.id])} onGone=${gone} onClose=${() => choose(null)} />`}
  </${Screen}>`;
}

/** Adding a person: a form, then what was made. */
export function NewPersonScreen({here, place, account, model}) {
  const path = apiPath(here.path);
  const schemas = useMemo(() => new SchemaSet(model.components), [model]);
  const schema = schemas.get(place.operations.create.schema);
  const [data, edit] = useState({});
  const [state, set] = useState({busy: false, error: null, person: null});
  const [isAsking, ask] = useState(false);
  const form = {schemas, errors: state.error?.fields ?? {}, isNew: true};
  const submit = async (event) => {
    event.preventDefault();
    set({...state, busy: true});
    try {
      set({busy: false, error: null, person: (await call("PUT", path, {data})).data});
    } catch (error) {
      set({busy: false, error, person: null});
    }
  };
  const another = () => {
    edit({});
    set({busy: false, error: null, person: null});
  };
  const {person} = state;
  return html`<${Screen} title=${person ? `${person.name} is ready` : "Add a person"} above=${html`<${Trail} ...${{here, place, account}} />`}
    about=${person ? "" : "Makes a login, a phone, a voicemail box and a callflow with an extension, all at once. A name is enough."}
    request=${draftOf("PUT", path, {data})}
    actions=${person && html`<a class="button" href=${href(here.path)}>Done</a>
      <button type="button" onClick=${another}>Add another</button>
      <button type="button" class="danger" onClick=${() => ask(true)}>Undo</button>`}>
    ${person
      ? html`<${Person} person=${person} account=${account} />`
      : html`<form onSubmit=${submit} novalidate>
          <${DocumentForm} schema=${schema} value=${data} set=${edit} first=${["extension", "email"]} form=${form} />
          <div class="save-bar">
            <${Problem} error=${state.error} focus><${Refusals} errors=${form.errors} /></${Problem}>
            <div class="buttons"><button class="primary" disabled=${state.busy}>Add</button>
              <a class="button" href=${href(here.path)}>Cancel</a></div>
          </div>
        </form>`}
    ${isAsking && html`<${Removal} person=${person} path=${`${path}/${person.id}`} onGone=${() => go(href(here.path))} onClose=${() => ask(false)} />`}
  </${Screen}>`;
}

/** A person, whenever a telephone is to be set up. */
export function PersonScreen({here, place, account}) {
  const path = apiPath(here.path);
  const answer = useAnswer(() => call("GET", path), [path]);
  const [isAsking, ask] = useState(false);
  const person = answer.value?.data;
  return html`<${Screen} title=${person?.name ?? "Person"} above=${html`<${Trail} ...${{here, place, account}} />`}
    request=${(answer.value ?? answer.error)?.request}
    actions=${person && html`<button type="button" class="danger" onClick=${() => ask(true)}>Remove</button>`}>
    <${Problem} error=${answer.error} />
    ${!person && !answer.error && html`<${Waiting} />`}
    ${person && html`<${Person} person=${person} account=${account} />`}
    ${isAsking && html`<${Removal} person=${person} path=${path} onGone=${() => go(href(here.path.slice(0, -1)))} onClose=${() => ask(false)} />`}
  </${Screen}>`;
}

function Removal({person, path, onGone, onClose}) {
  const remove = async () => {
    await call("DELETE", path);
    onGone();
  };
  return html`<${Confirm} title=${`Remove ${person.name}?`} yes="Remove" onYes=${remove} onClose=${onClose}>
    <p>The login goes, and with it the phones, the voicemail boxes and the callflows of this person.</p></${Confirm}>`;
}

function Person({person, account}) {
  const to = (noun, {id}) => href(["accounts", account.id, noun, id]);
  const phones = person.devices.filter(({sip}) => sip);
  return html`<section class="card" aria-label="Login and extension"><h2>Login and extension</h2>
      <${Facts} facts=${[
        ["Extension", person.extensions.join(", ") || "none"],
        ["User name", person.user.username ?? "no login"],
        person.user.password && ["Password", person.user.password],
        ...person.vmboxes.map(({mailbox, pin}) => ["Voicemail", pin ? `box ${mailbox}, PIN ${pin}` : `box ${mailbox}`]),
      ].filter(Boolean)} />
      ${person.user.password && html`<p class="note" role="status">The password is told this once.</p>`}
      <p class="fine">${[
        ["users", person.user, "the user"],
        ...person.vmboxes.map((box) => ["vmboxes", box, `voicemail box ${box.mailbox}`]),
        ...person.callflows.map((flow) => ["callflows", flow, `callflow ${flow.numbers.join(", ")}`]),
        ...person.devices.map((device) => ["devices", device, `device ${device.name}`]),
      ].map(([noun, document, text], i) => html`${i ? ", " : "Change "}<a key=${document.id} href=${to(noun, document)}>${text}</a>`)}</p>
    </section>
    ${phones.map((device) => html`<${Phone} key=${device.id} device=${device} />`)}
    ${!phones.length && html`<div class="empty"><p>This person has no phone that logs in with a password.</p></div>`}`;
}

/** What to type into a softphone, or to scan. */
function Phone({device: {name, sip}}) {
  return html`<section class="card phone-setup" aria-label=${`Set up ${name}`}><h2>Type this into the phone</h2>
    <div class="phone-parts">
      <div><${Facts} facts=${Object.entries(LABELS).map(([part, text]) => [text, sip[part]])} copies />
        <p><${CopyButton} text=${sip.text} label="Copy all" about=${name} /></p></div>
      <figure><img src=${sip.qr} alt=${`The same for ${name} as a QR code`} width="220" height="220" />
        <figcaption class="fine">The same, to scan</figcaption></figure>
    </div></section>`;
}

function Facts({facts, copies = false}) {
  return html`<dl class="typed">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt>
    <dd><code>${value}</code>${copies && html` <${CopyButton} text=${value} about=${name} quiet />`}</dd></div>`)}</dl>`;
}
