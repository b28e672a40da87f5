// Messages without an acknowledgement: kept over reloads, sent in order, one at a time, always
// under the same message_id, so that a repeat never makes a second message.
import { backoff, signIn } from "./api.js";
import { me, textOf } from "./words.js";

const KEY = `outbox:${me.id}`;
const FIRST_PAUSE = 1000; // milliseconds
const LONGEST_PAUSE = 60_000;
const TRIES = 8; // refusals with `retry: later`, about two minutes: after them the person decides

export class Outbox {
  #socket;
  #busy = false;
  #timer = 0;
  #pausedUntil = 0;
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
    delete item.tries;
    this.#pausedUntil = 0;
    this.#save();
    this.flush();
  }

  discard(messageId) {
    this.items = this.items.filter((one) => one.message_id !== messageId);
    this.#save();
  }

  async flush() {
    if (this.#busy || Date.now() < this.#pausedUntil) return;
    this.#busy = true;
    clearTimeout(this.#timer);
    try {
      let item;
      while (this.#socket.connected && (item = this.items.find((one) => !one.failed))) {
        if (!(await this.#deliver(item))) break;
      }
    } finally {
      this.#busy = false;
    }
  }

  // Whether the queue may go on to the next message.
  async #deliver(item) {
    const { failed, tries = 0, ...frame } = item;
    try {
      const ack = await this.#socket.ask({ type: "message", ...frame });
      this.discard(item.message_id);
      this.onAck(ack);
      return true;
    } catch (error) {
      if (error.code === "lost") return false; // the next connection flushes again
      if (error.retry === "after_sign_in") signIn();
      else if (error.retry === "later" && tries < TRIES) this.#pause(item, tries, error);
      else return this.#fail(item, error);
      return false;
    }
  }

  #pause(item, tries, error) {
    const asked = 1000 * (error.retry_after ?? 0);
    const pause = Math.max(asked, backoff(tries, FIRST_PAUSE, LONGEST_PAUSE));
    item.tries = tries + 1;
    this.#pausedUntil = Date.now() + pause;
    this.#timer = setTimeout(() => this.flush(), pause + 1);
  }

  // `item.failed` is the text of the refusal.
  #fail(item, error) {
    item.failed = textOf(error);
    this.#save();
    this.onFailure(item);
    return true;
  }

  #save() {
    if (this.items.length) sessionStorage.setItem(KEY, JSON.stringify(this.items));
    else sessionStorage.removeItem(KEY);
  }
}
