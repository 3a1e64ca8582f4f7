/** The menu of an account: every family that the API has. */
import {html, useState} from "./html.js";
import {href} from "./router.js";
import {label} from "./words.js";

const PARTS = {documents: "Documents", settings: "Settings", views: "Status and tools"};

/** Families by what they are; typing narrows the list. */
export function Menu({model, accountId, here, isOpen}) {
  const [wanted, want] = useState("");
  const [, , noun] = here.path;
  const show = here.query.get("show");
  const own = [
    ["Start", [], {}, !noun && !show],
    ["Account settings", [], {show: "settings"}, !noun && show === "settings"],
    ["Accounts below", ["children"], {}, noun === "children" || (!noun && show === "new")],
  ];
  const families = (model?.families() ?? []).filter(({noun}) => noun !== "children" && fits(noun, wanted));
  return html`<nav class=${isOpen ? "menu open" : "menu"} id="menu" aria-label="Account">
    <ul>
      ${own.map(([text, path, query, isHere]) => html`<li key=${text}>
        <a href=${href(["accounts", accountId, ...path], query)} aria-current=${isHere ? "page" : null}>
          ${text}</a></li>`)}
    </ul>
    ${model && html`<input class="find" type="search" placeholder="Find a family" value=${wanted}
      aria-label="Find a family" onInput=${(event) => want(event.target.value)} />`}
    ${Object.entries(PARTS).map(([kind, title]) => {
      const part = families.filter((family) => family.kind === kind);
      return part.length > 0 && html`<div key=${kind}><h2>${title}</h2><ul>
        ${part.map((family) => html`<li key=${family.noun}>
          <a href=${href(["accounts", accountId, family.noun])}
            aria-current=${family.noun === noun ? "page" : null}>${label(family.noun)}</a></li>`)}
      </ul></div>`;
    })}
  </nav>`;
}

function fits(noun, wanted) {
  const sought = wanted.trim().toLowerCase();
  return noun.replaceAll("_", " ").includes(sought) || label(noun).toLowerCase().includes(sought);
}
