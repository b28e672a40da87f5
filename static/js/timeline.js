// The window of a conversation that is on the page: loading upward and downward, keeping at most
// LIMIT messages, holding the reader's place still, and knowing what has been seen.
import { nextMessage, place, setState, setText, tidy } from "./bubbles.js";
import { Source } from "./source.js";
import { announce, me, nameOf, say, sayRefusal } from "./words.js";

const LIMIT = 300;
const AT_END = 90; // pixels from the end that still count as being there

export class Timeline {
  constructor(talk, socket) {
    Object.assign(this, talk, { socket, loading: false, waiting: 0, gap: 0 });
    this.source = new Source(this);
    this.scroller = document.getElementById("timeline");
    this.list = document.getElementById("messages-list");
    this.jump = document.getElementById("jump");
    this.edges = new IntersectionObserver(
      (found) => found.forEach((one) => one.isIntersecting && this.#extend(one.target.id)),
      { root: this.scroller, rootMargin: "600px 0px" },
    );
    this.older = document.getElementById("older");
    this.newer = document.getElementById("newer");
    this.#edgesChanged();
    this.edges.observe(this.older);
    this.edges.observe(this.newer);
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.jump.addEventListener("click", () => this.toEnd());
    document.getElementById("fresh")?.scrollIntoView({ block: "center" });
    this.#scrolled();
  }

  close() {
    this.edges.disconnect();
    clearTimeout(this.gap);
  }

  get atEnd() {
    return !this.hasAfter && this.scroller.scrollTop > -AT_END;
  }

  element(messageId) {
    return this.list.querySelector(`[data-id="${CSS.escape(messageId)}"]`);
  }

  bySeq(seq) {
    return this.list.querySelector(`[id="m${seq}"]`);
  }

  // A message that has just come, or has been caught up with.
  async add(message, news = true) {
    const held = this.element(message.id);
    if (held) return this.settle(held, message);
    if (message.seq <= this.high) return null;
    if (this.hasAfter) return news && this.#count(message);
    const element = await this.source.made(message);
    if (this.bySeq(message.seq)) return null;
    const stays = this.atEnd;
    this.#keeping(() => this.#insert(element, message.seq));
    if (message.sender_id !== me.id) {
      if (!stays && news) this.#count(message);
      announce(`${nameOf(this.people[message.sender_id])}: ${message.text}`);
    }
    this.#grow();
    return element;
  }

  // One's own message before the server knows it; stands after everything else.
  async pending(item) {
    const message = { id: item.message_id, sender_id: me.id, text: item.text, sent_at: item.sent_at, reply_to: item.reply_to };
    const element = await this.source.made(message);
    document.getElementById("no-messages").hidden = true;
    this.list.append(element);
    tidy(element);
    setState(element, item.failed ? "failed" : "pending");
    if (item.failed) this.failed(item);
    return element;
  }

  // `settled` has got its place in the chat's order.
  settle(element, message) {
    if (!element.dataset.seq) {
      place(element, message.seq);
      element.dataset.at = message.created_at;
      element.querySelector(".msg__failed")?.remove();
      this.#insert(element, message.seq);
      setState(element, "sent");
      if (message.mentions?.length) this.#name(element, message);
      this.#grow();
      this.ticks();
    }
    return element;
  }

  // Who is named in one's own message is known once the server has read it.
  async #name(element, message) {
    await this.source.meet(message.mentions);
    setText(element, { text: element.querySelector(".bubble__text").textContent, ...message }, this.people);
  }

  failed(item) { // `item.failed` is the refusal's code
    const element = this.element(item.message_id);
    if (!element) return;
    setState(element, "failed");
    element.querySelector(".msg__failed")?.remove();
    const note = document.getElementById("failed").content.firstElementChild.cloneNode(true);
    note.querySelector("span").textContent = `${say("failed")}: ${sayRefusal({ code: item.failed })}`;
    element.append(note);
  }

  async changed(change) {
    this.rev = Math.max(this.rev, change.rev ?? 0);
    await this.source.meet(change.mentions ?? []);
    const element = this.element(change.message_id);
    if (!element || Number(element.dataset.rev) >= change.rev) return;
    this.#keeping(() => setText(element, change, this.people));
    for (const quote of this.list.querySelectorAll(`.quote[href$="#m${element.dataset.seq}"] span`)) {
      quote.textContent = change.deleted_at ? say("deleted") : change.text.slice(0, 140);
    }
  }

  receipt({ user_id: user, delivered_seq: delivered, read_seq: read }) {
    if (user === me.id || !this.cursors[user]) return;
    const held = this.cursors[user];
    this.cursors[user] = [Math.max(held[0], delivered), Math.max(held[1], read)];
    this.ticks();
  }

