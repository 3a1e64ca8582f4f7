/**
 * The digest of RFC 1321. Browsers offer none, and logins need it: clients of the API send the
 * MD5 of "user:password". It protects nothing here; the server keeps a slow hash of it.
 */

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const SINES = Uint32Array.from({length: 64}, (_, i) => Math.abs(Math.sin(i + 1)) * 2 ** 32);
const BLOCK = 64;

/**
 * @param {string} text
 * @returns {string} the digest of the text's UTF-8 bytes, in hexadecimal
 */
export function md5(text) {
  const words = padded(new TextEncoder().encode(text));
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let start = 0; start < words.length; start += BLOCK / 4) {
    mix(state, words.subarray(start, start + BLOCK / 4));
  }
  const digest = new DataView(new ArrayBuffer(16));
  state.forEach((word, i) => digest.setUint32(i * 4, word, true));
  const bytes = new Uint8Array(digest.buffer);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The message, a one bit, zeros, and its length in bits: whole blocks, as 32-bit words. */
function padded(message) {
  const length = Math.ceil((message.length + 9) / BLOCK) * BLOCK;
  const bytes = new Uint8Array(length);
  bytes.set(message);
  bytes[message.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(length - 8, message.length * 8, true);
  view.setUint32(length - 4, Math.floor(message.length / 2 ** 29), true);
  return Uint32Array.from({length: length / 4}, (_, i) => view.getUint32(i * 4, true));
}

function mix(state, block) {
  let [a, b, c, d] = state;
  for (let i = 0; i < 64; i++) {
    const round = i >> 4;
    const [f, word] = ROUNDS[round](b, c, d, i);
    const sum = (a + f + SINES[i] + block[word % 16]) >>> 0;
    const shift = SHIFTS[round * 4 + (i % 4)];
    const turned = (sum << shift) | (sum >>> (32 - shift));
    [a, d, c, b] = [d, c, b, (b + turned) >>> 0];
  }
  [a, b, c, d].forEach((word, i) => (state[i] += word));
}

const ROUNDS = [
  (b, c, d, i) => [(b & c) | (~b & d), i],
  (b, c, d, i) => [(d & b) | (~d & c), 5 * i + 1],
  (b, c, d, i) => [b ^ c ^ d, 3 * i + 5],
  (b, c, d, i) => [c ^ (b | ~d), 7 * i],
];
