/** Speaking to the API: envelopes, errors, and the same request as a curl command. */

/** The API's address, seen from where the console is served. */
export const API = new URL("../v2", document.baseURI).href;

/** Where the meaning of error codes is told. */
export const ERRORS_PAGE = new URL("../docs/errors", document.baseURI).href;

/**
 * @typedef {object} Request what was sent
 * @property {string} method
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {string | Blob | undefined} body
 *
 * @typedef {object} Answer
 * @property {number} status
 * @property {any} data the envelope's data
 * @property {any} envelope everything beside it
 * @property {string | null} tag the revision, as the header has it, for `If-Match`
 * @property {Request} request
 * @property {Blob | null} blob the bytes, where the answer is no envelope
 * @property {number | null} time when it was answered, by the server's clock, in milliseconds since 1970
 */

/** A request that was refused, or that got no answer (status 0). */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {any} envelope
   * @param {Request} request
   */
  constructor(status, envelope, request) {
    super(envelope.message || "no answer");
    this.status = status;
    this.code = envelope.message || "";
    this.data = envelope.data;
    this.requestId = envelope.request_id || "";
    this.request = request;
  }

  /** Refused fields by dotted path, where the server named any: `{path: {rule: {message}}}`. */
  get fields() {
    const isRefusal = this.code === "validation error" && this.data && !this.data.message;
    return isRefusal ? this.data : {};
  }
}

/**
 * Send one request, as whoever `token` says.
 *
 * @param {string} method
 * @param {string} path below /v2, with its query
 * @param {{data?: any, action?: string, file?: Blob, tag?: string | null, accept?: string,
 *   token?: string}} [options] `data` travels in an envelope, `file` as it is
 * @returns {Promise<Answer>}
 * @throws {ApiError}
 */
export async function send(method, path, options = {}) {
  const request = compose(method, path, options);
  let response, content;
  try {
    // No copy is kept: not of what is secret, nor of what changes without a new revision.
    response = await fetch(request.url, {...request, cache: "no-store"});
    content = await response.blob();
  } catch {
    throw new ApiError(0, {message: "The server does not answer."}, request);
  }
  const isJson = (response.headers.get("Content-Type") || "").startsWith("application/json");
  const envelope = isJson ? JSON.parse(await content.text()) : {};
  if (!response.ok) throw new ApiError(response.status, envelope, request);
  return {
    status: response.status,
    data: envelope.data,
    envelope,
    tag: response.headers.get("ETag"),
    request,
    blob: isJson ? null : content,
    time: Date.parse(response.headers.get("Date")) || null,
  };
}

/**
 * The request that `send` would send.
 *
 * @returns {Request}
 */
export function compose(method, path, {data, action, file, tag, accept, token}) {
  const headers = {};
  if (token) headers["X-Auth-Token"] = token;
  if (tag) headers["If-Match"] = tag;
  if (accept) headers["Accept"] = accept;
  let body;
  if (file) {
    headers["Content-Type"] = file.type || "application/octet-stream";
    body = file;
  } else if (data !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(action ? {data, action} : {data});
  }
  return {method, url: API + path, headers, body};
}

/**
 * The command that sends a request again.
 *
 * @param {Request} request
 */
export function asCurl({method, url, headers, body}) {
  const parts = ["curl"];
  if (method !== "GET") parts.push(`-X ${method}`);
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body instanceof Blob) parts.push(`--data-binary ${quoted(`@${body.name || "file"}`)}`);
  else if (body !== undefined) parts.push(`-d ${quoted(body)}`);
  parts.push(quoted(url));
  return parts.join(" ");
}

/** The path of the API that an address names. */
export function apiPath(tokens) {
  return `/${tokens.map(encodeURIComponent).join("/")}`;
}

/** A text as one word of a shell command. */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
