/** The account tree: where one is, and how to go to an account below. */
import {html, useState} from "./html.js";
import {go, href} from "./router.js";
import {call} from "./session.js";
import {Dialog, Problem, useAnswer, Waiting} from "./ui.js";

/** Shows the account that is looked at; pressing it opens the tree. */
export function AccountButton({account, own}) {
  const [isOpen, open] = useState(false);
  return html`<button type="button" class="quiet" aria-haspopup="dialog" onClick=${() => open(true)}>
      <span class="hidden">Account:</span>
      <span class="name">${account?.name ?? "…"}</span> <span aria-hidden="true">▾</span>
    </button>
    ${isOpen && html`<${Chooser} own=${own} current=${account?.id} onClose=${() => open(false)} />`}`;
}

function Chooser({own, current, onClose}) {
  const [wanted, want] = useState("");
  const answer = useAnswer(() => everyone(own), [own]);
  const choose = (id) => {
    onClose();
    go(href(["accounts", id]));
  };
  const sought = wanted.trim().toLowerCase();
  const found = answer.value?.filter(
    ({id, name, realm = ""}) => [id, name.toLowerCase(), realm.toLowerCase()].some((text) => text.includes(sought)),
  );
  return html`<${Dialog} title="Go to an account" onClose=${onClose}>
    <input type="search" aria-label="Search accounts by name, realm or id" placeholder="Name, realm or id"
      value=${wanted} onInput=${(event) => want(event.target.value)} />
    <${Problem} error=${answer.error} />
    ${!answer.value && !answer.error && html`<${Waiting} />`}
    ${found && html`<ul class="accounts">
      ${found.map(({id, name, realm, depth}) => html`<li key=${id} data-depth=${Math.min(depth, 6)}>
        <button type="button" aria-current=${id === current ? "true" : null} onClick=${() => choose(id)}>
          ${name} ${realm && html`<span class="fine">${realm}</span>`}</button></li>`)}
    </ul>
    <p class="fine" role="status">${found.length ? `${found.length} accounts` : "No account fits."}</p>`}
  </${Dialog}>`;
}

/** One's own account and all below it, each after the one that it is below of. */
async function everyone(own) {
  const [top, below] = await Promise.all([
    call("GET", `/accounts/${own}`),
    call("GET", `/accounts/${own}/descendants?paginate=false`),
  ]);
  const rows = [{...top.data, tree: []}, ...below.data];
  const children = Map.groupBy(rows, ({tree}) => tree.at(-1));
  const ordered = [];
  const visit = (row, depth) => {
    ordered.push({...row, depth});
    for (const child of children.get(row.id) ?? []) visit(child, depth + 1);
  };
  visit(rows[0], 0);
  return ordered;
}
