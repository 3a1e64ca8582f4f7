/** The menu of an account: every family that the API has, in groups. */
import {DebugButton} from "./debug.js";
import {FIRST, fits, grouped, titleOfFamily} from "./groups.js";
import {html, useEffect, useLayoutEffect, useState} from "./html.js";
import {href} from "./router.js";

const KEY = "crossbar.menu";

/** Typing narrows the list. Where the window is narrow the menu has to be opened. */
export function Menu({model, accountId, isMaster, here, isOpen, close}) {
  const [wanted, want] = useState("");
  const [chosen, choose] = useState(() => JSON.parse(localStorage.getItem(KEY) || "{}"));
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
    ["Phone", ["phone"], {}, noun === "phone"],
    ["Accounts below", ["children"], {}, noun === "children" || (!noun && show === "new")],
  ];
  const all = model ? [...model.families(), ...(isMaster ? model.systemFamilies() : [])] : [];
  const families = all.filter((family) => family.noun !== "children" && fits(family, wanted));
  const isShown = (family) => family.noun === noun && isOfAccount === (family.kind !== "system");
  const addressOf = (family) => (family.kind === "system" ? [family.noun] : ["accounts", accountId, family.noun]);
  const turn = (group, isNowOpen) => {
    const next = {...chosen, [group]: isNowOpen};
    choose(next);
    localStorage.setItem(KEY, JSON.stringify(next));
  };
  return html`<nav class=${isOpen ? "menu open" : "menu"} id="menu" aria-label="Account"
    onClick=${(event) => event.target.closest("a, p button") && close()}>
    <ul>
      ${own.map(([text, path, query, isHere]) => html`<li key=${text}>
        <a href=${href(["accounts", accountId, ...path], query)} aria-current=${isHere ? "page" : null}>
          ${text}</a></li>`)}
    </ul>
    ${model && html`<input class="find" type="search" placeholder="Find a family" value=${wanted}
      aria-label="Find a family" onInput=${(event) => want(event.target.value)} />`}
    ${grouped(families).map(([group, part]) => {
      // What is looked for, and where one is, are never hidden.
      const isForced = wanted !== "" || part.some(isShown);
      const isUnfolded = isForced || (chosen[group] ?? (group === FIRST && !noun));
      return html`<div class="group" key=${group}>
        <h2><button type="button" aria-expanded=${isUnfolded} disabled=${isForced}
          onClick=${() => turn(group, !isUnfolded)}>${group}</button></h2>
        ${isUnfolded && html`<ul>${part.map((family) => html`<li key=${family.noun}>
          <a href=${href(addressOf(family))} aria-current=${isShown(family) ? "page" : null}>
            ${titleOfFamily(family.noun)}</a></li>`)}</ul>`}
      </div>`;
    })}
    ${wanted && !families.length && html`<p class="fine" role="status">No family fits.</p>`}
    <p><${DebugButton} /></p>
  </nav>`;
}
