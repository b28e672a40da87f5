// What was written and is not acknowledged yet: kept over reloads, sent in order, one at a time,
// always under the same message_id, so that a repeat never makes a second message.
import { me } from "./words.js";

const KEY = `outbox:${me.id}`;
const REFUSED_FOR_GOOD = new Set(["invalid_input", "not_found", "forbidden", "message_id_conflict", "not_accepting_messages", "person_blocked"]);

export class Outbox {
  #socket;
  #busy = false;
  #timer = 0;
  onAck = () => {};
  onFailure = () => {};

  constructor(socket) {
    this.#socket = socket;
    this.items = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    socket.on("connected", () => this.flush());
  }

  add(item) {
    this.items.push(item);
    this.#save();
    this.flush();
  }

  of(chatId) {
    return this.items.filter((item) => item.chat_id === chatId);
  }

  retry(messageId) {
    const item = this.items.find((one) => one.message_id === messageId);
    if (!item) return;
    delete item.failed;
    this.#save();
    this.flush();
  }

  discard(messageId) {
    this.items = this.items.filter((one) => one.message_id !== messageId);
    this.#save();
  }

  async flush() {
    if (this.#busy) return;
    this.#busy = true;
    clearTimeout(this.#timer);
    let item;
    while (this.#socket.connected && (item = this.items.find((one) => !one.failed))) {
      if (!(await this.#deliver(item))) break;
    }
    this.#busy = false;
  }

  async #deliver(item) {
    const { failed, ...frame } = item;
    try {
      const ack = await this.#socket.ask({ type: "message", ...frame });
      this.discard(item.message_id);
      this.onAck(ack);
      return true;
    } catch (error) {
      if (error.code === "lost") return false; // the next connection flushes again
      if (REFUSED_FOR_GOOD.has(error.code)) {
        item.failed = error.code;
        this.#save();
        this.onFailure(item);
        return true;
      }
      this.#timer = setTimeout(() => this.flush(), 1000 * (error.retry_after ?? 2));
      return false;
    }
  }

  #save() {
    if (this.items.length) sessionStorage.setItem(KEY, JSON.stringify(this.items));
    else sessionStorage.removeItem(KEY);
  }
}
