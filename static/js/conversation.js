// The open conversation: its messages, its composer, its menu, and telling what has been read.
import { calm } from "./api.js";
import { Composer } from "./composer.js";
import { Timeline } from "./timeline.js";
import { me } from "./words.js";

const LONG_PRESS = 450;
const TYPING_EVERY = 3100; // the server passes over what comes more often than every three seconds
const actions = () => import("./actions.js"); // only once one is wanted

export class Conversation {
  constructor(talk, { socket, outbox, list }) {
    Object.assign(this, { talk, socket, outbox, list });
    this.unread = talk.unread;
    this.timeline = new Timeline(talk, socket);
    this.composer = new Composer(talk);
    this.composer.onSend = (item) => this.#send(item);
    this.composer.onEdit = (id, text) => this.#does("change", { type: "edit_message", message_id: id, text });
    this.composer.onDraft = (draft) => list.drafted(talk.id, draft);
    this.composer.onEditLast = () => this.#editLast();
    this.composer.onTyping = () => this.#tellTyping();
    this.tellRead = calm(() => this.#tellRead(), 200);
    this.timeline.onScroll = () => this.tellRead();
    this.#listen();
    for (const item of outbox.of(talk.id)) {
      if (!this.timeline.element(item.message_id)) this.timeline.pending(item);
    }
    this.timeline.ticks();
    this.tellRead();
  }

  get id() {
    return this.talk.id;
  }

  get isWatched() {
    return this.timeline.atEnd && document.visibilityState === "visible" && document.hasFocus();
  }

  close() {
    this.timeline.close();
    this.composer.close();
  }

  async heard(message) {
    const news = message.seq > this.talk.lastSeq;
    this.talk.lastSeq = Math.max(this.talk.lastSeq, message.seq);
    if (news && message.sender_id !== me.id) this.unread += 1;
    await this.timeline.add(message, news);
    this.tellRead();
  }

  acked(ack) {
    this.talk.lastSeq = Math.max(this.talk.lastSeq, ack.seq);
    const element = this.timeline.element(ack.message_id);
    if (element) this.timeline.settle(element, ack);
  }

  caughtUp() {
    this.timeline.sync();
    this.tellRead();
  }

  async resync() {
    if (this.timeline.atEnd) await this.timeline.reload({});
    else Object.assign(this.timeline, { hasAfter: true });
    this.tellRead();
  }

  escape() {
    if (this.composer.isBusy) this.composer.cancel();
    else return false;
    return true;
  }

  async #send(item) {
    if (this.timeline.hasAfter) await this.timeline.toEnd();
    await this.timeline.pending(item);
    this.timeline.scroller.scrollTop = 0;
    this.outbox.add(item);
    this.list.wrote(item);
  }

  #editLast() { // at once: what is typed next belongs to it
    const own = this.timeline.list.querySelectorAll(".msg--mine[data-seq]:not([data-deleted])");
    const last = own[own.length - 1];
    if (last) this.composer.edit({ id: last.dataset.id, text: last.querySelector(".bubble__text").textContent });
  }

  async #does(what, ...given) {
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
      else if (answer) this.#does("again", element, answer.dataset.do);
      else this.#does("menu", element, more, more.getBoundingClientRect().left, more.getBoundingClientRect().bottom + 4);
    });
    list.addEventListener("contextmenu", (event) => {
      const bubble = event.target.closest(".bubble");
      if (!bubble || event.target.closest("a[target]") || String(getSelection())) return;
      event.preventDefault();
      const more = bubble.querySelector(".bubble__more");
      this.#does("menu", bubble.closest(".msg"), more, event.clientX, event.clientY);
    });
    this.#longPress(list);
    list.addEventListener("dblclick", (event) => {
      const element = event.target.closest(".msg[data-seq]");
      if (element && !event.target.closest(".bubble")) this.#does("act", "reply", element);
    });
  }

  #longPress(list) {
    let timer = 0;
    const stop = () => clearTimeout(timer);
    list.addEventListener("pointerdown", (event) => {
      const bubble = event.pointerType === "touch" && event.target.closest(".bubble");
      if (!bubble) return;
      timer = setTimeout(() => {
        this.#does("menu", bubble.closest(".msg"), null, event.clientX, event.clientY);
      }, LONG_PRESS);
    });
    for (const name of ["pointerup", "pointercancel", "pointermove"]) list.addEventListener(name, stop);
  }

  #tellTyping() {
    if (Date.now() - (this.typedAt ?? 0) < TYPING_EVERY) return;
    this.typedAt = Date.now();
    this.socket.send({ type: "typing", chat_id: this.id });
  }

  #tellRead() {
    if (!this.unread || document.visibilityState !== "visible" || !document.hasFocus()) return;
    const seq = this.timeline.seen();
    if (seq <= this.talk.readSeq) return;
    if (!this.socket.send({ type: "read", items: [{ chat_id: this.id, seq }] })) return;
    this.talk.readSeq = seq;
    this.unread = Math.min(this.unread, this.talk.lastSeq - seq);
    this.list.read(this.id, seq, this.unread);
  }
}