  ticks() {
    const all = Object.values(this.cursors);
    if (!all.length) return;
    const delivered = Math.min(...all.map((one) => one[0]));
    const read = Math.min(...all.map((one) => one[1]));
    for (const element of this.list.querySelectorAll('.msg--mine[data-seq]:not([data-state="read"])')) {
      const seq = Number(element.dataset.seq);
      if (seq <= read) setState(element, "read");
      else if (seq <= delivered) setState(element, "delivered");
    }
  }

  // The newest `seq` that is in view.
  seen() {
    if (this.atEnd) return this.high;
    const bottom = this.scroller.getBoundingClientRect().bottom;
    const rows = this.list.querySelectorAll(".msg[data-seq]");
    for (let index = rows.length - 1; index >= 0; index -= 1) {
      if (rows[index].getBoundingClientRect().top < bottom - 24) return Number(rows[index].dataset.seq);
    }
    return 0;
  }

  async toEnd() {
    if (this.hasAfter) await this.reload({});
    this.scroller.scrollTop = 0;
    this.#scrolled();
  }

  async toMessage(seq) {
    if (!this.bySeq(seq)) await this.reload({ around_seq: seq });
    const element = this.bySeq(seq);
    if (!element) return;
    element.scrollIntoView({ block: "center" });
    element.classList.remove("is-flash");
    void element.offsetWidth; // lets the animation start anew
    element.classList.add("is-flash");
  }

  // Another window in the place of this one; pending messages stay at its end.
  async reload(position) {
    const page = await this.source.page(position);
    const waiting = [...this.list.querySelectorAll(".msg:not([data-seq])")];
    const elements = await this.source.dressed(page.items);
    this.list.replaceChildren(...elements, ...waiting);
    [...elements, ...waiting].forEach(tidy);
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
      const elements = await this.source.dressed(page.items);
      this.#keeping(() => (up ? this.#prepend(elements, page) : this.#append(elements, page)));
    } catch { // offline: the link stays, and the next scroll tries again
    } finally {
      clearTimeout(timer);
      this.older.classList.remove("is-slow");
      this.loading = false;
    }
    this.edges.unobserve(up ? this.older : this.newer);
    this.edges.observe(up ? this.older : this.newer);
  }

  #prepend(elements, page) {
    const top = this.list.querySelector(".msg");
    this.list.prepend(...elements);
    [...elements, top].forEach(tidy);
    this.low = page.items[0]?.seq ?? this.low;
    this.hasBefore = page.has_more_before;
    const rows = this.list.querySelectorAll(".msg[data-seq]");
    for (let index = LIMIT; index < rows.length; index += 1) rows[index].remove();
    if (rows.length > LIMIT) {
      this.high = Number(rows[LIMIT - 1].dataset.seq);
      this.hasAfter = true;
    }
    this.#strayPills();
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
    const rows = this.list.querySelectorAll(".msg[data-seq]");
    const extra = rows.length - LIMIT;
    if (extra <= 0) return;
    for (let index = 0; index < extra; index += 1) rows[index].remove();
    this.low = Number(rows[extra].dataset.seq);
    this.hasBefore = true;
    this.#strayPills();
    tidy(rows[extra]);
    this.#edgesChanged();
  }

  #strayPills() {
    for (const pill of this.list.querySelectorAll(".pill")) {
      const next = pill.nextElementSibling;
      if (!next || next.classList.contains("pill")) pill.remove();
    }
    const first = this.list.querySelector(".msg");
    tidy(first);
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

  // `high` follows as long as nothing is missing; what is missing is asked for.
  #grow() {
    while (this.bySeq(this.high + 1)) this.high += 1;
    clearTimeout(this.gap);
    const last = [...this.list.querySelectorAll(".msg[data-seq]")].at(-1);
    if (last && Number(last.dataset.seq) > this.high) this.gap = setTimeout(() => this.sync(), 400);
    if (this.atEnd) this.#trimTop();
  }

  sync() {
    this.socket.send({ type: "sync", chats: { [this.id]: { seq: this.high, rev: this.rev } } });
  }

  // Runs `change` without moving what the reader looks at.
  #keeping(change) {
    const top = this.scroller.getBoundingClientRect().top;
    const rows = this.atEnd ? [] : this.list.querySelectorAll(".msg");
    const anchor = [...rows].find((row) => row.getBoundingClientRect().bottom > top + 8);
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (anchor?.isConnected) this.scroller.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  #count(message) {
    if (message.sender_id === me.id) return;
    this.waiting += 1;
    this.#showJump();
  }

  #scrolled() {
    if (this.atEnd) this.waiting = 0;
    this.#showJump();
    this.onScroll?.();
  }

  #showJump() {
    this.jump.hidden = this.atEnd;
    const dot = this.jump.querySelector(".dot");
    dot.hidden = !this.waiting;
    dot.textContent = this.waiting;
  }

  #edgesChanged() {
    this.older.hidden = !this.hasBefore;
    this.newer.hidden = !this.hasAfter;
    this.older.firstElementChild.href = `?before=${this.low}`;
    this.newer.firstElementChild.href = `?after=${this.high}`;
  }
}
