/** The start page of an account: what it has, what changed, what to do next. */
import {html} from "../html.js";
import {href} from "../router.js";
import {call} from "../session.js";
import {Screen, useAnswer, Waiting} from "../ui.js";
import {ago, dateOf, gregorian, label, singular, titleOf} from "../words.js";

const COUNTED = 100; // documents of a family; beyond it is "100+"
const WINDOWS = [7 * 86_400, 86_400, 3600]; // seconds that are looked back, until few enough changed
const LOOKED_AT = 20; // changed documents of a family
const FETCHED = 24; // changed documents whose times are asked for
const SHOWN = 8;

const STEPS = [
  ["users", "Add the people who make calls", "They get a login, a phone, voicemail and an extension, all at once.", "people"],
  ["devices", "Give them devices", "Phones and softphones, with the names and passwords that they register with."],
  ["vmboxes", "Set up voicemail boxes", "For callers whom nobody answers."],
  ["callflows", "Decide what happens when a number is called", "A callflow has numbers, and a tree of actions."],
];

/** What one sees first. */
export function StartScreen({account, accountAnswer, model}) {
  const families = model.collections();
  const counts = useAnswer(() => countAll(account.id, families), [account.id]);
  const full = families.filter(({noun}) => counts.value?.[noun]?.count);
  const changes = useAnswer(() => (counts.value ? latest(account.id, full) : new Promise(() => {})), [counts.value]);
  return html`<${Screen} title=${account.name} about=${account.realm} request=${accountAnswer.value.request}
    actions=${html`<a class="button" href=${href(["accounts", account.id], {show: "new"})}>New account below</a>`}>
    ${counts.value && html`<${Next} account=${account} counts=${counts.value} />`}
    <section><h2>What this account has</h2>
      ${counts.value
        ? html`<ul class="counts">${full.map(({noun}) => html`<li key=${noun}>
            <a href=${href(["accounts", account.id, noun])}><strong>${shown(counts.value[noun])}</strong> ${label(noun)}</a></li>`)}
          </ul>${!full.length && html`<p class="fine">Nothing yet.</p>`}`
        : html`<${Waiting} />`}
    </section>
    <section><h2>Latest changes</h2>
      ${changes.value ? html`<${Changes} account=${account} changes=${changes.value} />` : html`<${Waiting} />`}
    </section>
  </${Screen}>`;
}

function shown({count, isMore}) {
  return isMore ? `${count}+` : String(count);
}

function Next({account, counts}) {
  const missing = STEPS.filter(([noun]) => noun in counts && counts[noun].count === 0);
  if (!missing.length) return null;
  return html`<section class="card next"><h2>What to do next</h2>
    <ol>${STEPS.filter(([noun]) => noun in counts).map(([noun, what, why, made = noun]) => {
      const isDone = counts[noun].count > 0;
      return html`<li key=${noun} class=${isDone ? "done" : ""}>
        ${isDone ? html`${what} <span class="chip">done</span>`
          : html`<a href=${href(["accounts", account.id, made], {show: "new"})}>${what}</a>`}
        <span class="help">${why}</span></li>`;
    })}</ol>
  </section>`;
}

function Changes({account, changes}) {
  if (!changes.length) return html`<p class="fine">Nothing has changed in the last week.</p>`;
  return html`<ul class="changes">${changes.map(({noun, data, metadata}) => html`<li key=${data.id}>
    <a href=${href(["accounts", account.id, noun, data.id])}>${titleOf(data)}</a>
    <span class="fine">${singular(noun)} · ${metadata.created === metadata.modified ? "created" : "changed"}
      ${" "}${ago(dateOf(metadata.modified))}</span></li>`)}</ul>`;
}

/** How many documents each family has; one that may not be read has none here. */
async function countAll(accountId, families) {
  const counted = families.map(async ({noun}) => {
    const {data, envelope} = await call("GET", `/accounts/${accountId}/${noun}?page_size=${COUNTED}`);
    return [noun, {count: data.length, isMore: Boolean(envelope.next_start_key)}];
  });
  const results = await Promise.allSettled(counted);
  return Object.fromEntries(results.flatMap(({value}) => (value ? [value] : [])));
}

/** The documents that were changed last, the latest first. Lists do not tell when; documents do. */
async function latest(accountId, families) {
  const changed = await Promise.all(families.map(({noun}) => changedLately(accountId, noun)));
  const found = changed.flat().slice(0, FETCHED).map(async ({noun, id}) => {
    const {data, envelope} = await call("GET", `/accounts/${accountId}/${noun}/${encodeURIComponent(id)}`);
    return {noun, data, metadata: envelope.metadata};
  });
  const results = await Promise.allSettled(found);
  return results
    .flatMap(({value}) => (value?.metadata ? [value] : []))
    .sort((one, other) => other.metadata.modified - one.metadata.modified)
    .slice(0, SHOWN);
}

async function changedLately(accountId, noun) {
  let rows = [];
  for (const seconds of WINDOWS) {
    const since = gregorian(new Date()) - seconds;
    const answer = await call("GET", `/accounts/${accountId}/${noun}?modified_from=${since}&page_size=${LOOKED_AT}`);
    if (rows.length && !answer.data.length) break;
    rows = answer.data;
    if (!answer.envelope.next_start_key) break;
  }
  return rows.map((row) => ({noun, id: row.id ?? row}));
}
