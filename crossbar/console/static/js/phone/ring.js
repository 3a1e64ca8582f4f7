/** The sound of a telephone that rings, made by the browser: two notes, twice, and a pause. */

const NOTES = [660, 880]; // Hz
const TURN = 3000; // milliseconds from one ring to the next
const LOUD = 0.1;

let context = null;
let timer = 0;

/** Ring until `stopRinging`; silently where the browser does not let pages make sounds. */
export function startRinging() {
  if (timer) return;
  context ??= new AudioContext();
  timer = setInterval(once, TURN);
  once();
}

export function stopRinging() {
  clearInterval(timer);
  timer = 0;
}

function once() {
  for (let i = 0; i < 4; i += 1) {
    const begin = context.currentTime + i * 0.3;
    const tone = new OscillatorNode(context, {frequency: NOTES[i % 2]});
    const volume = new GainNode(context, {gain: LOUD});
    tone.connect(volume).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + 0.25);
  }
}
