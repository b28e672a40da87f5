// The open conversation: its messages, its composer, its menu, and reporting what has been read.
import { debounced } from "./api.js";
import { Composer } from "./composer.js";
import { Timeline } from "./timeline.js";
import { me } from "./words.js";

const LONG_PRESS = 450;
const TYPING_EVERY = 3100; // the server ignores `typing` that comes within three seconds
const actions = () => import("./actions.js"); // loaded with the first action

export class Conversation {
  #acks = new Map(); // of messages that are not shown yet

  constructor(state, { socket, outbox, list }) {
    Object.assign(this, { state, socket, outbox, list });
    this.unread = state.unread;
    this.timeline = new Timeline(state, socket);
    this.composer = new Composer(state);
    this.composer.onSend = (item) => this.#send(item);
    this.composer.onEdit = (id, text) => this.#run("change", { type: "edit_message", message_id: id, text });
    this.composer.onDraft = (draft) => list.setDraft(state.id, draft);
    this.composer.onEditLast = () => this.#editLast();
    this.composer.onTyping = () => this.#reportTyping();
    this.reportRead = debounced(() => this.#reportRead(), 200);
    this.timeline.view.onScroll = () => this.reportRead();
    this.#listen();
    for (const item of outbox.of(state.id)) {
      if (!this.timeline.element(item.message_id)) this.timeline.pending(item);
    }
    this.timeline.ticks();
    this.reportRead();
  }

  get id() {
    return this.state.id;
  }

  // Whether the viewer may do `action` in this chat; decided by the server (`chats/rules.py`).
  may(action) {
    return this.state.may.includes(action);
  }

  get isWatched() {
    return this.timeline.view.atEnd && document.visibilityState === "visible" && document.hasFocus();
  }

  close() {
    this.timeline.close();
    this.composer.close();
  }

  async received(message) {
    const isNew = message.seq > this.state.lastSeq;
    this.state.lastSeq = Math.max(this.state.lastSeq, message.seq);
    if (isNew && message.sender_id !== me.id) this.unread += 1;
    await this.timeline.add(message, isNew);
    this.reportRead();
  }

  acked(ack) {
    this.state.lastSeq = Math.max(this.state.lastSeq, ack.seq);
    const element = this.timeline.element(ack.message_id);
    if (element) this.timeline.settle(element, ack);
    else this.#acks.set(ack.message_id, ack);
  }

  // After a reconnect: asks for what was missed.
  reconnected() {
    this.timeline.sync();
    this.reportRead();
  }

  async resync() {
    if (this.timeline.view.atEnd) await this.timeline.reload({});
    else Object.assign(this.timeline, { hasAfter: true });
    this.reportRead();
  }

  escape() {
    if (this.composer.isBusy) this.composer.cancel();
    else return false;
    return true;
  }

  // The outbox comes first: it keeps the message, in order, even if a request below fails.
  async #send(item) {
    this.outbox.add(item);
    this.list.sent(item);
    if (this.timeline.hasAfter) await this.timeline.toEnd().catch(() => {});
    const shown = this.timeline.element(item.message_id);
    const element = shown ?? await this.timeline.pending(item);
    const ack = this.#acks.get(item.message_id);
    if (ack && !shown) this.timeline.settle(element, ack);
    this.#acks.delete(item.message_id);
    this.timeline.view.toEnd();
  }

  #editLast() { // without loading actions.js: the next key already belongs to the edit
    if (!this.may("edit")) return;
    const own = this.timeline.list.querySelectorAll(".msg--mine[data-seq]:not([data-deleted])");
    const last = own[own.length - 1];
    if (last) this.composer.edit({ id: last.dataset.id, text: last.querySelector(".bubble__text").textContent });
  }

  async #run(what, ...given) {
    (await actions())[what](this, ...given);
  }

  #listen() {
    const list = this.timeline.list;
    list.addEventListener("click", (event) => {
      const more = event.target.closest(".bubble__more");
      const quote = event.target.closest(".quote");
      const answer = event.target.closest(".msg__failed button");
      const element = event.target.closest(".msg");
      if (!more && !quote && !answer) return;
      event.preventDefault();
      if (quote) this.timeline.toMessage(Number(quote.hash.slice(2)));
      else if (answer) this.#run("again", element, answer.dataset.do);
      else this.#run("menu", element, more, more.getBoundingClientRect().left, more.getBoundingClientRect().bottom + 4);
    });
    list.addEventListener("contextmenu", (event) => {
      const bubble = event.target.closest(".bubble");
      if (!bubble || event.target.closest("a[target]") || String(getSelection())) return;
      event.preventDefault();
      const more = bubble.querySelector(".bubble__more");
      this.#run("menu", bubble.closest(".msg"), more, event.clientX, event.clientY);
    });
    this.#longPress(list);
    list.addEventListener("dblclick", (event) => {
      const element = event.target.closest(".msg[data-seq]");
      if (element && !event.target.closest(".bubble")) this.#run("act", "reply", element);
    });
  }

  #longPress(list) {
    let timer = 0;
    const stop = () => clearTimeout(timer);
    list.addEventListener("pointerdown", (event) => {
      const bubble = event.pointerType === "touch" && event.target.closest(".bubble");
      if (!bubble) return;
      timer = setTimeout(() => {
        this.#run("menu", bubble.closest(".msg"), null, event.clientX, event.clientY);
      }, LONG_PRESS);
    });
    for (const name of ["pointerup", "pointercancel", "pointermove"]) list.addEventListener(name, stop);
  }

  #reportTyping() {
    if (Date.now() - (this.typedAt ?? 0) < TYPING_EVERY) return;
    this.typedAt = Date.now();
    this.socket.send({ type: "typing", chat_id: this.id });
  }

  #reportRead() {
    if (!this.unread || document.visibilityState !== "visible" || !document.hasFocus()) return;
    const seq = this.timeline.view.seen();
    if (seq <= this.state.readSeq) return;
    if (!this.socket.send({ type: "read", items: [{ chat_id: this.id, seq }] })) return;
    this.state.readSeq = seq;
    this.unread = Math.min(this.unread, this.state.lastSeq - seq);
    this.list.read(this.id, seq, this.unread);
  }
}
