/** The way of SIP messages to the switch: a socket of this server's own, as JsSIP wants sockets to be. */
import {API} from "../api.js";
import {session} from "../session.js";

/** Where the server takes telephones of browsers. */
const PLACE = new URL("/telephone", API);
PLACE.protocol = PLACE.protocol.replace("http", "ws");

/** Whoever logs in again connects with the new token the next time. */
export class PhoneSocket {
  #socket = null;
  url = PLACE.href;
  via_transport = PLACE.protocol === "wss:" ? "WSS" : "WS";
  sip_uri = `sip:${PLACE.host};transport=ws`;

  connect() {
    if (this.#socket) return;
    const socket = new WebSocket(this.url, ["sip", `bearer.${session.get()?.token}`]);
    this.#socket = socket;
    socket.onopen = () => this.onconnect();
    socket.onmessage = ({data}) => this.ondata(data);
    socket.onclose = ({wasClean, code, reason}) => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.ondisconnect(!wasClean, code, reason);
    };
  }

  disconnect() {
    this.#socket?.close();
    this.#socket = null;
  }

  /** Take it that nobody is there, so that another connection is made. */
  lose() {
    if (!this.#socket) return;
    this.disconnect();
    this.ondisconnect(true);
  }

  send(message) {
    if (!this.isConnected()) return false;
    this.#socket.send(message);
    return true;
  }

  isConnected() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  isConnecting() {
    return this.#socket?.readyState === WebSocket.CONNECTING;
  }
}
