/** The menu of an account: every family that the API has. */
import {DebugButton} from "./debug.js";
import {html, useEffect, useLayoutEffect, useState} from "./html.js";
import {href} from "./router.js";
import {label} from "./words.js";

const PARTS = {
  documents: "Documents",
  settings: "Settings",
  views: "Status and tools",
  account: "Account",
  system: "Whole system",
};

/** Families by what they are; typing narrows the list. Where the window is narrow it has to be opened. */
export function Menu({model, accountId, isMaster, here, isOpen, close}) {
  const [wanted, want] = useState("");
  useEffect(() => {
    document.querySelector("#menu [aria-current]")?.scrollIntoView({block: "nearest"});
  }, [isOpen, here.href, model]);
  // Before it is painted: who sees the menu can close it.
  useLayoutEffect(() => {
    if (!isOpen) return undefined;
    const onKey = ({key}) => key === "Escape" && close();
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [isOpen]);
  const isOfAccount = here.path[0] === "accounts";
  const noun = here.path[isOfAccount ? 2 : 0];
  const show = here.query.get("show");
  const own = [
    ["Start", [], {}, !noun && !show],
    ["Account settings", [], {show: "settings"}, !noun && show === "settings"],
    ["Accounts below", ["children"], {}, noun === "children" || (!noun && show === "new")],
  ];
  const all = model ? [...model.families(), ...(isMaster ? model.systemFamilies() : [])] : [];
  const families = all.filter(({noun}) => noun !== "children" && fits(noun, wanted));
  const isShown = (family) => family.noun === noun && isOfAccount === (family.kind !== "system");
  const addressOf = (family) => (family.kind === "system" ? [family.noun] : ["accounts", accountId, family.noun]);
  return html`<nav class=${isOpen ? "menu open" : "menu"} id="menu" aria-label="Account"
    onClick=${(event) => event.target.closest("a, button") && close()}>
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
          <a href=${href(addressOf(family))} aria-current=${isShown(family) ? "page" : null}>
            ${label(family.noun)}</a></li>`)}
      </ul></div>`;
    })}
    <p><${DebugButton} /></p>
  </nav>`;
}

function fits(noun, wanted) {
  const sought = wanted.trim().toLowerCase();
  return noun.replaceAll("_", " ").includes(sought) || label(noun).toLowerCase().includes(sought);
}
