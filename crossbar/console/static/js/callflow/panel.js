/** A callflow drawn as a tree, whose steps can be added, changed, moved and removed. */
import {html, useState} from "../html.js";
import {Dialog} from "../ui.js";
import {dotted} from "../values.js";
import {label} from "../words.js";
import {messagesOf} from "../form/field.js";
import {nameOf} from "../form/picker.js";
import {BranchDialog, NodeDialog} from "./node.js";
import {Trial} from "./trial.js";
import {branches, DEFAULT, freeBranch, isWithin, moved, nodeAt, place, withNode, without} from "./tree.js";

/** The panel of a callflow's document; what is done here is saved with the document. */
export function FlowPanel({value, set, errors, path, isNew, isChanged, account, model}) {
  const [doing, plan] = useState(null); // {what: "add" | "change" | "remove" | "place", keys}
  const [moving, carry] = useState(null);
  const [trial, show] = useState(null);
  const {flow} = value;
  const change = (next) => {
    show(null); // what was tried is another flow
    set({...value, flow: next});
    plan(null);
    carry(null);
  };
  const shared = {flow, errors, moving, plan, carry, metadata: value.metadata ?? {}, visits: visitsOf(trial, value.id)};
  return html`<section class="flow" aria-label="Flow">
    ${moving && html`<p class="note" role="status">Choose the step below which to put
      “${label(nodeAt(flow, moving).module)}”. <button type="button" class="small" onClick=${() => carry(null)}>
        Leave it where it is</button></p>`}
    ${flow?.module
      ? html`<ul><${Step} keys=${[]} ...${shared} /></ul>`
      : html`<div class="empty"><p>Nothing happens yet to calls that get here.</p>
          <p><button type="button" onClick=${() => plan({what: "first", keys: []})}>Add the first step</button></p></div>`}
    ${!isNew && flow?.module && html`<${Trial} ...${{path, isChanged, account, trial, show}} />`}
    ${doing && html`<${Doing} ...${{doing, flow, moving, change, account, model}} onClose=${() => plan(null)} />`}
  </section>`;
}

/** Which steps of the flow a call that was tried came to, by their place: when, and whether that is now. */
function visitsOf(trial, id) {
  const visits = {};
  trial?.steps.forEach(({callflow, path}, i) => {
    if (callflow.id !== id) return;
    const visit = (visits[path.join("/")] ??= {turns: [], isNow: false});
    visit.turns.push(i + 1);
    visit.isNow ||= i === trial.at;
  });
  return visits;
}

function Step({keys, ...shared}) {
  const {flow, errors, moving, plan, carry, metadata, visits} = shared;
  const visit = visits[keys.join("/")];
  const node = nodeAt(flow, keys);
  const name = label(node.module);
  const target = nameOf(node.data?.id, metadata);
  const canTake = moving && !isWithin(keys, moving);
  const faults = faultsOf(errors, keys, node);
  const about = target ? `${name} ${target}` : name;
  const button = (text, what) => html`<button type="button" class="small" aria-label=${`${text}: ${about}`}
    onClick=${() => plan({what, keys})}>${text}</button>`;
  return html`<li>
    <div class=${`step${faults.length ? " faulty" : ""}${visit ? (visit.isNow ? " tried now" : " tried") : ""}`} data-keys=${keys.join("/")}
      aria-current=${visit?.isNow ? "step" : null}>
      ${visit && html`<span class="turn"><span class="hidden">Step </span>${visit.turns.join(", ")}</span>`}
      ${keys.length > 0 && html`<span class="branch">${branchName(keys.at(-1), metadata)}</span>`}
      <span class="step-name"><strong>${name}</strong>${target && html` <span>${target}</span>`}</span>
      <span class="step-tools">
        ${canTake && html`<button type="button" class="small primary" onClick=${() => plan({what: "place", keys})}
          aria-label=${`Put below: ${about}`}>Put below</button>`}
        ${!moving && html`${button("Change", "change")}${button("Add", "add")}
          ${keys.length > 0 && html`<button type="button" class="small" aria-label=${`Move: ${about}`}
            onClick=${() => carry(keys)}>Move</button>`}
          ${button("Remove", "remove")}`}
      </span>
      ${faults.length > 0 && html`<p class="error">${faults.join(" ")}</p>`}
    </div>
    ${branches(node).length > 0 && html`<ul>${branches(node).map(
      (key) => html`<${Step} key=${key} ...${shared} keys=${[...keys, key]} />`,
    )}</ul>`}
  </li>`;
}

function branchName(key, metadata) {
  if (key === DEFAULT) return "otherwise";
  return /^[0-9*#]+$/.test(key) ? `key ${key}` : nameOf(key, metadata);
}

/** What was refused about a step itself: its module, its data. */
function faultsOf(errors, keys, node) {
  const start = dotted(place(keys));
  return Object.entries(errors)
    .filter(([path]) => path.startsWith(start) && !path.startsWith(`${start}.children.`))
    .flatMap(([path, rules]) => messagesOf(rules).map((said) => `${path.slice(start.length + 1)}: ${said}`))
    .concat(node.module ? [] : ["A step needs a module."]);
}

function Doing({doing, flow, moving, change, account, model, onClose}) {
  const {what, keys} = doing;
  const node = nodeAt(flow, keys) ?? {};
  const shared = {account, model, onClose};
  if (what === "first") {
    return html`<${NodeDialog} title="The first step" node=${{module: "", data: {}}} branch=${null} taken=${[]}
      onDone=${(made) => change(made)} ...${shared} />`;
  }
  if (what === "add") {
    return html`<${NodeDialog} title=${`A step below ${label(node.module)}`} node=${{module: "", data: {}}}
      branch=${freeBranch(node)} taken=${branches(node)}
      onDone=${(made, key) => change(withNode(flow, [...keys, key], made))} ...${shared} />`;
  }
  if (what === "change") {
    const above = keys.slice(0, -1);
    const taken = keys.length ? branches(nodeAt(flow, above)).filter((key) => key !== keys.at(-1)) : [];
    return html`<${NodeDialog} title=${`Change ${label(node.module)}`} node=${node} branch=${keys.at(-1) ?? null}
      taken=${taken} onDone=${(made, key) => {
        const rest = key === null || key === keys.at(-1) ? flow : withNode(flow, keys, undefined);
        change(withNode(rest, key === null ? [] : [...above, key], made));
      }} ...${shared} />`;
  }
  if (what === "place") {
    return html`<${BranchDialog} title=${`Put it below ${label(node.module)}`} branch=${freeBranch(node)}
      taken=${branches(node)} onDone=${(key) => change(moved(flow, moving, keys, key))} onClose=${onClose} />`;
  }
  return html`<${Remove} ...${{flow, keys, node, change, onClose}} />`;
}

function Remove({flow, keys, node, change, onClose}) {
  const below = branches(node);
  return html`<${Dialog} title=${`Remove ${label(node.module)}?`} onClose=${onClose}>
    <p>${below.length ? "There are steps below it." : "Nothing is saved before you save the callflow."}</p>
    <div class="buttons">
      ${below.length === 1 && html`<button type="button" class="primary"
        onClick=${() => change(without(flow, keys, {keepBranch: true}))}>Remove only this step</button>`}
      <button type="button" class="danger" onClick=${() => change(without(flow, keys, {keepBranch: false}))}>
        ${below.length ? "Remove it and all below" : "Remove"}</button>
      <button type="button" onClick=${onClose}>Cancel</button>
    </div>
  </${Dialog}>`;
}
