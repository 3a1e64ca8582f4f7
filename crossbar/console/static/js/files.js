/** Bytes that came with a token: kept as files, listened to. */
import {html, useEffect, useState} from "./html.js";
import {call} from "./session.js";
import {Problem} from "./ui.js";

const AUDIO = "audio/mpeg, audio/wav, audio/ogg, audio/x-wav, audio/mp3";

/** Have the browser keep bytes as a file. */
export function saved(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // when the browser has begun to keep it
}

/** Audio with its controls, and a link that keeps it. */
export function Player({blob, name, autoplay = false}) {
  const [url, set] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    set(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  if (!url) return null;
  const size = blob.size < 10_240 ? `${blob.size} bytes` : `${Math.round(blob.size / 1024)} kB`;
  return html`<div class="player">
    <audio controls autoplay=${autoplay} src=${url} aria-label=${`Listen to ${name}`}></audio>
    <a class="button" href=${url} download=${name}>Download</a>
    <span class="fine">${blob.type}, ${size}</span>
  </div>`;
}

/** A button that fetches audio and becomes its player. */
export function Listen({path, name}) {
  const [state, set] = useState({blob: null, busy: false, error: null});
  const run = async () => {
    set({blob: null, busy: true, error: null});
    try {
      const {blob} = await call("GET", path, {accept: AUDIO});
      set({blob, busy: false, error: null});
    } catch (error) {
      set({blob: null, busy: false, error});
    }
  };
  if (state.blob) return html`<${Player} blob=${state.blob} name=${name} autoplay />`;
  return html`<button type="button" class="small" disabled=${state.busy} aria-label=${`Listen: ${name}`} onClick=${run}>
      ${state.busy ? "Reading …" : "▶ Listen"}</button>
    <${Problem} error=${state.error} />`;
}
