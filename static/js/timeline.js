// The window of a conversation that is on the page: its messages in order, at most LIMIT of them,
// loaded upward and downward while the reader scrolls.
import { nextMessage, removeStrayPills, setSeq, setState, setText, tidy } from "./bubbles.js";
import { Source } from "./source.js";
import { Viewport } from "./viewport.js";
import { announce, me, nameOf } from "./words.js";

const LIMIT = 300;

export class Timeline {
  constructor(state, socket) {
    Object.assign(this, state, { socket, loading: false, gapTimer: 0 });
    this.source = new Source(this);
    this.list = document.getElementById("messages-list");
    this.view = new Viewport(this);
    this.edges = new IntersectionObserver(
      (found) => found.forEach((one) => one.isIntersecting && this.#extend(one.target.id)),
      { root: this.view.scroller, rootMargin: "600px 0px" },
    );
    this.older = document.getElementById("older");
    this.newer = document.getElementById("newer");
    this.#edgesChanged();
    for (const edge of [this.older, this.newer]) this.edges.observe(edge);
    this.view.scrolled();
  }

  close() {
    this.edges.disconnect();
    clearTimeout(this.gapTimer);
  }

  element(messageId) {
    return this.list.querySelector(`[data-id="${CSS.escape(messageId)}"]`);
  }

  bySeq(seq) {
    return this.list.querySelector(`[id="m${seq}"]`);
  }

  // A message that has arrived; `isNew` is false for one that was replayed.
  async add(message, isNew = true) {
    const shown = this.element(message.id);
    if (shown) return this.settle(shown, message);
    if (message.seq <= this.high) return null;
    if (this.hasAfter) return isNew && this.view.count(message);
    const element = await this.source.element(message);
    if (this.bySeq(message.seq)) return null;
    const isInView = this.view.atEnd;
    this.view.keep(() => this.#insert(element, message.seq));
    if (message.sender_id !== me.id) {
      if (!isInView && isNew) this.view.count(message);
      announce(`${nameOf(this.people[message.sender_id])}: ${message.text}`);
    }
    this.#grow();
    return element;
  }

  // One's own message before its acknowledgement; it stays after all others.
  async pending(item) {
    const message = { id: item.message_id, sender_id: me.id, text: item.text, sent_at: item.sent_at, reply_to: item.reply_to };
    const element = await this.source.element(message);
    document.getElementById("no-messages").hidden = true;
    this.list.append(element);
    tidy(element);
    setState(element, item.failed ? "failed" : "pending");
    if (item.failed) this.failed(item);
    return element;
  }

  // The server has given one's own message its position in the chat.
  settle(element, message) {
    if (!element.dataset.seq) {
      setSeq(element, message.seq);
      element.dataset.at = message.created_at;
      element.querySelector(".msg__failed")?.remove();
      this.#insert(element, message.seq);
      setState(element, "sent");
      if (message.mentions?.length) this.#linkMentions(element, message);
      this.#grow();
      this.ticks();
    }
    return element;
  }

  // The server finds the people whom one's own message mentions.
  async #linkMentions(element, message) {
    await this.source.loadPeople(message.mentions);
    setText(element, { text: element.querySelector(".bubble__text").textContent, ...message }, this.people);
  }

  failed(item) { // `item.failed` is the refusal's text
    const element = this.element(item.message_id);
    if (!element) return;
    setState(element, "failed");
    element.querySelector(".msg__failed")?.remove();
    const note = document.getElementById("failed").content.firstElementChild.cloneNode(true);
    note.querySelector("span").textContent = `${gettext("Not sent")}: ${item.failed}`;
    element.append(note);
  }

  async changed(change) {
    this.rev = Math.max(this.rev, change.rev ?? 0);
    await this.source.loadPeople(change.mentions ?? []);
    const element = this.element(change.message_id);
    if (!element || Number(element.dataset.rev) >= change.rev) return;
    this.view.keep(() => setText(element, change, this.people));
    for (const quote of this.list.querySelectorAll(`.quote[href$="#m${element.dataset.seq}"] span`)) {
      quote.textContent = change.deleted_at ? gettext("Message deleted") : change.text.slice(0, 140);
    }
  }

  receipt({ user_id: user, delivered_seq: delivered, read_seq: read }) {
    if (user === me.id || !this.cursors[user]) return;
    const [wasDelivered, wasRead] = this.cursors[user];
    this.cursors[user] = [Math.max(wasDelivered, delivered), Math.max(wasRead, read)];
    this.ticks();
  }

  ticks() {
    const all = Object.values(this.cursors);
    if (!all.length) return;
    const [delivered, read] = [0, 1].map((index) => Math.min(...all.map((one) => one[index])));
    for (const element of this.list.querySelectorAll('.msg--mine[data-seq]:not([data-state="read"])')) {
      const seq = Number(element.dataset.seq);
      if (seq <= read) setState(element, "read");
      else if (seq <= delivered) setState(element, "delivered");
    }
  }

  async toEnd() {
    if (this.hasAfter) await this.reload({});
    this.view.toEnd();
  }

  async toMessage(seq) {
    if (!this.bySeq(seq)) await this.reload({ around_seq: seq });
    const element = this.bySeq(seq);
    if (element) this.view.show(element);
  }

  // Replaces the window; pending messages stay at its end.
  async reload(position) {
    const page = await this.source.page(position);
    const pending = [...this.list.querySelectorAll(".msg:not([data-seq])")];
    const elements = await this.source.elements(page.items);
    this.list.replaceChildren(...elements, ...pending);
    [...elements, ...pending].forEach(tidy);
    this.low = page.items[0]?.seq ?? this.low;
    this.high = page.items.at(-1)?.seq ?? this.high;
    this.hasBefore = page.has_more_before;
    this.hasAfter = page.has_more_after;
    this.#edgesChanged();
    this.ticks();
  }

  async #extend(edge) {
    const up = edge === "older";
    if (this.loading || !(up ? this.hasBefore : this.hasAfter)) return;
    this.loading = true;
    const timer = setTimeout(() => this.older.classList.add("is-slow"), 200);
    try {
      const page = await this.source.page(up ? { before_seq: this.low } : { after_seq: this.high });
      const elements = await this.source.elements(page.items);
      this.view.keep(() => (up ? this.#prepend(elements, page) : this.#append(elements, page)));
    } catch { // offline: the next scroll tries again
    } finally {
      clearTimeout(timer);
      this.older.classList.remove("is-slow");
      this.loading = false;
    }
    this.edges.unobserve(this[edge]);
    this.edges.observe(this[edge]); // reports anew whether the edge is in view
  }

  #prepend(elements, page) {
    const top = this.list.querySelector(".msg");
    this.list.prepend(...elements);
    [...elements, top].forEach(tidy);
    this.low = page.items[0]?.seq ?? this.low;
    this.hasBefore = page.has_more_before;
    const rows = [...this.list.querySelectorAll(".msg[data-seq]")];
    rows.slice(LIMIT).forEach((row) => row.remove());
    if (rows.length > LIMIT) {
      this.high = Number(rows[LIMIT - 1].dataset.seq);
      this.hasAfter = true;
    }
    removeStrayPills(this.list);
    this.#edgesChanged();
  }

  #append(elements, page) {
    for (const element of elements) this.#insert(element, Number(element.dataset.seq));
    this.high = page.items.at(-1)?.seq ?? this.high;
    this.hasAfter = page.has_more_after;
    this.#trimTop();
    this.#edgesChanged();
  }

