// One WebSocket per page: connects, reconnects with jittered pauses, answers pings, and matches
// answers to commands by `ref`. Other frames go to the listeners of their type.
import { backoff } from "./api.js";

const FIRST_PAUSE = 500; // milliseconds
const LONGEST_PAUSE = 30_000;
const SILENCE = 45_000; // the server pings every 25 s: after this the connection is dead
const ANSWER_TIME = 10_000;

export class Socket {
  #listeners = new Map();
  #waiting = new Map();
  #web = null;
  #tries = 0;
  #timer = 0;
  #count = 0;
  #receivedAt = 0;
  connected = false;
  everConnected = false;

  constructor(path) {
    this.url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
    addEventListener("online", () => this.#reconnect(0));
    addEventListener("offline", () => this.restart());
    addEventListener("pagehide", () => this.#web?.close());
    addEventListener("pageshow", (event) => event.persisted && this.#reconnect(0));
    setInterval(() => {
      if (this.connected && Date.now() - this.#receivedAt > SILENCE) this.restart();
    }, 5000);
  }

  on(type, listener) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, []);
    this.#listeners.get(type).push(listener);
  }

  emit(type, frame = {}) {
    for (const listener of this.#listeners.get(type) ?? []) listener(frame);
  }

  connect() {
    clearTimeout(this.#timer);
    if (this.#web) return;
    const web = new WebSocket(this.url, ["messenger.v1"]);
    this.#web = web;
    web.onmessage = (event) => this.#receive(JSON.parse(event.data));
    web.onclose = (event) => this.#closed(web, event.code);
  }

  // Best effort: false without a connection. The caller sends again after a reconnect.
  send(frame) {
    if (!this.connected || this.#web.readyState !== WebSocket.OPEN) return false;
    this.#web.send(JSON.stringify(frame));
    return true;
  }

  // Resolves to the answer. Rejects with the `error` frame, or with {code: "lost"} when the
  // connection breaks first.
  ask(frame) {
    return new Promise((resolve, reject) => {
      const ref = `r${++this.#count}`;
      const timer = setTimeout(() => this.restart(), ANSWER_TIME);
      this.#waiting.set(ref, { resolve, reject, timer });
      if (!this.send({ ...frame, ref })) this.#settle(ref, "reject", { code: "lost" });
    });
  }

  // Drops a connection that is dead without having closed.
  restart() {
    const web = this.#web;
    if (!web) return;
    web.onclose = web.onmessage = null;
    web.close();
    this.#closed(web, 0);
  }

  #receive(frame) {
    this.#receivedAt = Date.now();
    if (frame.type === "ping") this.send({ type: "pong", n: frame.n });
    else if (frame.type === "connected") this.#opened(frame);
    else if (frame.type === "ack") this.#settle(frame.ref, "resolve", frame);
    else if (frame.type === "error" && this.#waiting.has(frame.ref)) {
      this.#settle(frame.ref, "reject", frame);
    } else this.emit(frame.type, frame);
  }

  #opened(frame) {
    const again = this.everConnected;
    this.connected = this.everConnected = true;
    this.#tries = 0;
    this.emit("connected", { ...frame, again });
  }

  #closed(web, code) {
    if (web !== this.#web) return;
    this.#web = null;
    this.connected = false;
    for (const ref of [...this.#waiting.keys()]) this.#settle(ref, "reject", { code: "lost" });
    this.emit("close", { code });
    if (code === 4401 || code === 4403) return; // only a new sign-in helps
    const pause = backoff(this.#tries++, FIRST_PAUSE, LONGEST_PAUSE);
    this.#reconnect(code === 4429 ? LONGEST_PAUSE : pause);
  }

  #reconnect(pause) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => navigator.onLine && this.connect(), pause);
  }

  #settle(ref, how, value) {
    const waiting = this.#waiting.get(ref);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(ref);
    waiting[how](value);
  }
}
