// The part of a conversation that the reader sees: scroll position, what is in view, and the button
// that leads to the newest message.
import { me } from "./words.js";

const AT_END = 90; // pixels from the end that still count as being there

export class Viewport {
  onScroll = () => {};

  constructor(timeline) {
    this.timeline = timeline;
    this.scroller = document.getElementById("timeline");
    this.jump = document.getElementById("jump");
    this.unseen = 0; // messages that arrived below the view
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.jump.addEventListener("click", () => timeline.toEnd());
    document.getElementById("fresh")?.scrollIntoView({ block: "center" });
  }

  get atEnd() {
    return !this.timeline.hasAfter && this.scroller.scrollTop > -AT_END;
  }

  toEnd() {
    this.scroller.scrollTop = 0;
    this.scrolled();
  }

  scrolled() {
    if (this.atEnd) this.unseen = 0;
    this.#showJump();
    this.onScroll();
  }

  // A new message that is not in view.
  count(message) {
    if (message.sender_id === me.id) return;
    this.unseen += 1;
    this.#showJump();
  }

  // The newest `seq` that is in view.
  seen() {
    if (this.atEnd) return this.timeline.high;
    const bottom = this.scroller.getBoundingClientRect().bottom;
    const rows = [...this.timeline.list.querySelectorAll(".msg[data-seq]")];
    const last = rows.findLast((row) => row.getBoundingClientRect().top < bottom - 24);
    return last ? Number(last.dataset.seq) : 0;
  }

  // Runs `change` without moving what the reader looks at.
  keep(change) {
    const top = this.scroller.getBoundingClientRect().top;
    const rows = this.atEnd ? [] : this.timeline.list.querySelectorAll(".msg");
    const anchor = [...rows].find((row) => row.getBoundingClientRect().bottom > top + 8);
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (anchor?.isConnected) this.scroller.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  // Scrolls to a message and highlights it.
  show(element) {
    element.scrollIntoView({ block: "center" });
    element.classList.remove("is-flash");
    void element.offsetWidth; // restarts the animation
    element.classList.add("is-flash");
  }

  #showJump() {
    this.jump.hidden = this.atEnd;
    const dot = this.jump.querySelector(".dot");
    dot.hidden = !this.unseen;
    dot.textContent = this.unseen;
  }
}