  #trimTop() {
    const rows = [...this.list.querySelectorAll(".msg[data-seq]")];
    const extra = rows.length - LIMIT;
    if (extra <= 0) return;
    rows.slice(0, extra).forEach((row) => row.remove());
    this.low = Number(rows[extra].dataset.seq);
    this.hasBefore = true;
    removeStrayPills(this.list);
    tidy(rows[extra]);
    this.#edgesChanged();
  }

  #insert(element, seq) {
    document.getElementById("no-messages").hidden = true;
    let next = this.list.querySelector(".msg:not([data-seq])");
    if (next === element) next = nextMessage(element);
    let before = next ? next.previousElementSibling : this.list.lastElementChild;
    while (before && (before === element || !(Number(before.dataset.seq) < seq))) {
      if (before !== element && before.dataset.seq) next = before;
      before = before.previousElementSibling;
    }
    if (nextMessage(element) !== next || !element.parentNode) this.list.insertBefore(element, next);
    tidy(element);
    tidy(nextMessage(element));
  }

  // Moves `high` to the last message before a gap, and asks the server to fill the gap.
  #grow() {
    while (this.bySeq(this.high + 1)) this.high += 1;
    clearTimeout(this.gapTimer);
    const last = [...this.list.querySelectorAll(".msg[data-seq]")].at(-1);
    if (Number(last?.dataset.seq) > this.high) this.gapTimer = setTimeout(() => this.sync(), 400);
    if (this.view.atEnd) this.#trimTop();
  }

  // Asks for messages and changes since `high` and `rev`.
  sync() {
    this.socket.send({ type: "sync", chats: { [this.id]: { seq: this.high, rev: this.rev } } });
  }

  #edgesChanged() {
    this.older.hidden = !this.hasBefore;
    this.newer.hidden = !this.hasAfter;
    this.older.firstElementChild.href = `/chats/${this.id}/?before=${this.low}`;
    this.newer.firstElementChild.href = `/chats/${this.id}/?after=${this.high}`;
  }
}
