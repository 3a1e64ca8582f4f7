/** How screens are written: templates without a build step, and the hooks that they use. */
import {h} from "../vendor/preact.mjs";
import htm from "../vendor/htm.mjs";

export {render} from "../vendor/preact.mjs";
export {useEffect, useId, useLayoutEffect, useMemo, useRef, useState} from "../vendor/hooks.mjs";

/** Template tag: html`<p class=${name}>${text}</p>`. */
export const html = htm.bind(h);
