/** The audio of a media document: upload, listen, download. */
import {Player} from "../files.js";
import {html, useState} from "../html.js";
import {call} from "../session.js";
import {Problem, useAnswer, Waiting} from "../ui.js";

/** The panel; new audio is stored at once, and the document learns its type and length. */
export function AudioPanel({value, path, place, reload}) {
  const [state, set] = useState({error: null, busy: false});
  const hasAudio = Boolean(value.content_length);
  const audio = useAnswer(
    () => (hasAudio ? call("GET", `${path}/raw`, {accept: "*/*"}) : Promise.resolve(null)),
    [path, value.content_length],
  );
  const upload = async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    set({error: null, busy: true});
    try {
      await call("POST", `${path}/raw?filename=${encodeURIComponent(file.name)}`, {file});
      await reload();
      audio.again();
      set({error: null, busy: false});
    } catch (error) {
      set({error, busy: false});
    }
  };
  const types = place.literals.get("raw").operations.replace.reads;
  return html`<section class="card audio">
    <${Problem} error=${state.error ?? audio.error} />
    ${!hasAudio && html`<p>There is no audio yet.</p>`}
    ${hasAudio && (audio.value ? html`<${Player} blob=${audio.value.blob} name=${value.name} />` : html`<${Waiting} />`)}
    <label class="field"><span class="label">${hasAudio ? "Upload other audio" : "Upload audio"}</span>
      <input type="file" accept=${types.filter((type) => type.includes("audio") || type.includes("video")).join()}
        disabled=${state.busy} onChange=${upload} />
      <span class="help" role="status">${state.busy ? "Uploading …" : "Stored at once. WAV, MP3 or OGG."}</span></label>
  </section>`;
}
